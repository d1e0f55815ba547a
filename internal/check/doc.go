// Package check looks at how a host is configured: it reads files below the
// directory where the host's root is mounted, and returns gauges, answers of
// rules, and what has changed since it looked last. It executes nothing, opens
// nothing but regular files and directories, and follows no link out of that
// directory.
//
// To add a check:
//
//   - Make a file for it, with a function that returns its Check: a stable ID,
//     the category, what it reads, its metrics and its rules, each with one line
//     why and one line how to remedy. Add the function to All.
//   - Its Run reads through Host, never through package os: Read and ReadIfAny
//     for whole files, Line for those of /proc and /sys, Head for the beginning of
//     large ones, Dir, Stat, Lstat and Link; Processes for /proc, which is read once
//     per run; OpenDir where a check looks at many names, scan for the lines of
//     files of any size, owners for packages. What is not a file is an interface of few methods, in a field of Host
//     that is nil where there is none and that the runner's prepare sets: Prepare
//     does.
//   - What it finds goes into Findings: Point for a data point, Judge for the
//     answer of a rule and the value it was judged by, Watch for a value whose
//     change matters although no rule judges it. They are made valid UTF-8, cut,
//     merged and bounded there. Add them in an order that does not change.
//   - What is absent by right is no error and gives no answer. What cannot be
//     read is an error: returned, if nothing else can be said, or given to
//     Problem. An fs.PathError makes the status unreadable, others make it error.
//     Never guess a value.
//   - A check that takes long is Slow, and looks at its context as it goes.
//   - Test it on small trees: one(t, check, host) runs it, and tree makes a host
//     of a map. Fuzz what parses.
package check
