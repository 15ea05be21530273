package engine

import (
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// joins is a model of Concats of convolutions, a pool, one another, and the same value twice.
func joins() *models.Model {
	weights := func(out, in, side int) tensor.Tensor {
		w := tensor.New(tensor.Float32, tensor.Shape{out, in, side, side})
		for i := range tensor.Data[float32](w) {
			tensor.Data[float32](w)[i] = float32(i%11-5) / 40
		}
		return w
	}
	node := func(op, out string, attributes map[string]models.Attribute, in ...string) *models.Node {
		return &models.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attributes: attributes}
	}
	ints := func(name string, list ...int64) map[string]models.Attribute {
		return map[string]models.Attribute{name: {Kind: models.IntsAttribute, Ints: list}}
	}
	pads, channels := ints("pads", 1, 1, 1, 1), map[string]models.Attribute{"axis": {Kind: models.IntAttribute, Int: 1}}
	pool := ints("pads", 1, 1, 1, 1)
	pool["kernel_shape"] = models.Attribute{Kind: models.IntsAttribute, Ints: []int64{3, 3}}
	dims := []models.Dim{{Size: 2}, {Size: 3}, {Size: 15}, {Size: 14}}
	return &models.Model{Path: "joins", Opsets: map[string]int{"": models.Dialect}, Graph: &models.Graph{
		Inputs:  []*models.Value{{Name: "x", Type: models.Type{DType: tensor.Float32, HasShape: true, Dims: dims}}},
		Outputs: []*models.Value{{Name: "y"}, {Name: "z"}},
		Initializers: map[string]tensor.Tensor{
			"w16": weights(16, 3, 3), "w32": weights(32, 3, 1), "w5": weights(5, 3, 1), "w48": weights(32, 48, 3), "u": weights(16, 128, 3), "v": weights(4, 42, 1),
		},
		Nodes: []*models.Node{
			node("Conv", "a", pads, "x", "w16"), node("Conv", "b", nil, "x", "w32"), node("Conv", "few", nil, "x", "w5"),
			node("Concat", "ab", channels, "a", "b"),
			node("Conv", "c", pads, "ab", "w48"), node("MaxPool", "m", pool, "ab"),
			node("Concat", "abcm", channels, "ab", "c", "m"),
			node("Conv", "y", pads, "abcm", "u"),
			node("Relu", "r", nil, "few"),
			node("Concat", "odd", channels, "few", "a", "a", "r"),
			node("Conv", "z", nil, "odd", "v"),
		},
	}}
}

// TestConcatCopiesNothing holds values that are made among the channels of another to what a program without rewrites computes.
func TestConcatCopiesNothing(t *testing.T) {
	m := joins()
	run := func(o Options) ([]tensor.Tensor, *Program) {
		o.Features = cpu.Detect()
		p, err := Compile(m, o)
		if err != nil {
			t.Fatal(err)
		}
		s := p.NewSession()
		t.Cleanup(s.Close)
		out := make([]tensor.Tensor, len(p.Outputs))
		for range 2 {
			if err := s.Run(p.SeededInputs(3), out); err != nil {
				t.Fatal(err)
			}
		}
		return out, p
	}
	want, _ := run(Options{NoPasses: true})
	got, p := run(Options{})
	for i := range want {
		d, err := Compare(got[i], want[i], Tolerance{Rtol: 1e-4, Atol: 1e-4})
		if err != nil {
			t.Fatal(err)
		}
		if !d.Within {
			t.Errorf("output %d: %+v", i, d)
		}
	}
	placed := map[string]string{}
	for _, x := range p.Placements() {
		placed[x.Node] = x.Class
	}
	for name, class := range map[string]string{"ab": "in place", "abcm": "in place", "odd": "copy"} {
		if placed[name] != class {
			t.Errorf("%s: %q, want %q", name, placed[name], class)
		}
	}
}
