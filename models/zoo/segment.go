package zoo

import "github.com/eiplan/eiplan/models/tensor"

// surfaces are what Cityscapes tells apart.
const surfaces = 19

// fcn is Long et al., "Fully Convolutional Networks" (2014), on a dilated ResNet, as torchvision has it.
func (b *builder) fcn(r request, depth int) {
	n := resnetOf("")
	n.layers = depths[depth]
	x := b.resnetStages(b.image(r), n, true)[3]
	b.mark(r, b.conv(b.conv(x, x.channels/4, 3, with{act: relu}), surfaces, 1, with{bias: true}))
}

// deeplab is Chen et al., "Rethinking Atrous Convolution" (2017), on a dilated ResNet, as torchvision has it.
func (b *builder) deeplab(r request, depth int) {
	n := resnetOf("")
	n.layers = depths[depth]
	x := b.resnetStages(b.image(r), n, true)[3]
	views := []feature{b.conv(x, 256, 1, with{act: relu})}
	for _, rate := range []int{12, 24, 36} {
		views = append(views, b.conv(x, 256, 3, with{dilation: rate, act: relu}))
	}
	whole := b.resize(b.conv(b.globalPool(x), 256, 1, with{act: relu}), x.height, x.width, "linear")
	y := b.conv(b.concat(append(views, whole)...), 256, 1, with{act: relu})
	b.mark(r, b.conv(b.conv(y, 256, 3, with{act: relu}), surfaces, 1, with{bias: true}))
}

// mark declares scores for each pixel of the image as the output.
func (b *builder) mark(r request, x feature) {
	x = b.resize(x, r.height, r.width, "linear")
	b.output("output", x.name, x.channels, x.height, x.width)
}

// unet is Ronneberger et al., "U-Net" (2015), figure 1: with valid convolutions, as there, each shrinks the image by its border.
func (b *builder) unet(r request, channels, kinds int, valid bool) {
	layer := with{valid: valid, bias: true, act: relu}
	twice := func(x feature, channels int) feature {
		return b.conv(b.conv(x, channels, 3, layer), channels, 3, layer)
	}
	x := twice(feature{b.input("input", tensor.Float32, channels, r.height, r.width), channels, r.height, r.width}, 64)
	var skipped []feature
	for range 4 {
		skipped = append(skipped, x)
		x = twice(b.maxPool(x, window{kernel: 2, stride: 2}), 2*x.channels)
	}
	for i := 3; i >= 0; i-- {
		x = b.upConv(x, x.channels/2, 2)
		x = twice(b.concat(b.crop(skipped[i], x.height, x.width), x), x.channels)
	}
	x = b.conv(x, kinds, 1, with{bias: true})
	b.output("output", x.name, x.channels, x.height, x.width)
}

// crop takes the middle of an image.
func (b *builder) crop(x feature, height, width int) feature {
	if x.height == height && x.width == width {
		return x
	}
	top, left := (x.height-height)/2, (x.width-width)/2
	return feature{b.cut(b.cut(x.name, 2, top, top+height), 3, left, left+width), x.channels, height, width}
}
