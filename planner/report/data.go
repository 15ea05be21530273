package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

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
	begun := 0 // what is as it is from there on
	last := rune(0)
	for i, r := range text {
		plain := r >= ' ' && r <= '~' || r == '\n' || unicode.IsPrint(r)
		if signs := r == '#' && last == '#'; signs || !plain {
			b.Grow(len(text) - begun)
			b.WriteString(text[begun:i])
			if signs {
				b.WriteString(sign)
			} else {
				b.WriteString(escape(r))
			}
			_, size := utf8.DecodeRuneInString(text[i:])
			begun = i + size
		}
		last = r
	}
	if begun == 0 {
		return text
	}
	b.WriteString(text[begun:])
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

// writeYAML writes a YAML document for each value, with what writeJSON writes in the same order, in block style.
func writeYAML(w io.Writer, docs []Document) error {
	for i, d := range docs {
		b, err := json.Marshal(d.Value)
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		text, err := yamlOf(b)
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		if i > 0 {
			text = "---\n" + text
		}
		if _, err := io.WriteString(w, escapedWithin(text, `\x23`, escaped)); err != nil {
			return err
		}
	}
	return nil
}

// yamlOf is JSON as YAML.
func yamlOf(b []byte) (string, error) {
	if text, ok := blocksOf(b); ok {
		return string(text), nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	doc, err := yamlNode(dec)
	if err != nil {
		return "", err
	}
	return encodeYAML(doc)
}

func encodeYAML(doc *yaml.Node) (string, error) {
	var text strings.Builder
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	err := enc.Encode(doc)
	return text.String(), errors.Join(err, enc.Close())
}

// yamlNode reads the next value of JSON as one of YAML. The encoder quotes text that would be read as something else.
func yamlNode(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if v == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		for dec.More() {
			inner, err := yamlNode(dec) // a key of an object is one of its tokens
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, inner)
		}
		if n.Kind == yaml.SequenceNode && flat(n) {
			n.Style = yaml.FlowStyle
		}
		_, err := dec.Token()
		return n, err
	case string:
		return textNode(v), nil
	case json.Number:
		n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: v.String()}
		if _, err := v.Int64(); err != nil {
			if _, err := strconv.ParseUint(n.Value, 10, 64); err != nil {
				n.Tag = "!!float"
			}
		}
		return n, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

func textNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if !quietLines(text) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
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
	return len(n.Content) <= mostFlat
}

const mostFlat = 12
