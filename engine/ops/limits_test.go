package ops_test

import (
	"math"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestLimits gives operators inputs of a few bytes that ask for more than ops.MostMade, or for a count beyond ops.MostCount: an error, before any memory is taken.
func TestLimits(t *testing.T) {
	list := func(v ...int64) tensor.Tensor { return tensor.From(tensor.Int64, tensor.Shape{len(v)}, v) }
	scalar := func(v int64) tensor.Tensor { return tensor.Scalar(tensor.Int64, v) }
	x := tensor.New(tensor.Float32, tensor.Shape{1, 1, 2, 2})
	const many = ops.MostMade/4 + 1 // float32 elements
	for _, c := range []struct {
		op         string
		attributes attributes
		in         []tensor.Tensor
		want       string
	}{
		{"ConstantOfShape", nil, []tensor.Tensor{list(many)}, "may be made of its inputs"},
		{"Expand", nil, []tensor.Tensor{x, list(many, 1, 1, 2, 2)}, "may be made of its inputs"},
		{"Expand", nil, []tensor.Tensor{x, list(math.MaxInt64, 0, 1, 2, 2)}, "would be"},
		{"Tile", nil, []tensor.Tensor{x, list(1, 1, many, 1)}, "may be made of its inputs"},
		{"Range", nil, []tensor.Tensor{scalar(0), scalar(many), scalar(1)}, "may be made of its inputs"},
		{"Pad", nil, []tensor.Tensor{x, list(0, 0, 0, 0, 0, 0, many, 0)}, "may be made of its inputs"},
		{"OneHot", nil, []tensor.Tensor{list(1), scalar(many), tensor.New(tensor.Float32, tensor.Shape{2})}, "may be made of its inputs"},
		{"HannWindow", nil, []tensor.Tensor{scalar(many)}, ""},
		{"Resize", nil, []tensor.Tensor{x, {}, {}, list(1, 1, many, 2)}, "may be made of its inputs"},
		{"RandomUniform", attributes{"shape": {Kind: models.IntsAttribute, Ints: []int64{many}}}, nil, "may be made of its inputs"},
		{"MaxPool", attributes{"kernel_shape": {Kind: models.IntsAttribute, Ints: []int64{1, math.MaxInt64}}}, []tensor.Tensor{x}, "attribute kernel_shape"},
	} {
		t.Run(c.op, func(t *testing.T) {
			n := &graph.Node{Op: c.op, Attributes: c.attributes, Outputs: []*graph.Value{{}}}
			var in []*ops.Slot
			for _, v := range c.in {
				if v.DType == tensor.Undefined {
					n.Inputs, in = append(n.Inputs, nil), append(in, nil)
					continue
				}
				n.Inputs, in = append(n.Inputs, &graph.Value{}), append(in, &ops.Slot{Tensor: v})
			}
			before := allocated()
			_, err := ops.Eval(n, in, target(), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if made := allocated() - before; made > 1<<24 {
				t.Errorf("%d bytes allocated", made)
			}
		})
	}
}
