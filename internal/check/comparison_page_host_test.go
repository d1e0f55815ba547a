//go:build linux && host

package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const comparisonIntroduction = `# Comparison with OpenSCAP and Lynis

<!-- Made by make compare. -->

What our rules say, and what [OpenSCAP](https://www.open-scap.org/) with its content for Debian and
[Lynis](https://cisofy.com/lynis/) say of the same. Both are Debian 12's. Its newest content for OpenSCAP is for Debian
11: it was made to look at 12, with our limits where it has a choice. The three looked at four hosts, which
%[1]smake compare%[1]s makes of Debian's packages and starts with systemd:

| | |
|---|---|
| installed | Debian 12 as it is after the installation, with sshd, sudo, cron and auditd |
| hardened | the same with all that a careful administrator would do |
| careless | the same with what nobody should do |
| tricky | the same with settings that are not what a search for words in files takes them for |

✓ is pass, ✗ is fail, – is no answer, in the order of the table above. auditd does not run in the trees, since a
container may not. %[1]smake test-host-tools%[1]s makes the comparison again, here and in the trees, and fails if there is a
difference without a reason.

`

// comparisonPage is docs/comparison.md.
func comparisonPage(all []judgement) string {
	var b strings.Builder
	fmt.Fprintf(&b, comparisonIntroduction, "`")
	for _, tool := range []string{openSCAP, lynisIs} {
		same, given := agreement(all, tool)
		fmt.Fprintf(&b, "%s gives %d answers to what our rules ask, and %d are as ours are.\n", tool, given, same)
	}
	b.WriteString("\n| rule | we | OpenSCAP | | Lynis | | reason |\n|---|---|---|---|---|---|---|\n")
	for _, c := range counterparts() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n",
			c.rule, marks(all, func(j judgement) Verdict { return j.Ours[c.rule] }),
			strings.Join(c.oscap, " "), marksBy(all, openSCAP, c, len(c.oscap)),
			strings.Join(c.lynisNames(), ", "), marksBy(all, lynisIs, c, len(c.lynis)), reasonNumbers(all, c))
	}
	b.WriteString("\n## Reasons\n\n")
	for i, d := range differences() {
		fmt.Fprintf(&b, "%d. %s: %s\n", i+1, d.tool, d.why)
	}
	b.WriteString("\nOn other machines there may be some more:\n\n")
	for _, d := range differencesHere() {
		fmt.Fprintf(&b, "- `%s`, %s: %s\n", strings.ReplaceAll(d.rules, " ", "`, `"), d.tool, d.why)
	}
	b.WriteString("\n## Lists\n\nOf these Lynis makes a list, which has what ours has.\n\n| list | metric | Lynis | but |\n|---|---|---|---|\n")
	for _, list := range counterlists() {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", list.name, list.metric, list.test, list.why)
	}
	return b.String()
}

// agreement counts the verdicts that a tool gives, and those that are ours.
func agreement(all []judgement, tool string) (same, given int) {
	for _, j := range all {
		for _, c := range counterparts() {
			if j.by(tool, c) != NotJudged {
				given++
				if !j.differs(tool, c) {
					same++
				}
			}
		}
	}
	return same, given
}

// marks are the verdicts on the trees.
func marks(all []judgement, of func(judgement) Verdict) string {
	s := ""
	for _, j := range all {
		s += map[Verdict]string{Pass: "✓", Fail: "✗", NotJudged: "–"}[of(j)]
	}
	return s
}

func marksBy(all []judgement, tool string, c counterpart, have int) string {
	if have == 0 {
		return ""
	}
	return marks(all, func(j judgement) Verdict { return j.by(tool, c) })
}

// reasonNumbers are those of the reasons why others differ from us in a rule.
func reasonNumbers(all []judgement, c counterpart) string {
	numbers := map[int]bool{}
	for _, j := range all {
		for _, tool := range []string{openSCAP, lynisIs} {
			if j.differs(tool, c) {
				numbers[reasonFor(differences(), c, tool, j)+1] = true
			}
		}
	}
	return strings.Trim(fmt.Sprint(slices.Sorted(maps.Keys(numbers))), "[]")
}
