package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"gopkg.in/yaml.v3"
)

// Decode reads the one report that bytes in YAML, or in JSON, which is a part of it, hold into a value with json tags. Fields that the value does not have are
// passed over. An error names the line, where there is one; nothing, several reports, and figures that are none are errors.
func Decode(b []byte, into any) error {
	if json.Valid(b) {
		if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
			return errSeveral
		}
		return json.Unmarshal(b, into)
	}
	if plain, ok := jsonOfBlocks(b); ok {
		return json.Unmarshal(plain, into)
	}
	root, err := onlyDocument(b)
	if err != nil {
		return err
	}
	var tree any
	if err := root.Decode(&tree); err != nil {
		return err
	}
	plain, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

var errSeveral = errors.New("it holds a list of reports, of which each has to stand alone")

// onlyDocument is the one document of a text in YAML.
func onlyDocument(b []byte) (*yaml.Node, error) {
	var root, more yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(b))
	switch err := documents.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty")
	case err != nil:
		return nil, err
	}
	switch err := documents.Decode(&more); {
	case err == nil:
		return nil, fmt.Errorf("line %d: another document begins: it holds several, of which each has to stand alone", more.Line)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(root.Content) == 1 && root.Content[0].Kind == yaml.SequenceNode {
		return nil, errSeveral
	}
	return &root, finite(&root)
}

// finite finds the first figure that JSON does not have.
func finite(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!float" {
		var v float64
		if err := n.Decode(&v); err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("line %d: %q is no figure", n.Line, n.Value)
		}
	}
	for _, inner := range n.Content {
		if err := finite(inner); err != nil {
			return err
		}
	}
	return nil
}
