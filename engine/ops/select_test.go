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

// TestTopKAgrees holds elements that are ranked by their bits against float64, which are compared.
func TestTopKAgrees(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	r := rand.New(rand.NewPCG(3, 4))
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 5e-45, -5e-45, math.MaxFloat32}
	for _, d := range []tensor.DType{tensor.Float32, tensor.Int32, tensor.Uint32, tensor.Int8, tensor.Uint8, tensor.Int16} {
		for _, s := range []tensor.Shape{{40}, {3, 25, 19}, {2, 1, 7}, {500, 200}} {
			for axis := range s {
				wide := tensor.New(tensor.Float64, s)
				for i := range wide.Len() {
					v := float64(r.IntN(60))
					switch {
					case d == tensor.Float32 && r.IntN(4) == 0:
						v = special[r.IntN(len(special))]
					case d == tensor.Float32:
						v = float64(float32(v/7 - 4))
					case d == tensor.Int32 && r.IntN(3) == 0:
						v = []float64{math.MinInt32, math.MaxInt32, -1}[r.IntN(3)]
					case d == tensor.Uint32 && r.IntN(3) == 0:
						v = math.MaxUint32 - v
					case d == tensor.Int8 || d == tensor.Int16:
						v -= 30
					}
					tensor.Data[float64](wide)[i] = v
				}
				x := eval(t, "Cast", intAttribute("to", int(d)), wide)
				for _, k := range []int64{0, 1, 5, int64(s[axis])} {
					for _, largest := range []int{0, 1} {
						k = min(k, int64(s[axis]))
						at := topPlaces(t, x, axis, k, largest, nil)
						for _, by := range []*parallel.Team{nil, team} {
							if err := sameTensor(topPlaces(t, wide, axis, k, largest, by), at); err != nil {
								t.Errorf("%v %v along %d, k %d, largest %d: %v", d, s, axis, k, largest, err)
							}
							if err := sameTensor(topPlaces(t, x, axis, k, largest, by), at); err != nil {
								t.Errorf("%v %v along %d, k %d, largest %d, by %d threads: %v", d, s, axis, k, largest, by.Size(), err)
							}
						}
					}
				}
			}
		}
	}
}

// topPlaces are the second output of a TopK, which must lead to the first.
func topPlaces(t *testing.T, x tensor.Tensor, axis int, k int64, largest int, team *parallel.Team) tensor.Tensor {
	t.Helper()
	n := &graph.Node{Name: "n", Op: "TopK", Attributes: attributesOf(attrs{"axis": axis, "largest": largest})}
	n.Inputs = []*graph.Value{{DType: x.DType, Shape: x.Shape}, {DType: tensor.Int64, Shape: tensor.Shape{1}}}
	n.Outputs = []*graph.Value{{Producer: n}, {Producer: n}}
	out, err := ops.Eval(n, []*ops.Slot{{Tensor: x}, {Tensor: int64s(tensor.Shape{1}, k)}}, &ops.Target{Features: cpu.Detect(), Threads: team.Size()}, team)
	if err != nil {
		t.Fatal(err)
	}
	picked := eval(t, "GatherElements", intAttribute("axis", axis), x, out[1].Tensor)
	if string(picked.Bytes) != string(out[0].Bytes) {
		t.Errorf("%v along %d: the values are not those at the places", x.Shape, axis)
	}
	return out[1].Tensor
}

// TestTrilu holds every diagonal, near and far, against the definition.
func TestTrilu(t *testing.T) {
	for _, s := range []tensor.Shape{{1, 1}, {2, 3, 5}, {5, 3}, {2, 0, 3}, {3, 0}} {
		rows, cols := s[len(s)-2], s[len(s)-1]
		x := tensor.New(tensor.Int32, s)
		for i := range x.Len() {
			tensor.Data[int32](x)[i] = int32(i + 1)
		}
		for _, upper := range []int{0, 1} {
			for _, k := range []int64{math.MinInt64, -9, -4, -2, -1, 0, 1, 2, 4, 9, math.MaxInt64} {
				want := x.Clone()
				for i := range want.Len() {
					away := int64(i%cols - i/cols%rows)
					if upper == 1 && away < k || upper == 0 && away > k {
						tensor.Data[int32](want)[i] = 0
					}
				}
				if err := sameTensor(eval(t, "Trilu", intAttribute("upper", upper), x, int64s(tensor.Shape{}, k)), want); err != nil {
					t.Errorf("%v, upper %d, k %d: %v", s, upper, k, err)
				}
			}
		}
	}
}
