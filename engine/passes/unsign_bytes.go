package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// unsignBytes makes the signed bytes of a quantized model's images unsigned, in whose form alone they run on bytes:
//
//	x → Q(zero) → int8 → DQ(zero)  →  x → Q(zero+128) → uint8 → DQ(zero+128)
//
// and the same to, through and from QLinearConv and MaxPool. The bytes keep their order, so that nothing else changes.
var unsignBytes = Pass{Name: "shift signed bytes to unsigned", Run: runUnsignBytes}

func runUnsignBytes(g *graph.Graph, o Options) error {
	for _, n := range g.Nodes {
		for _, body := range n.Bodies {
			if err := runUnsignBytes(body, o); err != nil {
				return err
			}
		}
	}
	e := edit(g)
	shifted := map[*graph.Value]bool{}
	for _, n := range g.Nodes {
		if len(n.Outputs) > 0 && unsignable(e, n.Outputs[0]) {
			shifted[n.Outputs[0]] = true
		}
	}
	for again := true; again; { // what lies on both sides of a MaxPool is shifted, or none of it
		again = false
		for _, n := range g.Nodes {
			if n.Is("", "MaxPool") && shifted[n.In(0)] != shifted[n.Outputs[0]] {
				delete(shifted, n.In(0))
				delete(shifted, n.Outputs[0])
				again = true
			}
		}
	}
	for _, n := range g.Nodes {
		if len(n.Outputs) > 0 && shifted[n.Outputs[0]] {
			n.Outputs[0].DType = tensor.Uint8
			shiftZero(e, n, zeroMade(n))
		}
		if shifted[n.In(0)] {
			shiftZero(e, n, zeroRead(n))
		}
	}
	return nil
}

// unsignable reports whether all that makes and reads an image of signed bytes could take unsigned ones.
func unsignable(e *editor, v *graph.Value) bool {
	if v == nil || v.DType != tensor.Int8 || v.Known() || e.outputs[v] || !isImage(v) || !shiftable(v.Producer, zeroMade(v.Producer)) {
		return false
	}
	for _, r := range e.readers[v] {
		for i, in := range r.Inputs {
			if in == v && i > 0 {
				return false
			}
		}
		if !shiftable(r, zeroRead(r)) {
			return false
		}
	}
	return true
}

// noZero and anotherOperator stand for the input that holds a zero point, where there is none.
const (
	noZero          = -1
	anotherOperator = -2
)

// zeroMade is the input of a node that is the zero point of its result.
func zeroMade(n *graph.Node) int {
	switch {
	case n.Is("", "QuantizeLinear"):
		return 2
	case n.Is("", "QLinearConv"):
		return 7
	}
	return zeroOfPool(n)
}

// zeroRead is the input of a node that is the zero point of its first input.
func zeroRead(n *graph.Node) int {
	if n.Is("", "DequantizeLinear") || n.Is("", "QLinearConv") {
		return 2
	}
	return zeroOfPool(n)
}

func zeroOfPool(n *graph.Node) int {
	if n.Is("", "MaxPool") && (len(n.Outputs) == 1 || n.Outputs[1] == nil) {
		return noZero
	}
	return anotherOperator
}

// shiftable reports whether a node's zero point at an input is one known byte, or absent beside one scale.
func shiftable(n *graph.Node, zero int) bool {
	if zero < 0 {
		return zero == noZero
	}
	if scale := n.In(zero - 1); !scale.Static() || scale.Shape.Elements() != 1 {
		return false
	}
	z := n.In(zero)
	return z == nil || z.Known() && z.Const.Len() == 1 && z.DType == tensor.Int8
}

// shiftZero makes a node's zero point at an input that of unsigned bytes.
func shiftZero(e *editor, n *graph.Node, zero int) {
	if zero < 0 {
		return
	}
	inputs := append([]*graph.Value(nil), n.Inputs...)
	for len(inputs) <= zero {
		inputs = append(inputs, nil)
	}
	shifted := tensor.New(tensor.Uint8, tensor.Shape{})
	shifted.Bytes[0] = 0x80
	if z := inputs[zero]; z != nil {
		shifted.Bytes[0] ^= z.Const.Bytes[0]
	}
	inputs[zero] = &graph.Value{Name: n.Name + ".zero", DType: tensor.Uint8, Shape: shifted.Shape, Const: &shifted}
	e.read(n, inputs)
}
