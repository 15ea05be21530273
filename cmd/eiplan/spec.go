package main

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/pricing"
)

// readSpec reads a file of one kind, in YAML or JSON, into the type of its spec, and returns the SHA-256 of its bytes. Keys that the type does not
// have are errors; metadata may hold anything.
func readSpec(file, kind string, spec any) (hash string, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", usageError("%w", err)
	}
	return decodeSpec(file, b, kind, spec)
}

// decodeSpec is readSpec of a file's content.
func decodeSpec(file string, b []byte, kind string, spec any) (hash string, err error) {
	var doc struct {
		APIVersion string    `yaml:"apiVersion"`
		Kind       string    `yaml:"kind"`
		Metadata   yaml.Node `yaml:"metadata"`
		Spec       yaml.Node `yaml:"spec"`
	}
	var root yaml.Node
	if err = yaml.Unmarshal(b, &root); err == nil {
		err = root.Decode(&doc)
	}
	switch {
	case err != nil:
		return "", usageError("%s: %w", file, err)
	case doc.Kind != kind || doc.APIVersion != report.APIVersion:
		e := usageError("%s is not of kind %s: apiVersion is %q, kind %q", file, kind, doc.APIVersion, doc.Kind)
		e.hint = fmt.Sprintf("it begins with apiVersion: %s and kind: %s; eiplan schema %s prints what follows", report.APIVersion, kind, kind)
		return "", e
	}
	if err := unknownKey(&root, reflect.TypeOf(doc)); err != nil {
		return "", inFile(file, err)
	}
	if err := unknownKey(&doc.Spec, reflect.TypeOf(spec).Elem()); err != nil {
		return "", inFile(file, err)
	}
	if err := doc.Spec.Decode(spec); err != nil {
		return "", usageError("%s: spec: %w", file, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// keyError is a key that a file should not have.
type keyError struct {
	line int
	key  string
	near []string
}

func (e *keyError) Error() string { return fmt.Sprintf("line %d: unknown key %q", e.line, e.key) }

// inFile names the file of an error, with a suggestion where the error has one.
func inFile(file string, err error) error {
	e := usageError("%s: %w", file, err)
	var key *keyError
	var name *pricing.UnknownError
	switch {
	case errors.As(err, &key):
		e.hint = didYouMean(key.near)
	case errors.As(err, &name):
		e.hint = didYouMean(name.Near)
	}
	return e
}

// unknownKey finds the first key that decoding into a type would ignore.
func unknownKey(n *yaml.Node, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.DocumentNode:
		return unknownKey(n.Content[0], t)
	case n.Kind == yaml.AliasNode:
		return unknownKey(n.Alias, t)
	case t == reflect.TypeFor[yaml.Node]() || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return nil
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			if err := unknownKey(item, t.Elem()); err != nil {
				return err
			}
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		fields := map[string]reflect.Type{}
		var names []string
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if name != "-" && name != "" {
				fields[name], names = f.Type, append(names, name)
			}
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			field, ok := fields[key.Value]
			if !ok {
				return &keyError{key.Line, key.Value, pricing.Nearest(key.Value, names)}
			}
			if err := unknownKey(n.Content[i+1], field); err != nil {
				return err
			}
		}
	}
	return nil
}
