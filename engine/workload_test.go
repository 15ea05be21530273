package engine_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// spread is a tensor of float32 without zeros, that no rewrite can take for something else.
func spread(s ...int) tensor.Tensor {
	t := tensor.New(tensor.Float32, s)
	for i := range tensor.Data[float32](t) {
		tensor.Data[float32](t)[i] = float32(i%11) + 0.5
	}
	return t
}

// TestWorkload counts small models by hand.
func TestWorkload(t *testing.T) {
	pads := []int64{1, 1, 1, 1}
	for _, c := range []struct {
		reason string
		model  *models.Model
		steps  string // kind and fused operators of each step
		want   engine.Workload
	}{
		{
			"a convolution with its bias and activation: 2·(2·4·4·8)·(3·3·3) FLOPs",
			model("x float32 2,3,4,4", "y", constants{"w": spread(8, 3, 3, 3), "b": spread(8)}, node("Conv x w b > c", "pads", pads), node("Relu c > y")),
			"conv+Relu",
			engine.Workload{Unfused: 2, FLOPs: 2 * 256 * 27, Weights: 216 + 8, Peak: 512, InBytes: 4 * 96, OutBytes: 4 * 256},
		},
		{
			"groups divide the products, and depth is what a group of one channel is",
			model("x float32 1,4,4,4", "y", constants{"d": spread(4, 1, 3, 3), "g": spread(4, 2, 1, 1)}, node("Conv x d > c", "pads", pads, "group", 4), node("Conv c g > y", "group", 2)),
			"depthwise-conv grouped-conv",
			engine.Workload{Unfused: 2, FLOPs: 2*64*9 + 2*64*2, Weights: 36 + 8, Peak: 128, InBytes: 256, OutBytes: 256},
		},
		{
			"a matrix product with its bias, and an activation behind it: 2·5·3·4",
			model("x float32 5,3", "y", constants{"w": spread(3, 4), "b": spread(4)}, node("MatMul x w > p"), node("Add p b > s"), node("Tanh s > y")),
			"gemm+Add+Tanh",
			engine.Workload{Unfused: 2, FLOPs: 120, Weights: 16, Peak: 40, InBytes: 60, OutBytes: 80},
		},
		{
			"matrices made in the run: 2 products of 2·3·3·4, the transpose beside them free",
			model("x float32 2,3,4", "y", nil, node("Transpose x > t", "perm", []int64{0, 2, 1}), node("MatMul x t > y")),
			"batch-matmul",
			engine.Workload{Unfused: 1, FLOPs: 144, Peak: 24 + 24 + 18, InBytes: 96, OutBytes: 72},
		},
		{
			"a value read twice ends a launch",
			model("x float32 1,8", "y z", nil, node("Exp x > e"), node("Neg e > y"), node("Abs e > z")),
			"elementwise elementwise elementwise",
			engine.Workload{Unfused: 3, Peak: 24, InBytes: 32, OutBytes: 64},
		},
		{
			"a chain of elementwise operators is one launch, across a view",
			model("x float32 1,8", "y", constants{"flat": ints(shape{1}, 8)}, node("Exp x > e"), node("Reshape e flat > v"), node("Neg v > n"), node("Abs n > y")),
			"elementwise+Neg+Abs",
			engine.Workload{Unfused: 3, Peak: 16, InBytes: 32, OutBytes: 32},
		},
		{
			"parts of a value are read where they lie, and what reads one is a launch of its own",
			model("x float32 1,8,1,1", "y z", constants{"w": spread(8, 8, 1, 1), "halves": ints(shape{2}, 4, 4)}, node("Conv x w > c"), node("Split c halves > s t", "axis", 1), node("Relu s > y"), node("Neg t > z")),
			"conv elementwise elementwise",
			engine.Workload{Unfused: 3, FLOPs: 2 * 64, Weights: 64, Peak: 16, InBytes: 32, OutBytes: 32},
		},
		{
			"a gate is not spread over a whole image by the convolution that makes it",
			model("x float32 1,2,4,4", "y", constants{"w": spread(2, 2, 1, 1)}, node("GlobalAveragePool x > p"), node("Conv p w > g"), node("Mul x g > y")),
			"reduction conv elementwise",
			engine.Workload{Unfused: 3, FLOPs: 8, Weights: 4, Peak: 66, InBytes: 128, OutBytes: 128},
		},
		{
			"what only a run tells is named, not counted",
			model("x float32 8", "y", constants{"w": spread(8, 2)}, node("MatMul x w > p"), node("NonZero p > i"), node("Transpose i > y")),
			"gemm",
			engine.Workload{Unfused: 1, FLOPs: 32, Weights: 16, Peak: 10, InBytes: 32, Unknown: []string{"NonZero", "Transpose"}},
		},
		{
			"the heavier branch is counted",
			model("c bool; x float32 4,4", "y", constants{"w": spread(4, 4)}, node("If c > y",
				"then_branch", body("", "r", nil, node("Neg x > r")),
				"else_branch", body("", "r", nil, node("MatMul x w > r")))),
			"gemm",
			engine.Workload{Unfused: 2, FLOPs: 128, Weights: 16, Peak: 33, InBytes: 65, OutBytes: 64},
		},
	} {
		t.Run(c.reason, func(t *testing.T) {
			got := compile(t, c.model, engine.Options{}).Workload()
			var steps []string
			for _, s := range got.Steps {
				steps = append(steps, strings.Join(append([]string{s.Kind.String()}, s.Fused...), "+"))
			}
			if all := strings.Join(steps, " "); all != c.steps {
				t.Errorf("steps %q, want %q", all, c.steps)
			}
			got.Steps = nil
			if c.want.Unknown == nil {
				c.want.Unknown = []string{}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestWorkloadOfZoo counts an architecture of each family for one and for several inputs at once: work grows by that factor and weights do not, but for a token that
// is repeated for each input; and a workload
// comes back whole from JSON, with kinds as names.
func TestWorkloadOfZoo(t *testing.T) {
	const batch = 3
	for _, f := range zoo.Families() {
		t.Run(f.Name, func(t *testing.T) {
			m, err := zoo.Outline(f.Models[0].Name)
			if err != nil {
				t.Fatal(err)
			}
			of := func(n int) engine.Workload {
				w, err := engine.Count(m, engine.Options{Dims: map[string]int{"batch": n}})
				if err != nil {
					t.Fatal(err)
				}
				return w
			}
			one, many := of(1), of(batch)
			if math.Abs(many.FLOPs-batch*one.FLOPs) > 1e-9*many.FLOPs || many.Weights > 1.001*one.Weights || len(many.Steps) != len(one.Steps) || many.InBytes != batch*one.InBytes || many.OutBytes != batch*one.OutBytes {
				t.Errorf("%d inputs: %g FLOPs, %g weights, %d steps; one: %g, %g, %d", batch, many.FLOPs, many.Weights, len(many.Steps), one.FLOPs, one.Weights, len(one.Steps))
			}
			if many.Peak < one.Peak || many.Peak > batch*one.Peak {
				t.Errorf("%d inputs: %g elements at once; one: %g", batch, many.Peak, one.Peak)
			}
			b, err := json.Marshal(one)
			if err != nil {
				t.Fatal(err)
			}
			var back engine.Workload
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(back, one) || !strings.Contains(string(b), `"kind":"gemm"`) && !strings.Contains(string(b), `"kind":"conv"`) {
				t.Errorf("JSON loses something: %.200s", b)
			}
		})
	}
}
