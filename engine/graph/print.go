package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// String lists a graph's nodes, one a line, bodies indented under theirs.
func (g *Graph) String() string {
	var b strings.Builder
	g.print(&b, "")
	return b.String()
}

func (g *Graph) print(b *strings.Builder, indent string) {
	fmt.Fprintf(b, "%sgraph %s(%s) -> (%s)\n", indent, g.Name, join(g.Inputs), join(g.Outputs))
	for _, n := range g.Nodes {
		op := n.Op
		if n.Domain != "" {
			op = n.Domain + "." + op
		}
		mixed := ""
		if n.Precision == Mixed {
			mixed = " mixed"
		}
		fmt.Fprintf(b, "%s  %s = %s(%s)%s  # %s\n", indent, join(n.Outputs), op, join(n.Inputs), mixed, n.Name)
		for _, name := range slices.Sorted(maps.Keys(n.Bodies)) {
			fmt.Fprintf(b, "%s    %s:\n", indent, name)
			n.Bodies[name].print(b, indent+"      ")
		}
	}
}

func join(values []*Value) string {
	s := make([]string, len(values))
	for i, v := range values {
		s[i] = v.String()
	}
	return strings.Join(s, ", ")
}

// String prints a value as name:float32[1x3x224x224], with a star for a constant and its layout where that is not dense; what is no
// tensor as name:seq(float32); "-" for an absent one.
func (v *Value) String() string {
	if v == nil {
		return "-"
	}
	shape := "?"
	if v.Shape != nil {
		shape = v.Shape.String()
	}
	star := ""
	if v.Const != nil {
		star = "*"
	}
	if v.Kind != models.TensorKind {
		return fmt.Sprintf("%s:%s", v.Name, TypeName(v.Kind, v.DType, v.Elem))
	}
	return fmt.Sprintf("%s%s:%v[%s]%v", star, v.Name, v.DType, shape, v.Layout)
}

// TypeName spells a type: float32 for a tensor, else such as optional(seq(float32)) or seq(map(int64,float32)).
func TypeName(kind models.Kind, d tensor.DType, e Elem) string {
	switch kind {
	case models.MapKind:
		return fmt.Sprintf("map(%v,%v)", e.Key, d)
	case models.SequenceKind:
		return fmt.Sprintf("seq(%s)", TypeName(e.Kind, d, Elem{Key: e.Key}))
	case models.OptionalKind:
		return fmt.Sprintf("optional(%s)", TypeName(e.Kind, d, Elem{}))
	}
	return d.String()
}

// String is empty for a dense layout, and else such as @nhwc64+1,1,1,1: the channel stride and the halo's top, left, bottom and right; then the
// value in whose channels it lies, if it does.
func (l Layout) String() string {
	if !l.Channels {
		return ""
	}
	within := ""
	if l.Within != nil {
		within = fmt.Sprintf(" in %s from %d", l.Within.Name, l.First)
	}
	return fmt.Sprintf("@nhwc%d+%d,%d,%d,%d%s", l.Stride, l.Top, l.Left, l.Bottom, l.Right, within)
}
