package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestPoolsOfPlanesAgree slides windows of all sorts over dense planes, on every instruction set, against the plain loops in float64.
func TestPoolsOfPlanesAgree(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	r := rand.New(rand.NewPCG(3, 4))
	for range 150 {
		op := [...]string{"MaxPool", "AveragePool", "LpPool"}[r.IntN(3)]
		rank := 1 + r.IntN(2)
		shape := tensor.Shape{1 + r.IntN(2), 1 + r.IntN(9)}
		kernel, strides, dilations, pads := make(ints, rank), make(ints, rank), make(ints, rank), make(ints, 2*rank)
		for i := range rank {
			kernel[i], strides[i], dilations[i] = 1+r.Int64N(13), 1+r.Int64N(3), 1+r.Int64N(1+r.Int64N(3))
			if i > 0 && r.IntN(2) == 0 {
				kernel[i], strides[i], dilations[i] = kernel[0], strides[0], dilations[0]
			}
			pads[i], pads[rank+i] = r.Int64N(1+r.Int64N(kernel[i])), r.Int64N(1+r.Int64N(kernel[i]))
			reach := int((kernel[i]-1)*dilations[i]+1) - int(pads[i]+pads[rank+i])
			shape = append(shape, max(reach, 1)+r.IntN([]int{3, 20, 150}[r.IntN(3)]))
		}
		a := attrs{"kernel_shape": kernel, "strides": strides, "pads": pads, "ceil_mode": r.IntN(2)}
		if op != "AveragePool" || r.IntN(2) == 0 {
			a["dilations"] = dilations
		}
		switch op {
		case "AveragePool":
			a["count_include_pad"] = r.IntN(2)
		case "LpPool":
			a["p"] = 1 + r.IntN(3)
		}
		agreeInFloat64(t, op, a, team, seeded(r, tensor.Float64, shape))
	}
}

// TestPoolsKeepWhatIsNotFinite looks at infinities and NaN in planes.
func TestPoolsKeepWhatIsNotFinite(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, odd := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, op := range []string{"MaxPool", "AveragePool", "LpPool", "GlobalMaxPool", "GlobalAveragePool"} {
			x := seeded(r, tensor.Float64, tensor.Shape{1, 3, 20, 21})
			for range 20 {
				tensor.Data[float64](x)[r.IntN(x.Len())] = odd
			}
			a := attrs{"kernel_shape": ints{3, 3}, "pads": ints{1, 1, 1, 1}}
			if op[0] == 'G' {
				a = nil
			}
			agreeInFloat64(t, op, a, nil, x)
		}
	}
}

// agreeInFloat64 runs a node in float32, on every instruction set, with its inputs after the first known before or not, and wants what the same node gives
// in float64. Inputs of other types stay as they are.
func agreeInFloat64(t *testing.T, op string, a attrs, team *parallel.Team, in ...tensor.Tensor) {
	t.Helper()
	run := func(d tensor.DType, known bool, f cpu.Features, team *parallel.Team) tensor.Tensor {
		n := &graph.Node{Name: "n", Op: op, Attributes: attributesOf(a)}
		var slots []*ops.Slot
		for i, x := range in {
			if x.DType == tensor.Float64 {
				x = castTo(t, d, x)
			}
			v := &graph.Value{DType: x.DType, Shape: x.Shape}
			if known && i > 0 {
				v.Const = &x
			}
			n.Inputs, slots = append(n.Inputs, v), append(slots, &ops.Slot{Tensor: x})
			if x.DType == tensor.Undefined {
				n.Inputs[i], slots[i] = nil, nil
			}
		}
		n.Outputs = []*graph.Value{{Producer: n}}
		out, err := ops.Eval(n, slots, &ops.Target{Features: f, Threads: team.Size()}, team)
		if err != nil {
			t.Fatalf("%s %v of %v: %v", op, a, in[0].Shape, err)
		}
		return out[0].Tensor
	}
	want := run(tensor.Float64, true, 0, nil)
	for _, f := range []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX2), 0} {
		for _, known := range []bool{true, false} {
			for _, by := range []*parallel.Team{nil, team} {
				got := run(tensor.Float32, known, f, by)
				if !got.Shape.Equal(want.Shape) {
					t.Fatalf("%s %v of %v: shape %v, want %v", op, a, in[0].Shape, got.Shape, want.Shape)
				}
				list := floatsOf(got)
				for i, w := range floatsOf(want) {
					if g := list[i]; g != w && !(math.IsNaN(g) && math.IsNaN(w)) && !(math.Abs(g-w) <= 1e-5*(1+math.Abs(w))) {
						t.Fatalf("%s %v of %v on %v: element %d is %v, want %v", op, a, in[0].Shape, f, i, g, w)
					}
				}
			}
		}
	}
}
