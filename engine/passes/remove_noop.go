package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// removeNoop drops nodes that leave their input as it is:
//
//	Identity(x), Dropout(x), Reshape(x) to its own shape, Transpose(x) in order, Cast(x) to its own type, Pad(x) by nothing  →  x
//	Transpose(Transpose(x))                                                                                               →  Transpose(x)
var removeNoop = rewriting("remove no-ops", func(e *editor, n *graph.Node, _ Options) {
	if n.Domain != "" || len(n.Inputs) == 0 || n.Inputs[0] == nil || n.Outputs[0] == nil {
		return
	}
	if n.Op == "Transpose" {
		mergeTransposes(e, n)
	}
	if noop(n) {
		e.replace(n.Outputs[0], n.Inputs[0])
		e.remove(n)
	}
})

// noop reports whether n's first output is its first input.
func noop(n *graph.Node) bool {
	x, y := n.Inputs[0], n.Outputs[0]
	same := x.Static() && y.Static() && x.Shape.Equal(y.Shape) && x.DType == y.DType
	switch n.Op {
	case "Identity":
		return true
	case "Dropout":
		training := n.In(2)
		off := training == nil || training.Known() && len(training.Const.Bytes) == 1 && training.Const.Bytes[0] == 0
		return off && (len(n.Outputs) < 2 || n.Outputs[1] == nil)
	case "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Pad", "Slice":
		return same && (n.Op != "Slice" && n.Op != "Pad" || keepsAll(n))
	case "Transpose":
		return same && inOrder(permutation(n))
	case "Cast":
		return x.DType == y.DType
	case "Concat", "Max", "Min", "Sum", "Mean":
		return len(n.Inputs) == 1 && same
	}
	return false
}

// keepsAll reports whether a Pad or a Slice whose output has the shape of its input can't have moved anything.
func keepsAll(n *graph.Node) bool {
	if n.Op == "Pad" {
		if !n.In(1).Known() {
			return false
		}
		for _, p := range tensor.Data[int64](tensor.Aligned(*n.Inputs[1].Const)) {
			if p != 0 {
				return false
			}
		}
		return true
	}
	if n.In(4) == nil {
		return true
	}
	if !n.In(4).Known() || n.Inputs[4].DType != tensor.Int64 {
		return false
	}
	for _, step := range tensor.Data[int64](tensor.Aligned(*n.Inputs[4].Const)) {
		if step != 1 {
			return false
		}
	}
	return true
}

// permutation is a Transpose's; nil while the rank is not known.
func permutation(n *graph.Node) []int {
	if perm := n.Ints("perm"); perm != nil {
		return perm
	}
	if n.Inputs[0].Shape == nil {
		return nil
	}
	rank := len(n.Inputs[0].Shape)
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = rank - 1 - i
	}
	return perm
}

// inOrder reports whether a permutation changes nothing.
func inOrder(perm []int) bool {
	for i, p := range perm {
		if i != p {
			return false
		}
	}
	return perm != nil
}

// mergeTransposes lets n read what the Transpose before it reads.
func mergeTransposes(e *editor, n *graph.Node) {
	first := n.Inputs[0].Producer
	if first == nil || !first.Is("", "Transpose") {
		return
	}
	before, after := permutation(first), permutation(n)
	if before == nil || len(before) != len(after) {
		return
	}
	joined := make([]int, len(after))
	for i, p := range after {
		joined[i] = before[p]
	}
	n.Attributes = withAttribute(n.Attributes, "perm", intsAttribute(joined))
	n.From = from(first, n)
	e.read(n, []*graph.Value{first.Inputs[0]})
}
