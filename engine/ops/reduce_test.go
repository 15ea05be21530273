package ops_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

var reductions = []string{
	"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp",
}

// evalOn runs one node on tensors that only the run tells, on a machine of the given features.
func evalOn(t *testing.T, f cpu.Features, team *parallel.Team, op string, attributes map[string]models.Attribute, in ...tensor.Tensor) tensor.Tensor {
	t.Helper()
	n := &graph.Node{Op: op, Attributes: attributes, Outputs: []*graph.Value{{}}}
	var slots []*ops.Slot
	for i, x := range in {
		v := &graph.Value{DType: x.DType, Shape: x.Shape}
		if i > 0 {
			v.Const = &in[i]
		}
		n.Inputs, slots = append(n.Inputs, v), append(slots, &ops.Slot{Tensor: x})
	}
	out, err := ops.Eval(n, slots, &ops.Target{Features: f, Threads: team.Size()}, team)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return out[0].Tensor
}

// TestReductionsAgree holds float32, on every instruction set, against the general loop in float64.
func TestReductionsAgree(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		why   string
		shape tensor.Shape
		axes  []int64
	}{
		{"everything", tensor.Shape{3, 5, 7}, []int64{0, 1, 2}},
		{"long rows", tensor.Shape{3, 9001}, []int64{1}},
		{"short rows, many", tensor.Shape{11, 50, 13}, []int64{-1}},
		{"short rows, few", tensor.Shape{3, 13}, []int64{1}},
		{"rows of one element", tensor.Shape{40, 1}, []int64{1}},
		{"rows apart", tensor.Shape{4, 5, 6, 7}, []int64{1, 3}},
		{"rows apart, with more than one walk of results", tensor.Shape{2, 3, 4, 5, 6}, []int64{1, 3, 4}},
		{"columns", tensor.Shape{3, 70, 9}, []int64{1}},
		{"short columns, many rows", tensor.Shape{5000, 3}, []int64{0}},
		{"wide columns", tensor.Shape{67, 5003}, []int64{0}},
		{"columns apart", tensor.Shape{4, 5, 6, 7}, []int64{0, 2}},
		{"large enough for more than one thread", tensor.Shape{8, 100, 300}, []int64{1}},
		{"rows large enough for more than one thread", tensor.Shape{800, 300}, []int64{1}},
		{"an axis of nothing", tensor.Shape{3, 0, 2}, []int64{1}},
		{"nothing to make", tensor.Shape{0, 3, 2}, []int64{1}},
		{"a scalar", tensor.Shape{}, nil},
	} {
		for _, op := range reductions {
			x := tensor.New(tensor.Float32, c.shape)
			for i := range tensor.Data[float32](x) {
				v := float32(r.IntN(512)-256) / 256
				if op == "ReduceProd" {
					v = 1 + v/64
				} else if op == "ReduceLogSum" {
					v = 1 + v/2
				}
				tensor.Data[float32](x)[i] = v
			}
			axes := int64s(tensor.Shape{len(c.axes)}, c.axes...)
			want := castTo(t, tensor.Float32, evalOn(t, 0, nil, op, nil, castTo(t, tensor.Float64, x), axes))
			for _, f := range []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX2), 0} {
				for _, by := range []*parallel.Team{nil, team} {
					if err := closeTo(evalOn(t, f, by, op, nil, x, axes), want, 4e-6); err != nil {
						t.Errorf("%s of %s: %s, on %v: %v", op, c.shape, c.why, f, err)
					}
				}
			}
		}
	}
}

// closeTo compares float32 numbers within a fraction of 1 + |want|, and what is not finite exactly.
func closeTo(got, want tensor.Tensor, tolerance float64) error {
	if !got.Shape.Equal(want.Shape) {
		return fmt.Errorf("shape %s, want %s", got.Shape, want.Shape)
	}
	for i, w := range tensor.Data[float32](want) {
		g := tensor.Data[float32](got)[i]
		if g == w || g != g && w != w {
			continue
		}
		if !(math.Abs(float64(g-w)) <= tolerance*(1+math.Abs(float64(w)))) {
			return fmt.Errorf("at %d got %g, want %g", i, g, w)
		}
	}
	return nil
}

// TestReductionsOfSpecials reduces rows and columns that hold one number of a kind.
func TestReductionsOfSpecials(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		why, op string
		x       []float64 // filled up with the last
		want    float64
	}{
		{"of nothing but -Inf", "ReduceLogSumExp", []float64{-inf}, -inf},
		{"+Inf is all", "ReduceLogSumExp", []float64{1, inf, -inf, 2}, inf},
		{"NaN spreads", "ReduceLogSumExp", []float64{1, inf, nan, 2}, nan},
		{"far from zero", "ReduceLogSumExp", []float64{1000, 1000, -1000}, 1000 + math.Ln2},
		{"squares too large for float32", "ReduceL2", []float64{3e25, 4e25, 0}, 5e25},
		{"and too small", "ReduceL2", []float64{3e-25, 4e-25, 0}, 5e-25},
		{"zeros", "ReduceL2", []float64{0}, 0},
		{"an infinity", "ReduceL2", []float64{1, -inf, 0}, inf},
		{"NaN", "ReduceL2", []float64{1, nan, 0}, nan},
		{"both infinities", "ReduceL1", []float64{inf, -inf, 0}, inf},
		{"on the way too large for float32", "ReduceProd", []float64{1e30, 1e30, 1e-30, 1e-30, 1}, 1},
		{"NaN is the largest", "ReduceMax", []float64{1, nan, 3}, nan},
		{"and the least", "ReduceMin", []float64{1, nan, 3}, nan},
	} {
		for _, shape := range []tensor.Shape{{2, 9}, {50, 9}, {2, 200}} {
			rows, count := shape[0], shape[1]
			row, column := tensor.New(tensor.Float32, shape), tensor.New(tensor.Float32, tensor.Shape{count, rows})
			for i := range rows * count {
				v := float32(c.x[min(i%count, len(c.x)-1)])
				tensor.Data[float32](row)[i], tensor.Data[float32](column)[i%count*rows+i/count] = v, v
			}
			for axis, x := range []tensor.Tensor{column, row} {
				want := tensor.New(tensor.Float32, tensor.Shape{rows})
				for i := range rows {
					tensor.Data[float32](want)[i] = float32(c.want)
				}
				for _, f := range []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX2), 0} {
					got := evalOn(t, f, nil, c.op, intAttribute("keepdims", 0), x, int64s(tensor.Shape{1}, int64(axis)))
					if err := closeTo(got, want, 2e-6); err != nil || c.want != 0 && tensor.Data[float32](got)[0] == 0 {
						t.Errorf("%s, %s, %d of %d along axis %d on %v: %v", c.op, c.why, rows, count, axis, f, err)
					}
				}
			}
		}
	}
}
