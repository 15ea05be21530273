package pool

import (
	"math"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// FuzzMax pools along any axis and compares with the definition.
func FuzzMax(f *testing.F) {
	f.Add(uint8(13), uint8(3), uint8(2), uint8(1), uint8(1), uint8(17))
	f.Add(uint8(9), uint8(5), uint8(1), uint8(2), uint8(0), uint8(40))
	f.Fuzz(func(t *testing.T, in, kernel, stride, dilation, pad, channels uint8) {
		a := Axis{
			In: int(in%24) + 1, Kernel: int(kernel%7) + 1, Stride: int(stride%4) + 1,
			Dilation: int(dilation%3) + 1, PadBefore: int(pad % 5), PadAfter: int(pad / 5 % 5),
		}
		a.Out = (a.In+a.PadBefore+a.PadAfter-a.Dilation*(a.Kernel-1)-1)/a.Stride + 1
		if a.Out < 1 || channels == 0 {
			t.Skip("no output")
		}
		one := square(1, 1, 1, 1, 1, 0)
		src, from := image(t, 1, a.In, int(channels), values(30))
		for _, v := range vector.Variants() {
			funcs := assembled(v.Name)
			if funcs == nil || !cpu.Detect().Has(v.Needs) {
				continue
			}
			dst, to := image(t, 1, a.Out, int(channels), values(0))
			funcs.Max(dst, to, src, from, int(channels), Windows(nil, one), Windows(nil, a))
			eachOutput(one, a, int(channels), func(y, x, c int) {
				want, _, _, _, _ := direct(src, from, c, y, x, one, a)
				if got := float64(dst[to.at(y, x)+c]); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
					t.Fatalf("%s, %+v: at (%d, %d) got %g, want %g", v.Name, a, x, c, got, want)
				}
			})
		}
	})
}
