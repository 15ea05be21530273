package ops_test

import (
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestInferRefuses lists what operators do not take, and what they say of it.
func TestInferRefuses(t *testing.T) {
	f := func(dims ...int) *graph.Value { return &graph.Value{DType: tensor.Float32, Shape: dims} }
	of := func(d tensor.DType, dims ...int) *graph.Value { return &graph.Value{DType: d, Shape: dims} }
	ints := func(values ...int64) *graph.Value {
		c := int64s(tensor.Shape{len(values)}, values...)
		return &graph.Value{DType: tensor.Int64, Shape: c.Shape, Const: &c}
	}
	text := func(name, v string) map[string]models.Attribute {
		return map[string]models.Attribute{name: {Kind: models.StringAttribute, Str: v}}
	}
	for _, c := range []struct {
		reason, op string
		in         []*graph.Value
		attributes map[string]models.Attribute
		want       string
	}{
		{"dimensions that do not broadcast", "Add", []*graph.Value{f(2, 3), f(4)}, nil, "shapes 2x3 and 4 do not broadcast"},
		{"two types", "Mul", []*graph.Value{f(2), of(tensor.Int64, 2)}, nil, "input 1 is int64 where another is float32"},
		{"no arithmetic on bools", "Sub", []*graph.Value{of(tensor.Bool, 2), of(tensor.Bool, 2)}, nil, "input 0 is bool; it may be float32"},
		{"too few inputs", "Div", []*graph.Value{f(2)}, nil, "1 inputs; Div takes 2"},
		{"an input that is left out", "Greater", []*graph.Value{nil, f(2)}, nil, "input 0 is missing"},
		{"floats need fmod", "Mod", []*graph.Value{f(2), f(2)}, nil, "of float32 needs fmod=1"},
		{"logic on numbers", "And", []*graph.Value{f(2), f(2)}, nil, "input 0 is float32; it may be bool"},
		{"a limit that is no scalar", "Clip", []*graph.Value{f(2), f(2)}, nil, "a limit is a scalar"},
		{"sizes differ", "Reshape", []*graph.Value{f(2, 3), ints(4)}, nil, "input 2x3 has 6 elements, shape 4 has 4"},
		{"two free dimensions", "Reshape", []*graph.Value{f(2, 3), ints(-1, -1)}, nil, "more than one -1"},
		{"a copied dimension that is not there", "Reshape", []*graph.Value{f(6), ints(6, 0)}, nil, "copies dimension 1 of input 6"},
		{"a free dimension that does not come out", "Reshape", []*graph.Value{f(7), ints(2, -1)}, nil, "does not divide"},
		{"squeezing what is not 1", "Squeeze", []*graph.Value{f(2, 3), ints(0)}, nil, "dimension 0 of input 2x3 is not 1"},
		{"an axis twice", "Unsqueeze", []*graph.Value{f(2), ints(0, 0)}, nil, "axis 0 comes twice"},
		{"an axis too far", "Concat", []*graph.Value{f(2), f(2)}, intAttribute("axis", 1), "axis 1 of a tensor of rank 1"},
		{"parts that do not join", "Concat", []*graph.Value{f(2, 3), f(2, 4)}, intAttribute("axis", 0), "shapes 2x3, 2x4 do not join along axis 0"},
		{"sizes that do not add up", "Split", []*graph.Value{f(5), ints(2)}, nil, "sizes [2] for 1 outputs from a dimension of 5"},
		{"a step of nothing", "Slice", []*graph.Value{f(5), ints(0), ints(5), ints(0), ints(0)}, nil, "step 0 along axis 0"},
		{"lists of different lengths", "Slice", []*graph.Value{f(5), ints(0, 0), ints(5)}, nil, "differ in length"},
		{"no permutation", "Transpose", []*graph.Value{f(2, 3)}, map[string]models.Attribute{"perm": {Kind: models.IntsAttribute, Ints: []int64{0, 0}}}, "perm [0 0] is no permutation of 2 axes"},
		{"an index of floats", "Gather", []*graph.Value{f(2), f(1)}, nil, "input 1 is float32; it may be int32, int64"},
		{"tuples that are too deep", "GatherND", []*graph.Value{f(2, 2), ints(0, 0, 0)}, nil, "indices 3 with 0 batch dimensions for data 2x2"},
		{"updates of another shape", "ScatterElements", []*graph.Value{f(3), ints(1), f(2)}, nil, "indices 1 and updates 2 for data 3"},
		{"an unknown reduction", "ScatterND", []*graph.Value{f(3), ints(1), f(1)}, text("reduction", "avg"), "unknown reduction \"avg\""},
		{"too few pads", "Pad", []*graph.Value{f(2, 3), ints(1, 1)}, nil, "2 pads for 2 axes"},
		{"pads that take more than there is", "Pad", []*graph.Value{f(2), ints(-2, -1)}, nil, "take more than the dimension 2"},
		{"an unknown mode", "Pad", []*graph.Value{f(2), ints(1, 1)}, text("mode", "mirror"), "unknown mode \"mirror\""},
		{"no such axis", "ReduceSum", []*graph.Value{f(2), ints(1)}, nil, "axis 1 of a tensor of rank 1"},
		{"more than there are", "TopK", []*graph.Value{f(2), ints(3)}, nil, "k is 3 for an axis of 2"},
		{"no matrix", "Trilu", []*graph.Value{f(2)}, nil, "input 2 is no matrix"},
		{"blocks that do not fit", "SpaceToDepth", []*graph.Value{f(1, 1, 3, 4)}, intAttribute("blocksize", 2), "dimension 2 of input 1x1x3x4 is no multiple of 2"},
		{"an unknown type", "Cast", []*graph.Value{f(2)}, intAttribute("to", 99), "to dtype(99)"},
		{"another size", "BitCast", []*graph.Value{f(2)}, intAttribute("to", int(tensor.Int64)), "float32 of 32 bits as int64 of 64"},
		{"labels that disagree", "Einsum", []*graph.Value{f(2, 3), f(2, 3)}, text("equation", "ij,jk->ik"), "label 'j' is 3 and 2"},
		{"an output label from nowhere", "Einsum", []*graph.Value{f(2)}, text("equation", "i->j"), "output label 'j'"},
		{"no value", "Constant", nil, nil, "no value among its attributes"},
		{"heads that do not share", "Attention", []*graph.Value{f(1, 3, 4, 8), f(1, 2, 4, 8), f(1, 2, 4, 8)}, nil, "3 heads of Q share 2 of K"},
		{"no number of heads", "Attention", []*graph.Value{f(1, 4, 8), f(1, 4, 8), f(1, 4, 8)}, nil, "0 heads"},
		{"a mask of another size", "Attention", []*graph.Value{f(1, 2, 4, 8), f(1, 2, 6, 8), f(1, 2, 6, 8), f(3, 6)}, nil, "mask 3x6 for scores 1x2x4x6"},
		{"keys without values", "Attention", []*graph.Value{f(1, 2, 4, 8), f(1, 2, 6, 8), f(1, 2, 6, 8), nil, f(1, 2, 5, 8)}, nil, "past keys need past values"},
		{"no decay", "LinearAttention", []*graph.Value{f(1, 4, 8), f(1, 4, 8), f(1, 4, 8)}, numbers("q_num_heads", 2, "kv_num_heads", 2), "without its decay or beta"},
		{"an unknown activation", "CausalConvWithState", []*graph.Value{f(1, 2, 4), f(2, 1, 3)}, text("activation", "relu"), "unknown activation \"relu\""},
		{"an odd number to turn", "RotaryEmbedding", []*graph.Value{f(1, 2, 3, 7), f(9, 3), f(9, 3), of(tensor.Int64, 1, 3)}, nil, "7 of 7 elements of a head"},
		{"a grid of other axes", "GridSample", []*graph.Value{f(1, 2, 3, 3), f(1, 4, 4, 3)}, nil, "input 1x2x3x3 with grid 1x4x4x3"},
		{"the axis of the parts", "DFT", []*graph.Value{f(1, 8, 2), nil, ints(2)}, nil, "axis 2 is that of the real and the imaginary part"},
		{"half of a complex spectrum", "DFT", []*graph.Value{f(1, 8, 2)}, intAttribute("onesided", 1), "onesided with a complex input"},
		{"frames longer than the signal", "STFT", []*graph.Value{f(1, 8, 1), ints(2), nil, ints(9)}, nil, "frames of 9 elements, 2 apart, of a signal of 8"},
		{"a pattern of nothing", "RegexFullMatch", []*graph.Value{of(tensor.String, 2)}, text("pattern", "("), "missing closing )"},
		{"regions without corners", "RoiAlign", []*graph.Value{f(1, 2, 8, 8), f(3, 5), of(tensor.Int64, 3)}, nil, "regions 3x5; 4 columns are wanted"},
		{"places that are too few", "MaxUnpool", []*graph.Value{f(1, 1, 2, 2), of(tensor.Int64, 1, 1, 2, 1)}, map[string]models.Attribute{"kernel_shape": {Kind: models.IntsAttribute, Ints: []int64{2, 2}}}, "places 1x1x2x1 for input 1x1x2x2"},
		{"columns that fit no block", "Col2Im", []*graph.Value{f(1, 5, 4), ints(3, 3), ints(2, 2)}, nil, "input 1x5x4 for 4 positions of blocks of 4"},
		{"offsets of another kernel", "DeformConv", []*graph.Value{f(1, 1, 4, 4), f(1, 1, 2, 2), f(1, 2, 3, 3)}, nil, "input 2 is 1x2x3x3; 1x8x3x3 is wanted"},
		{"no square", "Det", []*graph.Value{f(2, 3)}, nil, "square matrices are wanted"},
		{"no sequence", "SequenceAt", []*graph.Value{f(2), ints(0)}, nil, "input 0 is no sequence"},
	} {
		t.Run(c.op+"/"+c.reason, func(t *testing.T) {
			n := &graph.Node{Op: c.op, Inputs: c.in, Outputs: []*graph.Value{{}}, Attributes: c.attributes}
			err := ops.Of(n).Infer(n)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestRunRefuses lists contents that only a run can find wrong.
func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		reason, op string
		in         []tensor.Tensor
		want       string
	}{
		{"no quotient", "Div", []tensor.Tensor{int64s(tensor.Shape{2}, 1, 2), int64s(tensor.Shape{2}, 1, 0)}, "division of integers by zero"},
		{"an index outside", "Gather", []tensor.Tensor{int64s(tensor.Shape{2}, 1, 2), int64s(tensor.Shape{1}, 2)}, "index 2 at position 0 is outside [-2, 2)"},
		{"an index outside of an axis", "GatherElements", []tensor.Tensor{int64s(tensor.Shape{2}, 1, 2), int64s(tensor.Shape{1}, -3)}, "index -3 at position 0 is outside [-2, 2)"},
		{"a range that never ends", "Range", []tensor.Tensor{int64s(tensor.Shape{}, 0), int64s(tensor.Shape{}, 2), int64s(tensor.Shape{}, 0)}, "delta is 0"},
	} {
		t.Run(c.op+"/"+c.reason, func(t *testing.T) {
			n := &graph.Node{Op: c.op, Outputs: []*graph.Value{{}}}
			var in []*ops.Slot
			for _, x := range c.in {
				n.Inputs = append(n.Inputs, &graph.Value{})
				in = append(in, &ops.Slot{Tensor: x})
			}
			if _, err := ops.Eval(n, in, target(), nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestUnknownDimensions infers from shapes that only a run tells.
func TestUnknownDimensions(t *testing.T) {
	const u = tensor.Unknown
	v := func(dims ...int) *graph.Value { return &graph.Value{DType: tensor.Float32, Shape: dims} }
	index := func(dims ...int) *graph.Value { return &graph.Value{DType: tensor.Int64, Shape: dims} }
	for _, c := range []struct {
		reason, op string
		in         []*graph.Value
		attributes map[string]models.Attribute
		want       tensor.Shape
	}{
		{"an unknown dimension fits a known one", "Add", []*graph.Value{v(u, 3), v(2, 1)}, nil, tensor.Shape{2, 3}},
		{"an unknown dimension may be 1", "Add", []*graph.Value{v(u, 3), v(1, 3)}, nil, tensor.Shape{u, 3}},
		{"an unknown rank stays one", "Mul", []*graph.Value{{DType: tensor.Float32}, v(3)}, nil, nil},
		{"the rank of a shape tells that of the result", "Reshape", []*graph.Value{v(u, 3), index(2)}, nil, tensor.Shape{u, u}},
		{"a shape of unknown length tells nothing", "Reshape", []*graph.Value{v(u, 3), index(u)}, nil, nil},
		{"only the joined axis is open", "Concat", []*graph.Value{v(u, 3), v(2, 3)}, intAttribute("axis", 0), tensor.Shape{u, 3}},
		{"indices put their shape in", "Gather", []*graph.Value{v(5, 3), index(u, 2)}, nil, tensor.Shape{u, 2, 3}},
		{"unknown axes leave the rank", "ReduceSum", []*graph.Value{v(5, 3), index(1)}, nil, tensor.Shape{u, u}},
		{"a count that only the run tells", "NonZero", []*graph.Value{v(5, 3)}, nil, tensor.Shape{2, u}},
	} {
		t.Run(c.op+"/"+c.reason, func(t *testing.T) {
			n := &graph.Node{Op: c.op, Inputs: c.in, Outputs: []*graph.Value{{}}, Attributes: c.attributes}
			if err := ops.Of(n).Infer(n); err != nil {
				t.Fatal(err)
			}
			if got := n.Outputs[0].Shape; !got.Equal(c.want) || (got == nil) != (c.want == nil) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
