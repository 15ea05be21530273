package models

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/models/onnx"
	"github.com/eiplan/eiplan/models/tensor"
)

// overridableSince is the version of the file format from which on an initializer that is listed among the inputs is a default; before, all initializers
// had to be listed (docs/IR.md of onnx/onnx).
const overridableSince = 4

// defaultsOf is the inputs that have a dense initializer. A sparse one is a constant, as ONNX Runtime has it.
func defaultsOf(p *onnx.Graph, listed []*Value) []*Value {
	var defaults []*Value
	for _, v := range listed {
		if slices.ContainsFunc(p.Initializers, func(t *onnx.Tensor) bool { return t.Name == v.Name }) {
			defaults = append(defaults, v)
		}
	}
	return defaults
}

// Overriding is m with other contents for inputs that have a default. Both share everything else, and m alone is to be closed. An error says which input has no default, or takes another type.
func (m *Model) Overriding(contents map[string]tensor.Tensor) (*Model, error) {
	if len(contents) == 0 {
		return m, nil
	}
	defaults := m.Graph.Defaults
	n, g := *m, *m.Graph
	n.Graph, n.closers, g.Initializers = &g, nil, maps.Clone(m.Graph.Initializers)
	for _, name := range sortedKeys(contents) {
		i := slices.IndexFunc(defaults, func(v *Value) bool { return v.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no input %q with a default to override; those with one are %s", name, namesOf(defaults))
		}
		given, was := contents[name], g.Initializers[name]
		if given.DType != was.DType || !defaults[i].Type.admits(given.Shape) {
			return nil, fmt.Errorf("input %q is %v; %v is wanted", name, given, defaults[i].Type)
		}
		g.Initializers[name] = given
	}
	return &n, nil
}

// admits reports whether a tensor of a type may have a shape.
func (t Type) admits(s tensor.Shape) bool {
	return !t.HasShape || slices.EqualFunc(t.Dims, s, func(d Dim, size int) bool { return d.Param != "" || d.Size < 0 || d.Size == size })
}

func namesOf(values []*Value) string {
	if len(values) == 0 {
		return "none"
	}
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = v.Name
	}
	return strings.Join(names, ", ")
}
