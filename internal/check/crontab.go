package check

import (
	"errors"
	"fmt"
	"strings"
)

// A job is something that the host runs at times.
type job struct {
	user, source, schedule, command string
}

var errCrontab = errors.New("not a line of a crontab")

// parseCrontab reads crontab(5). In the system's own, a user comes before the
// command; others are all the user's whose crontab it is.
func parseCrontab(b []byte, source, user string) (jobs []job, err error) {
	for line := range lines(b) {
		if isAssignment(line) {
			continue
		}
		j, ok := parseJob(line, user)
		if !ok {
			err = fmt.Errorf("%s: %w: %q", source, errCrontab, Text(line))
			continue
		}
		j.source = source
		jobs = append(jobs, j)
	}
	return jobs, err
}

// parseJob reads a line. Without a user there is one in it.
func parseJob(line, user string) (j job, ok bool) {
	n := 5
	if line[0] == '@' {
		n = 1
	}
	var schedule []string
	rest := line
	for range n {
		var field string
		if field, rest = field1(rest); rest == "" || !isField(field) {
			return j, false
		}
		schedule = append(schedule, field)
	}
	if user == "" {
		if user, rest = field1(rest); rest == "" {
			return j, false
		}
	}
	return job{user: user, schedule: strings.Join(schedule, " "), command: rest}, true
}

// field1 takes the first field off a line.
func field1(s string) (field, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}

// isField says whether a field can be one of a schedule: numbers, names of
// months and days, @reboot and the like, and what programs have added.
func isField(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*/,-~?@#") == ""
}

// isAssignment knows NAME = value, with or without quotes.
func isAssignment(line string) bool {
	rest := ""
	if quote := line[0]; quote == '"' || quote == '\'' {
		_, rest, _ = strings.Cut(line[1:], string(quote))
	} else {
		rest = strings.TrimLeftFunc(line, func(r rune) bool { return r != ' ' && r != '\t' && r != '=' })
	}
	return strings.HasPrefix(strings.TrimLeft(rest, " \t"), "=")
}

// parseAnacrontab reads anacrontab(5): days or a name, minutes to wait, a name
// of the job, and the command.
func parseAnacrontab(b []byte, source string) (jobs []job, err error) {
	for line := range lines(b) {
		if isAssignment(line) {
			continue
		}
		period, rest := field1(line)
		_, rest = field1(rest)
		_, command := field1(rest)
		if command == "" {
			err = fmt.Errorf("%s: %w: %q", source, errCrontab, Text(line))
			continue
		}
		if period[0] != '@' {
			period += " days"
		}
		jobs = append(jobs, job{"root", source, period, command})
	}
	return jobs, err
}
