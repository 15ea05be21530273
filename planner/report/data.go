package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"gopkg.in/yaml.v3"
)

// writeJSON writes the value of one document, and a list of the values of several.
func writeJSON(w io.Writer, docs []Document) error {
	return writeIndented(w, values(docs))
}

// writeIndented writes a value as JSON that does nothing but be read.
func writeIndented(w io.Writer, value any) error {
	b, err := marshal(value)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, inertJSON(b))
	return err
}

// inertJSON is JSON with the characters escaped that do more than be read.
func inertJSON(b []byte) string {
	return escapedWithin(string(b), `\u0023`, func(r rune) string {
		text := ""
		for _, unit := range utf16.Encode([]rune{r}) {
			text += fmt.Sprintf(`\u%04x`, unit)
		}
		return text
	})
}

// escapedWithin escapes what is not printed, but for the ends of lines, and every second of several number signs: in JSON and in YAML's double quotes those
// stand nowhere but in strings, and mean the same escaped.
func escapedWithin(text, sign string, escape func(rune) string) string {
	var b strings.Builder
	last := rune(0)
	for _, r := range text {
		switch {
		case r == '#' && last == '#':
			b.WriteString(sign)
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
		last = r
	}
	return b.String()
}

// values is what documents say to programs: one value, or a list of those that have one.
func values(docs []Document) any {
	if len(docs) == 1 {
		return docs[0].Value
	}
	list := []any{}
	for _, d := range docs {
		if d.Value != nil {
			list = append(list, d.Value)
		}
	}
	return list
}

// marshal writes a value as indented JSON with its fields in the order of their declaration.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// writeYAML writes a YAML document for each value, with what writeJSON writes in the same order: JSON is read back as YAML, of which it is a part, and
// printed in block style.
func writeYAML(w io.Writer, docs []Document) error {
	var text strings.Builder
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	for _, d := range docs {
		b, err := marshal(d.Value)
		if err != nil {
			return err
		}
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(escapedWithin(string(b), "#", escaped)), &doc); err != nil { // YAML refuses some control characters that JSON holds
			return fmt.Errorf("report: %w", err)
		}
		blockStyle(&doc)
		if err := enc.Encode(&doc); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err := io.WriteString(w, escapedWithin(text.String(), `\x23`, escaped))
	return err
}

// blockStyle drops JSON's braces and quotes; the encoder quotes anew what needs it.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && !quietLines(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	if n.Kind == yaml.SequenceNode && flat(n) {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}

// quietLines reports whether a text may stand in YAML as it is, every line of it on its own.
func quietLines(text string) bool {
	for line := range strings.Lines(text) {
		if !harmless(strings.TrimSuffix(line, "\n")) {
			return false
		}
	}
	return true
}

// flat reports whether a list holds only plain values, and few: those read better on one line.
func flat(n *yaml.Node) bool {
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			return false
		}
	}
	return len(n.Content) <= 12
}
