package graph

import (
	"fmt"

	"github.com/eiplan/eiplan/models/tensor"
)

// Verify reports the first of a graph's invariants that does not hold: a value is made once and before it is used, its Producer is the node that
// lists it, bodies are closed, and layouts are possible. A pass that leaves a graph that Verify refuses is wrong, whatever the model.
func Verify(g *Graph) error {
	made := map[*Value]bool{}
	for _, v := range g.Inputs {
		if v.Producer != nil {
			return fmt.Errorf("graph %q: input %q has a producer", g.Name, v.Name)
		}
		made[v] = true
	}
	for _, n := range g.Nodes {
		if err := verifyNode(n, made); err != nil {
			return fmt.Errorf("graph %q: node %q: %s: %w", g.Name, n.Name, n.Op, err)
		}
	}
	for _, v := range g.Outputs {
		if !made[v] && v.Const == nil {
			return fmt.Errorf("graph %q: output %q is not made", g.Name, v.Name)
		}
		if v.Layout != (Layout{}) {
			return fmt.Errorf("graph %q: output %q is not dense", g.Name, v.Name)
		}
	}
	return nil
}

func verifyNode(n *Node, made map[*Value]bool) error {
	for i, v := range n.Inputs {
		if v != nil && v.Const == nil && !made[v] {
			return fmt.Errorf("input %d, %q, is used before it is made", i, v.Name)
		}
	}
	for i, v := range n.Outputs {
		switch {
		case v == nil:
			continue
		case made[v]:
			return fmt.Errorf("output %d, %q, is made twice", i, v.Name)
		case v.Producer != n:
			return fmt.Errorf("output %d, %q, has another producer", i, v.Name)
		}
		if err := verifyLayout(v); err != nil {
			return fmt.Errorf("output %d, %q: %w", i, v.Name, err)
		}
		made[v] = true
	}
	for name, body := range n.Bodies {
		if len(body.Inputs) < n.Captures {
			return fmt.Errorf("%s has %d inputs for %d captures", name, len(body.Inputs), n.Captures)
		}
		if err := Verify(body); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func verifyLayout(v *Value) error {
	l := v.Layout
	if !l.Channels {
		if l != (Layout{}) {
			return fmt.Errorf("a dense layout with a stride or halo")
		}
		return nil
	}
	if !v.Static() || len(v.Shape) != 3 && len(v.Shape) != 4 {
		return fmt.Errorf("a channels layout of shape %v", v.Shape)
	}
	if l.Stride < v.Shape[1] || l.Stride%16 != 0 && (v.DType != tensor.Uint8 || l.Stride != 4) {
		return fmt.Errorf("channel stride %d for %d channels", l.Stride, v.Shape[1])
	}
	if w := l.Within; w != nil {
		whole := w.Layout
		whole.Within, whole.First = w, l.First
		if l != whole || w.Layout.Within != nil || w.DType != v.DType || l.First < 0 || l.First+v.Shape[1] > w.Shape[1] {
			return fmt.Errorf("channels from %d on of %v", l.First, w)
		}
	}
	if min(l.Top, l.Left, l.Bottom, l.Right) < 0 {
		return fmt.Errorf("a negative halo")
	}
	return nil
}
