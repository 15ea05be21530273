package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// judged is a finding of one of several documents, with what tells it from others of the same rule.
type judged struct {
	Finding
	nth int // from 1, among the findings of its rule, subject and file
}

// judgements are the findings of documents, in order.
func judgements(docs []Document) []judged {
	var list []judged
	seen := map[string]int{}
	for _, d := range docs {
		for _, f := range d.Findings {
			key := strings.Join([]string{f.Rule, f.Subject, f.File}, "\x00")
			seen[key]++
			list = append(list, judged{f, seen[key]})
		}
	}
	return list
}

// name is the rule, numbered from its second finding on.
func (j *judged) name() string {
	if j.nth == 1 {
		return j.Rule
	}
	return fmt.Sprintf("%s (%d)", j.Rule, j.nth)
}

// fingerprint is the same from run to run: it holds no figure that may change.
func (j *judged) fingerprint() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{j.Rule, j.Subject, j.File, fmt.Sprint(j.nth)}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// sentence is the message, with what was judged where it does not say so itself.
func (f *Finding) sentence() string {
	if f.Subject == "" || strings.Contains(f.Message, f.Subject) {
		return f.Message
	}
	return f.Subject + ": " + f.Message
}

// place is where the reader should look, in brackets; empty where that is nowhere in particular.
func (f *Finding) place() string {
	switch {
	case f.File == "":
		return ""
	case f.Line == 0:
		return " (" + f.File + ")"
	}
	return fmt.Sprintf(" (%s:%d)", f.File, f.Line)
}
