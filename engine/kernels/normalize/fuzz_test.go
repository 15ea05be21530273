package normalize

import (
	"math"
	"testing"
)

// FuzzSoftmax holds every variant's softmax to its definition, in float64.
func FuzzSoftmax(f *testing.F) {
	f.Add(uint64(1), uint16(17), 5.0)
	f.Add(uint64(2), uint16(768), 100.0)
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, spread float64) {
		if n == 0 || n > 4096 || !(math.Abs(spread) < 1e30) {
			t.Skip("outside what is promised")
		}
		x := row(t, int(n), seed, 0, spread)
		want, _ := softmaxOf(x, nil, 1)
		for _, v := range runnable() {
			dst := make([]float32, n)
			v.Softmax(dst, x, nil, 1)
			near(t, "Softmax", dst, want, softmaxBound(want))
		}
	})
}
