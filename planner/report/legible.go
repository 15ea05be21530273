package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Legible is a text that does nothing but be read: control characters, escape sequences, marks that turn the order of reading and bytes that are no text
// stand as Go would escape them, and a backslash breaks what the runner of GitHub Actions would take for a command: :: at the start of a line, and ##[
// anywhere (actions/runner, ActionCommand.cs).
func Legible(s string) string {
	if harmless(s) {
		return s
	}
	var b strings.Builder
	last := rune(0)
	for i, r := range s {
		switch {
		case r == '#' && last == '#', r == ':' && command(s[i:]) && strings.TrimSpace(s[:i]) == "":
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escaped(r))
		}
		last = r
	}
	return b.String()
}

// harmless reports whether a text is legible as it is.
func harmless(s string) bool {
	return utf8.ValidString(s) && !strings.Contains(s, "##") && !command(strings.TrimSpace(s)) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// command reports whether a line, without the space before it, reads like a command of GitHub Actions.
func command(line string) bool { return strings.HasPrefix(line, "::") }

// escaped is a rune as Go escapes it.
func escaped(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xFFFF:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// legible is a document of which every text is; Value is left to its formats.
func (d Document) legible() Document { return d.mapped(Legible) }

func allLegible(docs []Document) []Document {
	shown := make([]Document, len(docs))
	for i, d := range docs {
		shown[i] = d.legible()
	}
	return shown
}

// mapped is a document with a function applied to each of its texts.
func (d Document) mapped(f func(string) string) Document {
	each := func(list []string) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = f(s)
		}
		return out
	}
	d.Title, d.Lead, d.Tail, d.Answer, d.Subject, d.Noun, d.Facets = f(d.Title), each(d.Lead), each(d.Tail), f(d.Answer), f(d.Subject), f(d.Noun), each(d.Facets)
	tables := make([]Table, len(d.Tables))
	for i, t := range d.Tables {
		tables[i] = Table{Title: f(t.Title), Columns: append([]Column{}, t.Columns...), Rows: make([][]string, len(t.Rows)), Tags: make([][]string, len(t.Tags))}
		for c := range t.Columns {
			tables[i].Columns[c].Name = f(t.Columns[c].Name)
		}
		for r, row := range t.Rows {
			tables[i].Rows[r] = each(row)
		}
		for r, tags := range t.Tags {
			tables[i].Tags[r] = each(tags)
		}
	}
	d.Tables = tables
	findings := append([]Finding{}, d.Findings...)
	for i := range findings {
		x := &findings[i]
		x.Rule, x.Subject, x.Message, x.File = f(x.Rule), f(x.Subject), f(x.Message), f(x.File)
	}
	d.Findings = findings
	outputs := append([]Output{}, d.Outputs...)
	for i := range outputs {
		outputs[i].Value = f(outputs[i].Value)
	}
	d.Outputs = outputs
	metrics := append([]Metric{}, d.Metrics...)
	for i := range metrics {
		labels := append([]Label{}, metrics[i].Labels...)
		for k := range labels {
			labels[k].Value = f(labels[k].Value)
		}
		metrics[i].Labels = labels
	}
	d.Metrics = metrics
	d.Facts = append([]Fact{}, d.Facts...)
	for i, x := range d.Facts {
		d.Facts[i] = Fact{f(x.Name), f(x.Value), f(x.Note)}
	}
	d.Charts = append([]Chart{}, d.Charts...)
	for i := range d.Charts {
		d.Charts[i] = d.Charts[i].mapped(f)
	}
	d.Parts = append([]Document{}, d.Parts...)
	for i := range d.Parts {
		d.Parts[i] = d.Parts[i].mapped(f)
	}
	return d
}
