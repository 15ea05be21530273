package engine

import (
	"math/rand/v2"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// SeededInputs makes inputs for a run that is measured: floats uniform in [-1, 1), none of them zero, integers that index a table uniform over its rows, an
// integer that the model compares with others the first of those, bytes as of an image, uniform in [1, 256), other integers 1, booleans true. The same seed
// gives the same inputs. What is no tensor is left empty.
func (p *Program) SeededInputs(seed uint64) []tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	in := make([]tensor.Tensor, len(p.Inputs))
	for i, port := range p.Inputs {
		if port.Kind == models.TensorKind {
			in[i] = tensor.New(port.DType, port.Shape)
			fill(in[i], r, port.Rows, port.Case)
		}
	}
	return in
}

func fill(t tensor.Tensor, r *rand.Rand, rows, usual int) {
	number := func() float64 {
		for {
			if v := 2*r.Float64() - 1; v > 1e-3 || v < -1e-3 {
				return v
			}
		}
	}
	whole := func() int64 {
		if rows > 0 {
			return r.Int64N(int64(rows))
		}
		return int64(max(usual, 1))
	}
	switch t.DType {
	case tensor.Float32:
		each(t, func() float32 { return float32(number()) })
	case tensor.Float64:
		each(t, number)
	case tensor.Float16:
		each(t, func() uint16 { return tensor.Float16Bits(float32(number())) })
	case tensor.BFloat16:
		each(t, func() uint16 { return tensor.BFloat16Bits(float32(number())) })
	case tensor.Int64:
		each(t, whole)
	case tensor.Int32:
		each(t, func() int32 { return int32(whole()) })
	case tensor.Int16:
		each(t, func() int16 { return int16(min(whole(), 1<<15-1)) })
	case tensor.Uint64:
		each(t, func() uint64 { return uint64(whole()) })
	case tensor.Uint32:
		each(t, func() uint32 { return uint32(whole()) })
	case tensor.Uint16:
		each(t, func() uint16 { return uint16(min(whole(), 1<<16-1)) })
	case tensor.String:
		for i := range t.Strings {
			t.Strings[i] = "a"
		}
	case tensor.Uint8:
		each(t, func() uint8 { return uint8(1 + r.IntN(255)) })
	default:
		for i := range t.Bytes {
			t.Bytes[i] = 1
		}
	}
}

func each[T tensor.Element](t tensor.Tensor, next func() T) {
	data := tensor.Data[T](t)
	for i := range data {
		data[i] = next()
	}
}

// caseOf is the first number other than 0 that a graph compares an integer with, where that is of one element; 0 where there is none.
func caseOf(g *graph.Graph, v *graph.Value) int {
	if !v.Static() || v.Shape.Elements() != 1 {
		return 0
	}
	same := map[*graph.Value]bool{v: true}
	for _, n := range g.Nodes {
		switch n.Op {
		case "Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze":
			if same[n.In(0)] && n.In(0) != nil {
				same[n.Outputs[0]] = true
			}
		case "Equal":
			for i, side := range n.Inputs {
				other := n.Inputs[1-i]
				if !same[side] || !other.Known() || other.Const.Len() != 1 {
					continue
				}
				if values, err := floats(*other.Const); err == nil && values[0] != 0 {
					return int(values[0])
				}
			}
		}
	}
	return 0
}

// rowsIndexed is the number of rows of the smallest table that v indexes, by way of nodes that keep its content; 0 where it indexes none.
func rowsIndexed(g *graph.Graph, v *graph.Value) int {
	same := map[*graph.Value]bool{v: true}
	rows := 0
	for _, n := range g.Nodes {
		switch n.Op {
		case "Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose":
			if same[n.In(0)] && n.In(0) != nil {
				same[n.Outputs[0]] = true
			}
		case "Gather":
			table := n.In(0)
			if n.In(1) == nil || !same[n.In(1)] || table.Shape == nil || len(table.Shape) == 0 {
				continue
			}
			axis := n.Int("axis", 0)
			if axis < 0 {
				axis += len(table.Shape)
			}
			if size := table.Shape[axis]; size > 0 && (rows == 0 || size < rows) {
				rows = size
			}
		}
	}
	return rows
}
