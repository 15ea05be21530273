package ops_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// oddInts and oddFloats are what sizes, axes and factors go wrong at.
var (
	oddInts = [...]int64{0, -1, 1, 2, 3, 4, 5, 7, 8, 16, 33, 100, 1000, math.MaxInt32, -2, -3, -5, -100, math.MinInt32,
		math.MaxInt32 + 1, 1 << 40, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1}
	oddFloats = [...]float32{0, 1, -1, 0.5, 2, -3, 1e-30, 1e30, 100, 1000, math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	oddTypes  = [...]tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Int64, tensor.Int32, tensor.Int8, tensor.Uint8, tensor.Bool, tensor.String,
		tensor.Uint4, tensor.Int4, tensor.Float8E4M3FN, tensor.Complex64, tensor.Uint16, tensor.Int16, tensor.Uint64}
	oddTexts = [...]string{"", "NONSENSE", "SAME_UPPER", "VALID", "reflect", "wrap", "edge", "cubic", "linear", "bilinear", "ij,jk->ik", "...i->...", "ii->i", "i->i...", "bidirectional", "reverse",
		"NOTSET", "[", "TFIDF", "sum", "none", "mul", "SOFTMAX_ZERO", "PROBIT"}
)

func oddInt(r *rand.Rand) int64 {
	if r.IntN(2) == 0 {
		return int64(r.IntN(12) - 3)
	}
	return oddInts[r.IntN(len(oddInts))]
}

// spoil copies a node and its inputs with one to three things wrong.
func spoil(r *rand.Rand, n *graph.Node, in []*ops.Slot) (*graph.Node, []*ops.Slot) {
	bad := &graph.Node{Op: n.Op, Domain: n.Domain, Attributes: maps.Clone(n.Attributes), Bodies: n.Bodies, Captures: n.Captures}
	if bad.Attributes == nil {
		bad.Attributes = map[string]models.Attribute{}
	}
	for range n.Outputs {
		bad.Outputs = append(bad.Outputs, &graph.Value{})
	}
	in = slices.Clone(in)
	types := map[*ops.Slot]*graph.Value{}
	for i, v := range n.Inputs {
		if v != nil {
			types[in[i]] = v
		}
	}
	names := slices.Sorted(maps.Keys(n.Attributes))
	for range 1 + r.IntN(3) {
		switch what := r.IntN(8); {
		case what == 0:
			bad.Attributes[attributeNames[r.IntN(len(attributeNames))]] = oddAttribute(r)
		case what < 4 && len(names) > 0:
			name := names[r.IntN(len(names))]
			if a, ok := bad.Attributes[name]; ok && r.IntN(5) > 0 {
				bad.Attributes[name] = spoilAttribute(r, a)
			} else {
				delete(bad.Attributes, name)
			}
		case what == 4 && r.IntN(2) == 0:
			bad.Outputs = append(bad.Outputs, &graph.Value{})[:r.IntN(len(bad.Outputs)+1)+1]
			bad.Outputs[r.IntN(len(bad.Outputs))] = &graph.Value{}
		case len(in) == 0 || what == 5 && r.IntN(4) == 0:
			in = append(in, &ops.Slot{Tensor: oddTensor(r)})
		default:
			i := r.IntN(len(in))
			in[i] = spoilInput(r, in[i])
		}
	}
	for _, s := range in {
		bad.Inputs = append(bad.Inputs, nil)
		if s != nil {
			v := &graph.Value{DType: s.DType}
			if was := types[s]; was != nil {
				v.Kind, v.Elem = was.Kind, was.Elem
			}
			bad.Inputs[len(bad.Inputs)-1] = v
		}
	}
	return bad, in
}

// spoilInput leaves an input out, or changes its type, its shape or one of its elements.
func spoilInput(r *rand.Rand, s *ops.Slot) *ops.Slot {
	if s == nil {
		return &ops.Slot{Tensor: oddTensor(r)}
	}
	x := s.Tensor
	shape := x.Shape.Clone()
	switch r.IntN(8) {
	case 0:
		return nil
	case 1:
		return &ops.Slot{Tensor: oddTensor(r)}
	case 2:
		x = filledTensor(r, oddTypes[r.IntN(len(oddTypes))], shape)
	case 3, 4:
		switch what := r.IntN(4); {
		case what == 0 || len(shape) == 0:
			shape = append(shape, 1+r.IntN(3))
		case what == 1:
			shape = shape[:len(shape)-1]
		default:
			shape[r.IntN(len(shape))] = r.IntN(6)
		}
		x = filledTensor(r, x.DType, shape)
	default:
		x = x.Clone()
		if x.Len() > 0 {
			setAt(x, r.IntN(x.Len()), oddInt(r), oddFloats[r.IntN(len(oddFloats))])
		}
	}
	return &ops.Slot{Tensor: x, Items: s.Items, Absent: s.Absent}
}

func oddTensor(r *rand.Rand) tensor.Tensor {
	shape := make(tensor.Shape, r.IntN(5))
	for k := range shape {
		shape[k] = r.IntN(5)
	}
	return filledTensor(r, oddTypes[r.IntN(len(oddTypes))], shape)
}

// filledTensor is of small numbers.
func filledTensor(r *rand.Rand, d tensor.DType, s tensor.Shape) tensor.Tensor {
	x := tensor.New(d, s)
	for i := range x.Len() {
		fillAt(x, i, r.IntN(9)-2)
	}
	return x
}

// setAt sets an element to an integer, or a float where the type is one.
func setAt(x tensor.Tensor, i int, v int64, f float32) {
	switch x.DType {
	case tensor.Int64:
		tensor.Data[int64](x)[i] = v
	case tensor.Int32:
		tensor.Data[int32](x)[i] = int32(max(min(v, math.MaxInt32), math.MinInt32))
	case tensor.Float32:
		tensor.Data[float32](x)[i] = f
	case tensor.Float64:
		tensor.Data[float64](x)[i] = float64(f)
	default:
		fillAt(x, i, int(v&127))
	}
}

func oddAttribute(r *rand.Rand) models.Attribute {
	switch r.IntN(5) {
	case 0:
		return models.Attribute{Kind: models.FloatAttribute, Float: oddFloats[r.IntN(len(oddFloats))]}
	case 1:
		return models.Attribute{Kind: models.StringAttribute, Str: oddTexts[r.IntN(len(oddTexts))]}
	case 2:
		list := make([]int64, r.IntN(5))
		for i := range list {
			list[i] = oddInt(r)
		}
		return models.Attribute{Kind: models.IntsAttribute, Ints: list}
	}
	return models.Attribute{Kind: models.IntAttribute, Int: oddInt(r)}
}

// spoilAttribute cuts a list short or makes it longer, or changes a number or a text.
func spoilAttribute(r *rand.Rand, a models.Attribute) models.Attribute {
	a.Ints, a.Floats, a.Strs = slices.Clone(a.Ints), slices.Clone(a.Floats), slices.Clone(a.Strs)
	cut := func(n int) int { return r.IntN(n + 1) }
	v, f := oddInt(r), oddFloats[r.IntN(len(oddFloats))]
	switch {
	case r.IntN(20) == 0:
		return oddAttribute(r)
	case a.Kind == models.IntAttribute:
		a.Int = v
	case a.Kind == models.FloatAttribute:
		a.Float = f
	case a.Kind == models.StringAttribute:
		a.Str = oddTexts[r.IntN(len(oddTexts))]
	case a.Kind == models.TensorAttribute && a.Tensor.DType != tensor.String:
		a.Tensor = tensor.New(a.Tensor.DType, tensor.Shape{r.IntN(5)})
	case len(a.Ints) > 0 && r.IntN(3) > 0:
		a.Ints[r.IntN(len(a.Ints))] = v
	case len(a.Floats) > 0 && r.IntN(3) > 0:
		a.Floats[r.IntN(len(a.Floats))] = f
	case len(a.Strs) > 0 && r.IntN(2) == 0:
		a.Strs[r.IntN(len(a.Strs))] = oddTexts[r.IntN(len(oddTexts))]
	case len(a.Ints) > 0 && r.IntN(2) == 0:
		a.Ints = append(a.Ints, v)
	default:
		a.Ints, a.Floats, a.Strs = a.Ints[:cut(len(a.Ints))], a.Floats[:cut(len(a.Floats))], a.Strs[:cut(len(a.Strs))]
	}
	return a
}
