package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// fuseTranspose lets products of matrices that are made in the run step through their operands in any order, and write in any order:
//
//	Transpose?(MatMul(Transpose?(a), Transpose?(b)))  →  eiplan/BatchMatMul(a, b)
var fuseTranspose = rewriting("fuse transpose", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("", "MatMul") || n.Inputs[0].DType != tensor.Float32 || !n.Inputs[0].Static() || !n.Inputs[1].Static() || n.Inputs[0].Known() || n.Inputs[1].Known() {
		return
	}
	a, permA, from1 := beforeTranspose(n.Inputs[0])
	b, permB, from2 := beforeTranspose(n.Inputs[1])
	last, permC := n, []int(nil)
	if next := e.reader(n.Outputs[0]); next != nil && next.Is("", "Transpose") && next.Inputs[0] == n.Outputs[0] {
		last, permC = next, permutation(next)
	}
	if !ops.BatchMatMulFits(a.Shape, b.Shape, last.Outputs[0].Shape, permA, permB, permC) {
		last, permC = n, nil
		if permA == nil && permB == nil || !ops.BatchMatMulFits(a.Shape, b.Shape, n.Outputs[0].Shape, permA, permB, nil) {
			return
		}
	}
	attributes := map[string]models.Attribute{}
	for name, perm := range map[string][]int{"permA": permA, "permB": permB, "permC": permC} {
		if perm != nil {
			attributes[name] = intsAttribute(perm)
		}
	}
	if len(attributes) == 0 {
		return
	}
	names := from(append(append(from1, from2...), n, last)...)
	e.become(last, "eiplan", "BatchMatMul", []*graph.Value{a, b}, attributes, n)
	last.From = names
})

// beforeTranspose is the value that v is a Transpose of, with its permutation; v itself where it is none.
func beforeTranspose(v *graph.Value) (*graph.Value, []int, []*graph.Node) {
	if n := v.Producer; n != nil && n.Is("", "Transpose") && n.Inputs[0].Static() && !n.Inputs[0].Known() {
		return n.Inputs[0], permutation(n), []*graph.Node{n}
	}
	return v, nil, nil
}

// fuseSoftmax takes a scale and a mask into the softmax that follows:
//
//	Softmax(x / c + mask), Softmax(x · c + mask), Softmax(x + mask), Softmax(x · c)  →  eiplan/Softmax(x, mask)
//
// over the last axis, where the mask's rows are as long as x's.
var fuseSoftmax = rewriting("fuse softmax", func(e *editor, n *graph.Node, _ Options) {
	x := n.In(0)
	if !n.Is("", "Softmax") || x.DType != tensor.Float32 || !x.Static() || len(x.Shape) == 0 {
		return
	}
	if axis := n.Int("axis", -1); axis != -1 && axis != len(x.Shape)-1 {
		return
	}
	whole := x.Shape
	var nodes []*graph.Node
	var mask *graph.Value
	if plus := e.maker(x); plus != nil && plus.Is("", "Add") {
		for i, v := range plus.Inputs {
			if m := plus.Inputs[1-i]; mask == nil && v.Shape.Equal(whole) && !v.Known() && rowsAlong(m, whole) {
				x, mask = v, m
				nodes = append(nodes, plus)
			}
		}
	}
	scale := float32(1)
	if times := e.maker(x); times != nil && len(times.Inputs) == 2 {
		if v, factor, ok := scaled(times); ok && v.Shape.Equal(whole) {
			x, scale = v, factor
			nodes = append(nodes, times)
		}
	}
	if len(nodes) == 0 {
		return
	}
	e.become(n, "eiplan", "Softmax", []*graph.Value{x, mask}, map[string]models.Attribute{"scale": floatAttribute(scale)}, nodes...)
})

// rowsAlong reports whether a mask of static shape broadcasts to whole with rows as long as its.
func rowsAlong(mask *graph.Value, whole tensor.Shape) bool {
	if !mask.Static() || len(mask.Shape) == 0 || len(mask.Shape) > len(whole) {
		return false
	}
	for i, d := range mask.Shape {
		if at := i + len(whole) - len(mask.Shape); d != whole[at] && (d != 1 || at == len(whole)-1) {
			return false
		}
	}
	return true
}

// scaled reads a node as its input times a number.
func scaled(n *graph.Node) (*graph.Value, float32, bool) {
	switch n.Op {
	case "Div":
		if c, ok := number(n.Inputs[1]); ok && n.Domain == "" && c != 0 {
			return n.Inputs[0], float32(1 / c), true
		}
	case "Mul":
		for i, v := range n.Inputs {
			if c, ok := number(n.Inputs[1-i]); ok && n.Domain == "" {
				return v, float32(c), true
			}
		}
	}
	return nil, 0, false
}
