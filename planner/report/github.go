package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// The limits of GitHub: annotations of one kind that a step may have, the bytes of a step's summary (docs.github.com, "Workflow commands"), and the
// characters of a comment.
const (
	mostAnnotations = 10
	summaryBytes    = 1 << 20
	commentChars    = 65_536
)

// annotations are the commands of GitHub Actions by level.
var annotations = map[Level]string{Deny: "error", Warn: "warning", Info: "notice"}

// The escapes of workflow commands (actions/toolkit, command.ts).
var (
	escapeData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// writeGitHub writes an answer and the annotations of what did not pass, the gravest first; what is over the limit is counted.
func writeGitHub(w io.Writer, docs []Document) error {
	var b bytes.Buffer
	for _, d := range docs {
		fmt.Fprintln(&b, d.Answer)
	}
	var over []string
	for _, level := range []Level{Deny, Warn, Info} {
		n := 0
		for _, j := range judgements(docs) {
			if j.Passed || j.Level != level {
				continue
			}
			if n++; n <= mostAnnotations {
				annotate(&b, &j)
			}
		}
		if more := n - mostAnnotations; more > 0 {
			over = append(over, fmt.Sprintf("%d of level %s", more, annotations[level]))
		}
	}
	if len(over) > 0 {
		fmt.Fprintf(&b, "Not annotated, for a step may have %d of each level: %s more.\n", mostAnnotations, strings.Join(over, ", "))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func annotate(b *bytes.Buffer, j *judged) {
	var properties []string
	if j.File != "" {
		properties = append(properties, "file="+escapeProperty.Replace(j.File))
		if j.Line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", j.Line))
		}
	}
	properties = append(properties, "title="+escapeProperty.Replace(j.name()))
	fmt.Fprintf(b, "::%s %s::%s\n", annotations[j.Level], strings.Join(properties, ","), escapeData.Replace(j.sentence()))
}

// StepSummary is what a step of GitHub Actions appends to $GITHUB_STEP_SUMMARY, of which size bytes are written already. It is Markdown, with as many rows
// as there is room for.
func StepSummary(size int64, docs ...Document) ([]byte, error) {
	return fitted(int(max(0, summaryBytes-size)), "a step's summary", allLegible(docs), writeMarkdown)
}

// StepOutputs is what a step of GitHub Actions appends to $GITHUB_OUTPUT: the outputs of documents, those of the second with -2 after their names.
func StepOutputs(docs ...Document) []byte {
	var b bytes.Buffer
	for i, d := range allLegible(docs) {
		for _, o := range d.Outputs {
			name := o.Name
			if i > 0 {
				name += fmt.Sprintf("-%d", i+1)
			}
			end := "EIPLAN"
			for strings.Contains(o.Value, end) {
				end += "_"
			}
			fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", name, end, o.Value, end)
		}
	}
	return b.Bytes()
}
