# mdatagen knows one way to switch events. Ours are switched by class.
/^events:$/,/^```$/ {
	s/  <event_name>:/  classes:/
	s/    enabled: /    <class>: /
}
s/^\(The following events are .*\)\. Each of them can be/\1. The class that an event belongs to can be/
