package zoo

import (
	"fmt"

	"github.com/eiplan/eiplan/models/tensor"
)

// feature is an activation of an image network: a value with its channels and its height and width, which are equal.
type feature struct {
	name     string
	channels int
	size     int
}

// activation follows a convolution.
type activation int

const (
	linear activation = iota
	relu
	relu6
)

func (b *builder) image(size int) feature {
	return feature{b.input("input", tensor.Float32, 3, size, size), 3, size}
}

// conv adds a convolution, square in kernel, stride and padding; with a bias, or else followed by batch normalization.
func (b *builder) conv(x feature, channels, kernel, stride, pad, groups int, bias bool, act activation) feature {
	name := fmt.Sprintf("conv%d", b.count)
	fan := x.channels / groups * kernel * kernel
	inputs := []string{x.name, b.he(name+".weight", fan, channels, x.channels/groups, kernel, kernel)}
	if bias {
		inputs = append(inputs, b.weights(name+".bias", 0, 0.05, channels))
	}
	y := b.node("Conv", attributes{"kernel_shape": []int{kernel, kernel}, "strides": []int{stride, stride}, "pads": []int{pad, pad, pad, pad}, "dilations": []int{1, 1}, "group": groups}, inputs...)
	if !bias {
		y = b.node("BatchNormalization", attributes{"epsilon": float32(1e-5)}, y, b.weights(name+".scale", 0.8, 0.2, channels), b.weights(name+".shift", 0, 0.1, channels),
			b.weights(name+".mean", 0, 0.1, channels), b.weights(name+".variance", 1, 0.2, channels))
	}
	switch act {
	case relu:
		y = b.node("Relu", nil, y)
	case relu6:
		y = b.node("Clip", nil, y, b.scalar("zero", 0), b.scalar("six", 6))
	}
	return feature{y, channels, (x.size+2*pad-kernel)/stride + 1}
}

func (b *builder) maxPool(x feature, kernel, stride, pad int, ceil bool) feature {
	attrs := attributes{"kernel_shape": []int{kernel, kernel}, "strides": []int{stride, stride}, "pads": []int{pad, pad, pad, pad}}
	span := x.size + 2*pad - kernel
	if ceil {
		attrs["ceil_mode"] = 1
		span += stride - 1
	}
	return feature{b.node("MaxPool", attrs, x.name), x.channels, span/stride + 1}
}

// classify ends an image network with a mean over the image and a layer for 1000 classes.
func (b *builder) classify(x feature) {
	y := b.node("Flatten", attributes{"axis": 1}, b.node("GlobalAveragePool", nil, x.name))
	y = b.node("Gemm", attributes{"transB": 1}, y, b.he("classifier.weight", x.channels, 1000, x.channels), b.weights("classifier.bias", 0, 0.01, 1000))
	b.output("output", y, 1000)
}

// block is a residual branch with channels mid inside: it returns its end, before the sum.
type block struct {
	expansion int
	branch    func(b *builder, x feature, mid, stride int) feature
}

var (
	basic = block{1, func(b *builder, x feature, mid, stride int) feature {
		return b.conv(b.conv(x, mid, 3, stride, 1, 1, false, relu), mid, 3, 1, 1, 1, false, linear)
	}}
	bottleneck = block{4, func(b *builder, x feature, mid, stride int) feature {
		y := b.conv(b.conv(x, mid, 1, 1, 0, 1, false, relu), mid, 3, stride, 1, 1, false, relu)
		return b.conv(y, 4*mid, 1, 1, 0, 1, false, linear)
	}}
)

// resnet is He et al., "Deep Residual Learning for Image Recognition" (2015), with the stride in the 3×3 convolution as torchvision has it.
func resnet(b *builder, size int, kind block, layers [4]int) {
	x := b.maxPool(b.conv(b.image(size), 64, 7, 2, 3, 1, false, relu), 3, 2, 1, false)
	for stage, n := range layers {
		mid := 64 << stage
		for i := range n {
			stride := 1
			if i == 0 && stage > 0 {
				stride = 2
			}
			shortcut := x
			if stride != 1 || x.channels != mid*kind.expansion {
				shortcut = b.conv(x, mid*kind.expansion, 1, stride, 0, 1, false, linear)
			}
			y := kind.branch(b, x, mid, stride)
			y.name = b.node("Relu", nil, b.node("Add", nil, y.name, shortcut.name))
			x = y
		}
	}
	b.classify(x)
}

// mobilenetV2 is Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2.
func mobilenetV2(b *builder, size int) {
	x := b.conv(b.image(size), 32, 3, 2, 1, 1, false, relu6)
	for _, s := range []struct{ expand, channels, repeat, stride int }{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
		for i := range s.repeat {
			stride := 1
			if i == 0 {
				stride = s.stride
			}
			y, inner := x, x.channels*s.expand
			if s.expand != 1 {
				y = b.conv(y, inner, 1, 1, 0, 1, false, relu6)
			}
			y = b.conv(y, inner, 3, stride, 1, inner, false, relu6)
			y = b.conv(y, s.channels, 1, 1, 0, 1, false, linear)
			if stride == 1 && x.channels == y.channels {
				y.name = b.node("Add", nil, x.name, y.name)
			}
			x = y
		}
	}
	b.classify(b.conv(x, 1280, 1, 1, 0, 1, false, relu6))
}

// squeezenet is SqueezeNet 1.1: Iandola et al., "SqueezeNet" (2016), with the pools moved forward as its authors later published.
func squeezenet(b *builder, size int) {
	x := b.maxPool(b.conv(b.image(size), 64, 3, 2, 0, 1, true, relu), 3, 2, 0, true)
	for i, squeeze := range []int{16, 16, 32, 32, 48, 48, 64, 64} {
		if i == 2 || i == 4 {
			x = b.maxPool(x, 3, 2, 0, true)
		}
		s := b.conv(x, squeeze, 1, 1, 0, 1, true, relu)
		one, three := b.conv(s, 4*squeeze, 1, 1, 0, 1, true, relu), b.conv(s, 4*squeeze, 3, 1, 1, 1, true, relu)
		x = feature{b.node("Concat", attributes{"axis": 1}, one.name, three.name), 8 * squeeze, s.size}
	}
	x = b.conv(x, 1000, 1, 1, 0, 1, true, relu)
	b.output("output", b.node("Flatten", attributes{"axis": 1}, b.node("GlobalAveragePool", nil, x.name)), 1000)
}
