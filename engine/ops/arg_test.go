package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestArgumentsAgree finds extremes among few different numbers, so that many are equal, some of them NaN, by the definition.
func TestArgumentsAgree(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	r := rand.New(rand.NewPCG(3, 4))
	for _, s := range [][3]int{{3, 5, 1}, {700, 70, 1}, {3, 40, 7}, {2, 9, 2500}, {1, 1, 4}, {2, 3, 0}} {
		x := tensor.New(tensor.Float64, tensor.Shape{s[0], s[1], s[2]})
		list := tensor.Data[float64](x)
		for _, nans := range []int{0, 30} {
			for i := range list {
				list[i] = float64(r.IntN(20) - 10)
				if nans > 0 && r.IntN(nans) == 0 {
					list[i] = math.NaN()
				}
			}
			for _, last := range []int{0, 1} {
				for _, op := range []string{"ArgMax", "ArgMin"} {
					want := tensor.New(tensor.Int64, tensor.Shape{s[0], 1, s[2]})
					for i := range tensor.Data[int64](want) {
						tensor.Data[int64](want)[i] = int64(argument(list[i/s[2]*s[1]*s[2]+i%s[2]:], s[1], s[2], op == "ArgMax", last != 0))
					}
					for _, d := range []tensor.DType{tensor.Float64, tensor.Float32, tensor.Float16, tensor.Int8, tensor.Int64} {
						if nans > 0 && !d.Float() {
							continue
						}
						for _, f := range []cpu.Features{cpu.Detect(), 0} {
							attributes := attributesOf(attrs{"axis": 1, "select_last_index": last})
							if err := sameTensor(evalOn(t, f, team, op, attributes, castTo(t, d, x)), want); err != nil {
								t.Errorf("%s of %s %v, last %d, NaN %d: %v", op, d, s, last, nans, err)
							}
						}
					}
				}
			}
		}
	}
}

// argument is the place of the extreme of count elements.
func argument(x []float64, count, stride int, most, last bool) int {
	at := 0
	for k := range count {
		a, b := x[k*stride], x[at*stride]
		better := a < b || a != a && b == b
		if most {
			better = a > b || a != a && b == b
		}
		if better || last && (a == b || a != a && b != b) {
			at = k
		}
	}
	return at
}
