package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Metric is one figure of a document for a system that follows figures over time.
type Metric struct {
	Name   string // with its base unit at the end, as Prometheus has it
	Help   string
	Labels []Label // the same from run to run, or the figure is another one
	Value  float64
}

// Label tells one metric of a name from another.
type Label struct{ Name, Value string }

// labelEscape is OpenMetrics' escape of a label's value; GitLab's parser of metrics takes # for a comment even there.
var labelEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "#", `\\x23`)

// writeMetrics writes OpenMetrics text, as GitLab's metrics reports and Prometheus read it: gauges, those of one name together.
func writeMetrics(w io.Writer, docs []Document) error {
	var names []string
	families := map[string][]Metric{}
	for _, d := range docs {
		for _, m := range d.Metrics {
			if !slices.Contains(names, m.Name) {
				names = append(names, m.Name)
			}
			families[m.Name] = append(families[m.Name], m)
		}
	}
	var b bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&b, "# TYPE %s gauge\n# HELP %s %s\n", name, name, families[name][0].Help)
		for _, m := range families[name] {
			var labels []string
			for _, l := range m.Labels {
				labels = append(labels, fmt.Sprintf(`%s="%s"`, l.Name, labelEscape.Replace(l.Value)))
			}
			series := name
			if len(labels) > 0 {
				series += "{" + strings.Join(labels, ",") + "}"
			}
			fmt.Fprintf(&b, "%s %s\n", series, strconv.FormatFloat(m.Value, 'g', -1, 64))
		}
	}
	b.WriteString("# EOF\n")
	_, err := w.Write(b.Bytes())
	return err
}
