package zoo

import (
	"fmt"

	"github.com/eiplan/eiplan/models/tensor"
)

// feature is an activation of an image network: a value of batch × channels × height × width.
type feature struct {
	name                    string
	channels, height, width int
}

func (b *builder) image(r request) feature {
	return feature{b.input("input", tensor.Float32, 3, r.height, r.width), 3, r.height, r.width}
}

// activation is a function of single numbers.
type activation int

const (
	linear activation = iota
	relu
	relu6
	leaky // a tenth of what is negative
	hardSwish
	hardSigmoid
	silu
	sigmoid
	gelu
)

func (b *builder) activate(x string, a activation) string {
	switch a {
	case linear:
		return x
	case relu:
		return b.node("Relu", nil, x)
	case relu6:
		return b.node("Clip", nil, x, b.scalar("zero", 0), b.scalar("six", 6))
	case leaky:
		return b.node("LeakyRelu", attributes{"alpha": float32(0.1)}, x)
	case hardSwish:
		return b.node("HardSwish", nil, x)
	case hardSigmoid:
		return b.node("HardSigmoid", attributes{"alpha": float32(1. / 6)}, x)
	case silu:
		return b.node("Mul", nil, x, b.node("Sigmoid", nil, x))
	case sigmoid:
		return b.node("Sigmoid", nil, x)
	case gelu:
		return b.gelu(x)
	}
	panic(fmt.Sprintf("zoo: activation %d", a))
}

func (b *builder) act(x feature, a activation) feature {
	x.name = b.activate(x.name, a)
	return x
}

// with is what a convolution has beside its channels and kernel. Its zero value is stride 1, padding that keeps the size, one group, and batch
// normalization without an activation behind it.
type with struct {
	stride, groups, dilation int
	act                      activation
	pad                      int  // in place of what keeps the size
	valid                    bool // no padding
	bias                     bool // a bias in place of batch normalization
	bare                     bool // neither
}

// conv adds a convolution with a square kernel.
func (b *builder) conv(x feature, channels, kernel int, w with) feature {
	return b.convolve(x, channels, kernel, kernel, w)
}

// depthwise adds a convolution of each channel by itself.
func (b *builder) depthwise(x feature, kernel int, w with) feature {
	w.groups = x.channels
	return b.conv(x, x.channels, kernel, w)
}

// convolve adds a convolution with a kernel of high × wide.
func (b *builder) convolve(x feature, channels, high, wide int, w with) feature {
	w.stride, w.groups, w.dilation = max(w.stride, 1), max(w.groups, 1), max(w.dilation, 1)
	top, left := w.dilation*(high-1)/2, w.dilation*(wide-1)/2
	if w.valid || w.pad > 0 {
		top, left = w.pad, w.pad
	}
	name := fmt.Sprintf("conv%d", b.count)
	inputs := []string{x.name, b.he(name+".weight", x.channels/w.groups*high*wide, channels, x.channels/w.groups, high, wide)}
	if w.bias {
		inputs = append(inputs, b.weights(name+".bias", 0, 0.05, channels))
	}
	y := feature{"", channels, b.shrink(x.height, high, w.stride, top, w.dilation), b.shrink(x.width, wide, w.stride, left, w.dilation)}
	y.name = b.node("Conv", attributes{"kernel_shape": []int{high, wide}, "strides": []int{w.stride, w.stride}, "pads": []int{top, left, top, left},
		"dilations": []int{w.dilation, w.dilation}, "group": w.groups}, inputs...)
	if !w.bias && !w.bare {
		return b.normalize(y, w.act)
	}
	return b.act(y, w.act)
}

// shrink is the size that a window leaves of one side.
func (b *builder) shrink(size, kernel, stride, pad, dilation int) int {
	n := (size+2*pad-dilation*(kernel-1)-1)/stride + 1
	if size+2*pad < dilation*(kernel-1)+1 {
		b.fail("the image is too small: a side of %d is left for a window of %d", size, kernel)
	}
	return n
}

// normalize adds batch normalization and an activation.
func (b *builder) normalize(x feature, a activation) feature {
	name := fmt.Sprintf("norm%d", b.count)
	x.name = b.node("BatchNormalization", attributes{"epsilon": float32(1e-5)}, x.name, b.weights(name+".scale", 0.8, 0.2, x.channels), b.weights(name+".shift", 0, 0.1, x.channels),
		b.weights(name+".mean", 0, 0.1, x.channels), b.weights(name+".variance", 1, 0.2, x.channels))
	return b.act(x, a)
}

// upConv adds a transposed convolution whose kernel is its stride, with a bias.
func (b *builder) upConv(x feature, channels, scale int) feature {
	name := fmt.Sprintf("conv%d", b.count)
	y := b.node("ConvTranspose", attributes{"kernel_shape": []int{scale, scale}, "strides": []int{scale, scale}}, x.name,
		b.he(name+".weight", x.channels, x.channels, channels, scale, scale), b.weights(name+".bias", 0, 0.05, channels))
	return feature{y, channels, x.height * scale, x.width * scale}
}

// window is a pool's.
type window struct {
	kernel, stride, pad int
	ceil                bool // a last window that overhangs counts too
}

func (b *builder) maxPool(x feature, w window) feature { return b.pool("MaxPool", x, w) }

// averagePool takes means over what lies inside of the image.
func (b *builder) averagePool(x feature, w window) feature { return b.pool("AveragePool", x, w) }

func (b *builder) pool(op string, x feature, w window) feature {
	attrs := attributes{"kernel_shape": []int{w.kernel, w.kernel}, "strides": []int{w.stride, w.stride}, "pads": []int{w.pad, w.pad, w.pad, w.pad}}
	side := func(n int) int {
		if !w.ceil {
			return b.shrink(n, w.kernel, w.stride, w.pad, 1)
		}
		out := b.shrink(n+w.stride-1, w.kernel, w.stride, w.pad, 1)
		if (out-1)*w.stride >= n+w.pad {
			out-- // a window must begin inside
		}
		return out
	}
	if w.ceil {
		attrs["ceil_mode"] = 1
	}
	return feature{b.node(op, attrs, x.name), x.channels, side(x.height), side(x.width)}
}

// globalPool is the mean of each channel.
func (b *builder) globalPool(x feature) feature {
	return feature{b.node("GlobalAveragePool", nil, x.name), x.channels, 1, 1}
}

// add sums features of one shape.
func (b *builder) add(x, y feature, a activation) feature {
	if x.channels != y.channels || x.height != y.height || x.width != y.width {
		b.fail("sides of %d×%d and %d×%d don't meet", x.height, x.width, y.height, y.width)
	}
	x.name = b.activate(b.node("Add", nil, x.name, y.name), a)
	return x
}

// scale multiplies a feature by a gate of as many channels.
func (b *builder) scale(x, gate feature) feature {
	x.name = b.node("Mul", nil, x.name, gate.name)
	return x
}

// concat joins channels.
func (b *builder) concat(xs ...feature) feature {
	y := feature{"", 0, xs[0].height, xs[0].width}
	names := make([]string, len(xs))
	for i, x := range xs {
		if x.height != y.height || x.width != y.width {
			b.fail("sides of %d×%d and %d×%d don't meet", x.height, x.width, y.height, y.width)
		}
		names[i] = x.name
		y.channels += x.channels
	}
	y.name = b.node("Concat", attributes{"axis": 1}, names...)
	return y
}

// divide splits channels into parts of the sizes.
func (b *builder) divide(x feature, sizes ...int) []feature {
	parts := make([]feature, len(sizes))
	for i, name := range b.split(x.name, 1, sizes...) {
		parts[i] = feature{name, sizes[i], x.height, x.width}
	}
	return parts
}

// first takes the first channels.
func (b *builder) first(x feature, channels int) feature {
	if channels == x.channels {
		return x
	}
	return feature{b.cut(x.name, 1, 0, channels), channels, x.height, x.width}
}

// resize scales a feature to a size, between pixels ("linear") or to the next ("nearest").
func (b *builder) resize(x feature, height, width int, mode string) feature {
	if x.height == height && x.width == width {
		return x
	}
	attrs := attributes{"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
	if mode == "linear" {
		attrs = attributes{"mode": mode, "coordinate_transformation_mode": "half_pixel"}
	}
	scales := []float32{1, 1, float32(height) / float32(x.height), float32(width) / float32(x.width)}
	x.name = b.node("Resize", attrs, x.name, "", b.constant(fmt.Sprintf("scales_%dx%d_%dx%d", x.height, x.width, height, width), scales, 4))
	x.height, x.width = height, width
	return x
}

// squeezeExcite gates channels by what a small network makes of their means: Hu et al., "Squeeze-and-Excitation Networks" (2017).
func (b *builder) squeezeExcite(x feature, mid int, inner, gate activation) feature {
	s := b.conv(b.globalPool(x), mid, 1, with{bias: true, act: inner})
	return b.scale(x, b.conv(s, x.channels, 1, with{bias: true, act: gate}))
}

// classes is how many things ImageNet's challenge tells apart.
const classes = 1000

// classify ends an image network with a mean over the image and a layer for each class.
func (b *builder) classify(x feature) { b.result(b.fully(b.flatten(b.globalPool(x)), classes, linear)) }

// result declares a vector as the output.
func (b *builder) result(x feature) { b.output("output", x.name, x.channels) }

// flatten makes a vector of a feature.
func (b *builder) flatten(x feature) feature {
	return feature{b.node("Flatten", attributes{"axis": 1}, x.name), x.channels * x.height * x.width, 1, 1}
}

// fully adds a fully connected layer to a vector.
func (b *builder) fully(x feature, channels int, a activation) feature {
	name := fmt.Sprintf("fc%d", b.count)
	x.name = b.activate(b.node("Gemm", attributes{"transB": 1}, x.name, b.he(name+".weight", x.channels, channels, x.channels), b.weights(name+".bias", 0, 0.01, channels)), a)
	x.channels = channels
	return x
}

// multiple rounds channels to a multiple of a number, but never to less than nine tenths: the rule of MobileNet's authors.
func multiple(channels float64, of int) int {
	n := max(of, int(channels+float64(of)/2)/of*of)
	if float64(n) < 0.9*channels {
		n += of
	}
	return n
}
