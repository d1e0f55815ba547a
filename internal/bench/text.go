package main

const intro = `# Performance

<!-- Made by make bench. -->

What the sensor costs, next to nothing attached and to what else could be run. ` + "`make bench`" + ` measures it and writes
this page, on any Linux, as root. Instructions are exact to 1 % for system calls, TCP and the shell job and to 3 % for executions, and
the same on every machine; nanoseconds and seconds are those of the machine that wrote this page. What must not grow is
in ` + "`testdata/budget`" + `, which ` + "`make test`" + ` enforces.
`

const aboutTargets = "Those of the sensor's default configuration, with log records. Instructions are those of our programs and what the kernel does for " +
	"them, on Linux 6.12, and as a part of what the operation takes with nothing attached; nanoseconds, seconds and megabytes are of this machine, where the loads and what takes the records take their part of the processors."

const bounds = `
## What bounds it

The way into a program that the kernel calls and out of it costs more than a hundred instructions before the program does
anything, and the way into one that sees what a function returned half as much again: the rows "ways into programs and out"
[below](#where-the-added-instructions-go).

- **An open that is not watched** pays one such way, and the comparison of its names with a filter of lengths and of one
  hash: one look for each directory above it. Each word that is read of the kernel's files and directories has a test
  before it, put in by the kernel, that its address is one of the kernel's; these tests are a large part of the program.
- **A watched open** is one whose path is written, from the root of the mount namespace down, and looked up in a table of
  prefixes. As a record it is also told who did it, and copied into the ring.
- **setuid** pays two ways: commit_creds, where the rights before and after are compared in full, and the return of the
  system call, without which what was refused would not be seen. The ways alone are more than the target.
- **UDP** pays for a return of sendmsg, as what failed was not sent, and for each receive, and looks its socket up both
  times. The ways alone are more than the target.
- **TCP**: one connection over loopback is ten changes of state of two sockets, each of which runs two programs; the
  second counts what the kernel skips when one change interrupts another. Six of the changes matter, in which the table
  of connections is looked up and changed. Connections that are open, errors, and who made a connection are known from
  nothing else. The ways alone are more than the target.
- **fork, exec, exit** is seen in nine places: the open of the executable, the change of credentials, the end of a failed
  execution, the system call's own return, fork, exec, and exit. The paths of the executable and of the working directory,
  the arguments, the cgroup, and the type of the process are read where they cannot be changed any more.
- **A record** is its attributes, for each of which pdata, the collector's own representation, allocates an object: most of
  the allocations of ` + "`Record`" + ` below. That and the collection of the garbage is most of the processor time of the door, see
  [where it goes](#where-the-time-of-a-record-goes). What decodes it is ` + "`Decode`" + ` below. Its pools
  (the feature gate pdata.useProtoPooling, alpha) allocate less and take longer; ` + "`GOGC=200`" + ` in the environment takes less
  time, and more memory. The file exporter comes on top of the door, and cannot be cheaper.
- **The ledger at 500,000**: two loads beside a collector that makes records do not make more on two cores, though they go
  before it; all that they made is in the ledger.
- **Resident memory** is mostly pages of the distribution's binary, which the kernel may drop: see RssFile and RssAnon.
- **Without trampolines** there are tracepoints under syscalls/ only, each of which makes every system call of the host
  take the kernel's slow way in and out: that is what getppid shows under ` + "`counters`" + ` and ` + "`fallback`" + ` where the kernel has
  no trampolines. Counters need the ends of calls only; records of namespaces need beginnings too, as nobody knows at the
  end which ones were left, and that is about half as much again. ` + "`syscall_tracepoints: never`" + ` does without all of them.
  Since Linux 6.2 the programs read the kernel's objects there as directly as with trampolines; before, as on
  arm64:6.1, each word is a call.
`
