package ops

import (
	"math"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestDirectCastsConvert casts between every two types in one step and by way of what holds them exactly; the bytes are the same.
func TestDirectCastsConvert(t *testing.T) {
	v := vector.For(cpu.Detect())
	direct := 0
	for from := tensor.Float32; from.Known(); from++ {
		if !(numbers | bools).has(from) {
			continue
		}
		x := trying(t, from)
		for to := tensor.Float32; to.Known(); to++ {
			bind := directCast(from, to, v)
			if from == to || bind == nil {
				continue
			}
			direct++
			got, want := &Slot{Tensor: tensor.New(to, x.Shape)}, tensor.New(to, x.Shape)
			if err := (conversion{saturate: true}).convert(&want, &x); err != nil {
				t.Fatal(err)
			}
			if err := bind(&Call{In: []*Slot{{Tensor: x}}, Out: []*Slot{got}})(); err != nil {
				t.Fatal(err)
			}
			for i := range x.Len() {
				size := to.Bits() / 8
				g, w := got.Bytes[i*size:(i+1)*size], want.Bytes[i*size:(i+1)*size]
				if !slices.Equal(g, w) && !(isNaNAt(&got.Tensor, i) && isNaNAt(&want, i)) {
					t.Errorf("%s %v to %s: got %v, want %v", from, realAt(&x, i), to, realAt(&got.Tensor, i), realAt(&want, i))
				}
			}
		}
	}
	if direct < 100 {
		t.Errorf("only %d pairs of types are cast in one step", direct)
	}
}

func isNaNAt(t *tensor.Tensor, i int) bool { return t.DType.Float() && math.IsNaN(realAt(t, i)) }

// trying is what conversions may stumble on, as far as a type holds it.
func trying(t *testing.T, d tensor.DType) tensor.Tensor {
	t.Helper()
	var list []float64
	for _, x := range []float64{
		0, 0.25, 0.5, 1, 1.5, 2.5, 127, 128, 200.75, 255, 256, 32767, 32768, 65504, 65535, 65536, 1 << 24, 1<<24 + 1, 1<<31 - 1, 1 << 31, 1 << 32, 1<<53 + 2,
		1<<62 + 1<<38, 1 << 63, 1 << 64, 3e38, 1e300, 1e-40, 5e-324, math.Inf(1), math.NaN(), math.Pi,
	} {
		list = append(list, x, -x)
	}
	source, x := tensor.From(tensor.Float64, tensor.Shape{len(list)}, list), tensor.New(d, tensor.Shape{len(list)})
	if err := (conversion{saturate: true}).convert(&x, &source); err != nil {
		t.Fatal(err)
	}
	if d == tensor.Int64 || d == tensor.Uint64 { // what float64 does not hold
		copy(tensor.Data[int64](x), []int64{1<<53 + 1, -1<<53 - 1, math.MaxInt64, math.MinInt64, 1<<25 + 1, -1})
	}
	return x
}
