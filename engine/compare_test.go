package engine_test

import (
	"math"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models/tensor"
)

func TestCompare(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	of := func(v ...float32) tensor.Tensor { return floats(shape{len(v)}, v...) }
	codes := func(d tensor.DType, n int, b ...byte) tensor.Tensor {
		return tensor.Tensor{DType: d, Shape: shape{n}, Bytes: b}
	}
	elementwise, rms := engine.Tolerance{Rtol: 1e-3, Atol: 1e-5}, engine.Tolerance{RMS: 1e-2}
	for _, c := range []struct {
		reason    string
		got, want tensor.Tensor
		tol       engine.Tolerance
		within    bool
		worst     int
		overflows int
	}{
		{"equal", of(1, 2), of(1, 2), elementwise, true, 0, 0},
		{"within", of(1, 2.0019), of(1, 2), elementwise, true, 0, 0},
		{"one element outside", of(1, 2, 3.1), of(1, 2, 3), elementwise, false, 2, 0},
		{"the furthest outside, not the largest error", of(1000.9, 0.1), of(1000, 0), elementwise, false, 1, 0},
		{"NaN in both", of(nan, 1), of(nan, 1), elementwise, true, 0, 0},
		{"NaN in got", of(1, nan), of(1, 2), elementwise, false, 1, 1},
		{"NaN in want alone", of(1, 2), of(1, nan), elementwise, false, 1, 0},
		{"infinity in both", of(inf, 1), of(inf, 1), elementwise, true, 0, 0},
		{"infinity in got", of(inf, 1), of(1, 1), elementwise, false, 0, 1},
		{"infinity in want alone", of(3e38, 1), of(inf, 1), elementwise, false, 0, 0},
		{"infinities of two signs", of(-inf, 1), of(inf, 1), elementwise, false, 0, 0},
		{"a small error as a whole", of(100, 0.1), of(100, 0), rms, true, 1, 0},
		{"a large error as a whole", of(100, 5), of(100, 0), rms, false, 1, 0},
		{"infinity in both, as a whole", of(inf, 1), of(inf, 1.001), rms, true, 1, 0},
		{"infinity in want alone, as a whole", of(1, 1), of(inf, 1), rms, false, 0, 0},
		{"NaN in got, as a whole", of(1, nan), of(1, 2), rms, false, 1, 1},
		{"zeros wanted, as a whole", of(0, 1), of(0, 0), rms, false, 1, 0},
		{"integers leave no room", ints(shape{2}, 1000, 1001), ints(shape{2}, 1000, 1000), rms, false, 1, 0},
		{"integers that one float64 stands for", ints(shape{2}, 1, 1<<60+1), ints(shape{2}, 1, 1<<60), elementwise, false, 1, 0},
		{"strings", texts(shape{2}, "a", "b"), texts(shape{2}, "a", "c"), elementwise, false, 1, 0},
		{"packed elements, of which the last byte has one", codes(tensor.Int4, 3, 0x21, 0xf3), codes(tensor.Int4, 3, 0x21, 0x03), elementwise, true, 0, 0},
		{"a packed element", codes(tensor.Uint4, 3, 0x21, 0x03), codes(tensor.Uint4, 3, 0x31, 0x03), elementwise, false, 1, 0},
		{"two codes of NaN", codes(tensor.Float8E5M2, 2, 0x7e, 0x30), codes(tensor.Float8E5M2, 2, 0x7f, 0x30), elementwise, true, 0, 0},
		{"infinity is no NaN", codes(tensor.Float8E5M2, 1, 0x7c), codes(tensor.Float8E5M2, 1, 0x7d), elementwise, false, 0, 0},
	} {
		t.Run(c.reason, func(t *testing.T) {
			d, err := engine.Compare(c.got, c.want, c.tol)
			if err != nil {
				t.Fatal(err)
			}
			if d.Within != c.within || d.Worst != c.worst || d.Overflows != c.overflows || math.IsNaN(d.RelativeRMS) {
				t.Errorf("%+v", d)
			}
		})
	}
	if _, err := engine.Compare(of(1), of(1, 2), elementwise); err == nil {
		t.Error("other shapes are compared")
	}
}
