package move

import (
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/fence"
)

// BenchmarkVariants times layout changes of images and of attention.
func BenchmarkVariants(b *testing.B) {
	const side, channels = 56, 64
	img, n := NewImage(side, side, channels, 16, 1, 1, 1, 1)
	planes, pixels := fence.Slice[float32](b, channels*side*side), fence.Slice[float32](b, n)
	picture, size := NewImage(224, 224, 3, 16, 0, 0, 0, 0)
	rgb, padded := fence.Slice[float32](b, 3*224*224), fence.Slice[float32](b, size)
	short, shortTo := fence.Slice[uint16](b, 128*768), fence.Slice[uint16](b, 128*768)
	bytes, bytesTo := fence.Slice[uint8](b, side*channels), fence.Slice[uint8](b, side*channels)
	shape := []int{12, 128, 64}
	heads, rows := View{Stride: []int{64, 768, 1}}, View{Stride: []int{128 * 64, 64, 1}}
	for _, f := range runnable() {
		for name, loop := range map[string]func(){
			"FromNCHW":       func() { FromNCHW(f, pixels, img, planes) },
			"ToNCHW":         func() { ToNCHW(f, planes, pixels, img) },
			"FromNCHW3":      func() { FromNCHW(f, padded, picture, rgb) },
			"Transpose16bit": func() { Transpose(f, shortTo, short, 128, 768, 128, 768) },
			"Transpose8bit":  func() { Transpose(f, bytesTo, bytes, channels, side, channels, side) },
			"Heads":          func() { Copy(f, planes, rows, pixels, heads, shape) },
		} {
			b.Run(name+"/"+f.Variant, func(b *testing.B) {
				for range b.N {
					loop()
				}
			})
		}
	}
}
