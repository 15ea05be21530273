package pool

import (
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/fence"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// BenchmarkVariants times poolings of ResNet-50 and YOLO.
func BenchmarkVariants(b *testing.B) {
	for _, c := range []struct {
		name     string
		channels int
		axis     Axis
	}{
		{"3x3s2of56x56x64", 64, square(56, 28, 3, 2, 1, 1)},
		{"5x5s1of20x20x128", 128, square(20, 20, 5, 1, 1, 2)},
		{"global7x7x2048", 2048, square(7, 1, 7, 1, 1, 0)},
	} {
		src, from := dense(b, c.axis.In, c.channels)
		dst, to := dense(b, c.axis.Out, c.channels)
		windows := Windows(nil, c.axis)
		list := []*Funcs{Reference()}
		for _, v := range vector.Variants() {
			if f := assembled(v.Name); f != nil && cpu.Detect().Has(v.Needs) {
				list = append(list, f)
			}
		}
		for _, f := range list {
			b.Run("max"+c.name+"/"+f.Variant, func(b *testing.B) {
				for range b.N {
					f.Max(dst, to, src, from, c.channels, windows, windows)
				}
			})
			b.Run("average"+c.name+"/"+f.Variant, func(b *testing.B) {
				for range b.N {
					f.Average(dst, to, src, from, c.channels, windows, windows)
				}
			})
		}
	}
}

// dense returns a square image without gaps.
func dense(b *testing.B, side, channels int) ([]float32, Image) {
	x := fence.Slice[float32](b, side*side*channels)
	value := values(0)
	for i := range x {
		x[i] = value()
	}
	return x, Image{PixelPitch: channels, RowPitch: side * channels}
}
