package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// writeJSON writes the value of one document, and a list of the values of several.
func writeJSON(w io.Writer, docs []Document) error {
	list := make([]any, len(docs))
	for i, d := range docs {
		list[i] = d.Value
	}
	var value any = list
	if len(docs) == 1 {
		value = list[0]
	}
	b, err := marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
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
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	for _, d := range docs {
		b, err := marshal(d.Value)
		if err != nil {
			return err
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(b, &doc); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		blockStyle(&doc)
		if err := enc.Encode(&doc); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return enc.Close()
}

// blockStyle drops JSON's braces and quotes; the encoder quotes anew what needs it.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.SequenceNode && flat(n) {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
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

// writeCSV writes the tables with all their columns, one after the other with an empty line between.
func writeCSV(w io.Writer, d Document) error {
	for i, t := range d.Tables {
		if i > 0 {
			fmt.Fprintln(w)
		}
		c := csv.NewWriter(w)
		names, rows, _ := visible(t, true)
		if err := c.Write(names); err != nil {
			return err
		}
		if err := c.WriteAll(rows); err != nil {
			return err
		}
	}
	return nil
}
