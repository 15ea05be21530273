package zoo

import "math"

// mobile are networks for telephones: separable convolutions at any width.
var mobile = []member{
	{"mobilenet", "arXiv 1704.04861, 1801.04381, 1905.02244", "mobilenet_v1_x{width=1.0}", "224", func(b *builder, r request) { b.mobilenet1(r, r.float(0)) }},
	{"", "", "mobilenet_v2_x{width=1.0}", "224", func(b *builder, r request) { b.mobilenet2(r, r.float(0)) }},
	{"", "", "mobilenet_v3_{large,small}_x{width=1.0}", "224", func(b *builder, r request) { b.mobilenet3(r, r.atoms[0], r.float(1)) }},
	{"mnasnet", "arXiv 1807.11626", "mnasnet_x{width=1.0}", "224", func(b *builder, r request) { b.mnasnet(r, r.float(0)) }},
	{"pplcnet", "arXiv 2109.15099", "pplcnet_x{width=1.0}", "224", func(b *builder, r request) { b.pplcnet(r, r.float(0)) }},
	{"shufflenet", "arXiv 1807.11164", "shufflenet_v2_x{0.25|0_25,0.33|0_33,0.5|0_5|05,1.0|1_0|10,1.5|1_5|15,2.0|2_0|20}", "224", func(b *builder, r request) { b.shufflenet(r, shuffles[r.atoms[0]]) }},
	{"ghostnet", "arXiv 1911.11907", "ghostnet_{050|x0_5|x0.5,100|x1_0|x1.0,130|x1_3|x1.3}", "224", func(b *builder, r request) { b.ghostnet(r, r.float(0)/100) }},
	{"mixnet", "arXiv 1907.09595", "mixnet_{s,m,l,xl}", "224", func(b *builder, r request) { b.mixnet(r, mixnets[r.atoms[0]]) }},
	{"rexnet", "arXiv 2007.00992", "rexnet_{100|1_0|1.0x,130|1_3|1.3x,150|1_5|1.5x,200|2_0|2.0x,300|3_0|3.0x}", "224", func(b *builder, r request) { b.rexnet(r, r.float(0)/100) }},
}

// inverted is a block that widens, convolves each channel and narrows again, with a residual where its ends are alike.
type inverted struct {
	kernel, stride, inner, out int
	squeeze                    int // channels inside of squeeze-and-excitation; 0 is none
	act, squeezeAct, gate      activation
	fused                      bool // one full convolution widens, in place of two
}

func (b *builder) inverted(x feature, v inverted) feature {
	y := x
	switch {
	case v.fused:
		y = b.conv(y, v.inner, v.kernel, with{stride: v.stride, act: v.act})
	default:
		if v.inner != x.channels {
			y = b.conv(y, v.inner, 1, with{act: v.act})
		}
		y = b.depthwise(y, v.kernel, with{stride: v.stride, act: v.act})
	}
	if v.squeeze > 0 {
		y = b.squeezeExcite(y, v.squeeze, v.squeezeAct, v.gate)
	}
	y = b.conv(y, v.out, 1, with{})
	if v.stride == 1 && x.channels == v.out {
		y = b.add(y, x, linear)
	}
	return y
}

// mobilenet1 is Howard et al., "MobileNets" (2017), table 1.
func (b *builder) mobilenet1(r request, width float64) {
	scaled := func(channels int) int { return max(8, int(float64(channels)*width)) }
	x := b.conv(b.image(r), scaled(32), 3, with{stride: 2, act: relu})
	for _, s := range []struct{ channels, repeat, stride int }{{64, 1, 1}, {128, 1, 2}, {128, 1, 1}, {256, 1, 2}, {256, 1, 1}, {512, 1, 2}, {512, 5, 1}, {1024, 1, 2}, {1024, 1, 1}} {
		for range s.repeat {
			x = b.conv(b.depthwise(x, 3, with{stride: s.stride, act: relu}), scaled(s.channels), 1, with{act: relu})
		}
	}
	b.classify(x)
}

// mobilenet2 is Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2.
func (b *builder) mobilenet2(r request, width float64) {
	x := b.conv(b.image(r), multiple(32*width, 8), 3, with{stride: 2, act: relu6})
	for _, s := range []struct{ expand, channels, repeat, stride int }{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
		for i := range s.repeat {
			stride := 1
			if i == 0 {
				stride = s.stride
			}
			x = b.inverted(x, inverted{kernel: 3, stride: stride, inner: x.channels * s.expand, out: multiple(float64(s.channels)*width, 8), act: relu6})
		}
	}
	b.classify(b.conv(x, multiple(1280*max(1, width), 8), 1, with{act: relu6}))
}

// mobilenet3Row is a line of Howard et al., "Searching for MobileNetV3" (2019), tables 1 and 2.
type mobilenet3Row struct {
	kernel, inner, out int
	squeeze            bool
	act                activation
	stride             int
}

var mobilenets3 = map[string]struct {
	rows []mobilenet3Row
	last int
}{
	"large": {[]mobilenet3Row{
		{3, 16, 16, false, relu, 1}, {3, 64, 24, false, relu, 2}, {3, 72, 24, false, relu, 1}, {5, 72, 40, true, relu, 2}, {5, 120, 40, true, relu, 1}, {5, 120, 40, true, relu, 1},
		{3, 240, 80, false, hardSwish, 2}, {3, 200, 80, false, hardSwish, 1}, {3, 184, 80, false, hardSwish, 1}, {3, 184, 80, false, hardSwish, 1},
		{3, 480, 112, true, hardSwish, 1}, {3, 672, 112, true, hardSwish, 1}, {5, 672, 160, true, hardSwish, 2}, {5, 960, 160, true, hardSwish, 1}, {5, 960, 160, true, hardSwish, 1},
	}, 1280},
	"small": {[]mobilenet3Row{
		{3, 16, 16, true, relu, 2}, {3, 72, 24, false, relu, 2}, {3, 88, 24, false, relu, 1}, {5, 96, 40, true, hardSwish, 2}, {5, 240, 40, true, hardSwish, 1}, {5, 240, 40, true, hardSwish, 1},
		{5, 120, 48, true, hardSwish, 1}, {5, 144, 48, true, hardSwish, 1}, {5, 288, 96, true, hardSwish, 2}, {5, 576, 96, true, hardSwish, 1}, {5, 576, 96, true, hardSwish, 1},
	}, 1024},
}

func (b *builder) mobilenet3(r request, kind string, width float64) {
	scaled := func(channels int) int { return multiple(float64(channels)*width, 8) }
	x := b.conv(b.image(r), scaled(16), 3, with{stride: 2, act: hardSwish})
	for _, s := range mobilenets3[kind].rows {
		v := inverted{kernel: s.kernel, stride: s.stride, inner: scaled(s.inner), out: scaled(s.out), act: s.act, squeezeAct: relu, gate: hardSigmoid}
		if s.squeeze {
			v.squeeze = multiple(float64(v.inner)/4, 8)
		}
		x = b.inverted(x, v)
	}
	x = b.conv(x, 6*x.channels, 1, with{act: hardSwish})
	b.result(b.fully(b.fully(b.flatten(b.globalPool(x)), scaled(mobilenets3[kind].last), hardSwish), classes, linear))
}

// mnasnet is MnasNet-B1: Tan et al. (2018), figure 7, as torchvision has it.
func (b *builder) mnasnet(r request, width float64) {
	scaled := func(channels int) int { return multiple(float64(channels)*width, 8) }
	x := b.conv(b.image(r), scaled(32), 3, with{stride: 2, act: relu})
	x = b.conv(b.depthwise(x, 3, with{act: relu}), scaled(16), 1, with{})
	for _, s := range []struct{ kernel, stride, expand, channels, repeat int }{{3, 2, 3, 24, 3}, {5, 2, 3, 40, 3}, {5, 2, 6, 80, 3}, {3, 1, 6, 96, 2}, {5, 2, 6, 192, 4}, {3, 1, 6, 320, 1}} {
		for i := range s.repeat {
			stride := 1
			if i == 0 {
				stride = s.stride
			}
			x = b.inverted(x, inverted{kernel: s.kernel, stride: stride, inner: x.channels * s.expand, out: scaled(s.channels), act: relu})
		}
	}
	b.classify(b.conv(x, 1280, 1, with{act: relu}))
}

// pplcnet is Cui et al., "PP-LCNet" (2021), table 2.
func (b *builder) pplcnet(r request, width float64) {
	scaled := func(channels int) int { return multiple(float64(channels)*width, 8) }
	x := b.conv(b.image(r), scaled(16), 3, with{stride: 2, act: hardSwish})
	for _, s := range []struct {
		kernel, channels, stride, repeat int
		squeeze                          bool
	}{{3, 32, 1, 1, false}, {3, 64, 2, 1, false}, {3, 64, 1, 1, false}, {3, 128, 2, 1, false}, {3, 128, 1, 1, false}, {3, 256, 2, 1, false}, {5, 256, 1, 5, false}, {5, 512, 2, 1, true}, {5, 512, 1, 1, true}} {
		for range s.repeat {
			x = b.depthwise(x, s.kernel, with{stride: s.stride, act: hardSwish})
			if s.squeeze {
				x = b.squeezeExcite(x, x.channels/4, relu, hardSigmoid)
			}
			x = b.conv(x, scaled(s.channels), 1, with{act: hardSwish})
		}
	}
	x = b.conv(b.globalPool(x), 1280, 1, with{bare: true, act: hardSwish})
	b.result(b.fully(b.flatten(x), classes, linear))
}

// shuffles are the channels of Ma et al., "ShuffleNet V2" (2018), table 5; the two smallest are PaddleClas'.
var shuffles = map[string][5]int{
	"0.25": {24, 24, 48, 96, 512}, "0.33": {24, 32, 64, 128, 512}, "0.5": {24, 48, 96, 192, 1024}, "1.0": {24, 116, 232, 464, 1024}, "1.5": {24, 176, 352, 704, 1024}, "2.0": {24, 224, 488, 976, 2048},
}

func (b *builder) shufflenet(r request, channels [5]int) {
	x := b.maxPool(b.conv(b.image(r), channels[0], 3, with{stride: 2, act: relu}), window{kernel: 3, stride: 2, pad: 1})
	for stage, repeat := range []int{4, 8, 4} {
		half := channels[stage+1] / 2
		for i := range repeat {
			left, right, stride := x, x, 1
			if i == 0 {
				stride = 2
				left = b.conv(b.depthwise(x, 3, with{stride: 2}), half, 1, with{act: relu})
			} else {
				parts := b.divide(x, half, half)
				left, right = parts[0], parts[1]
			}
			right = b.depthwise(b.conv(right, half, 1, with{act: relu}), 3, with{stride: stride})
			x = b.shuffle(b.concat(left, b.conv(right, half, 1, with{act: relu})), 2)
		}
	}
	b.classify(b.conv(x, channels[4], 1, with{act: relu}))
}

// shuffle deals channels out from groups in turn.
func (b *builder) shuffle(x feature, groups int) feature {
	y := b.transpose(b.reshape(x.name, 0, groups, x.channels/groups, x.height, x.width), 0, 2, 1, 3, 4)
	x.name = b.reshape(y, 0, x.channels, x.height, x.width)
	return x
}

// ghostnet is Han et al., "GhostNet" (2019), table 7.
func (b *builder) ghostnet(r request, width float64) {
	scaled := func(channels int) int { return multiple(float64(channels)*width, 4) }
	x := b.conv(b.image(r), scaled(16), 3, with{stride: 2, act: relu})
	for _, s := range []struct {
		kernel, inner, out int
		squeeze            bool
		stride             int
	}{
		{3, 16, 16, false, 1}, {3, 48, 24, false, 2}, {3, 72, 24, false, 1}, {5, 72, 40, true, 2}, {5, 120, 40, true, 1}, {3, 240, 80, false, 2}, {3, 200, 80, false, 1}, {3, 184, 80, false, 1}, {3, 184, 80, false, 1},
		{3, 480, 112, true, 1}, {3, 672, 112, true, 1}, {5, 672, 160, true, 2}, {5, 960, 160, false, 1}, {5, 960, 160, true, 1}, {5, 960, 160, false, 1}, {5, 960, 160, true, 1},
	} {
		y := b.ghost(x, scaled(s.inner), relu)
		if s.stride > 1 {
			y = b.depthwise(y, s.kernel, with{stride: s.stride})
		}
		if s.squeeze {
			y = b.squeezeExcite(y, multiple(float64(y.channels)/4, 4), relu, hardSigmoid)
		}
		y = b.ghost(y, scaled(s.out), linear)
		if s.stride > 1 || x.channels != y.channels {
			x = b.conv(b.depthwise(x, s.kernel, with{stride: s.stride}), y.channels, 1, with{})
		}
		x = b.add(y, x, linear)
	}
	x = b.globalPool(b.conv(x, scaled(960), 1, with{act: relu}))
	b.result(b.fully(b.flatten(b.conv(x, 1280, 1, with{bias: true, act: relu})), classes, linear))
}

// ghost makes half of its channels from the other half by a cheap convolution.
func (b *builder) ghost(x feature, channels int, act activation) feature {
	y := b.conv(x, (channels+1)/2, 1, with{act: act})
	return b.first(b.concat(y, b.depthwise(y, 3, with{act: act})), channels)
}

// rexnet is Han et al., "Rethinking Channel Dimensions" (2020): channels grow by the same number with each block.
func (b *builder) rexnet(r request, width float64) {
	x := b.conv(b.image(r), int(math.RoundToEven(32*width)), 3, with{stride: 2, act: silu})
	block, layers := 0, []int{1, 2, 2, 3, 3, 5}
	for stage, repeat := range layers {
		for i := range repeat {
			stride := 1
			if i == 0 && stage != 0 && stage != 4 {
				stride = 2
			}
			out := int(math.RoundToEven((16 + 180./16*float64(block)) * width))
			x = b.rexBlock(x, out, stride, stage)
			block++
		}
	}
	b.classify(b.conv(x, int(1280*width), 1, with{act: silu}))
}

func (b *builder) rexBlock(x feature, out, stride, stage int) feature {
	y := x
	if stage > 0 {
		y = b.conv(x, 6*x.channels, 1, with{act: silu})
	}
	y = b.depthwise(y, 3, with{stride: stride})
	if stage > 1 {
		s := b.normalize(b.conv(b.globalPool(y), y.channels/12, 1, with{bias: true}), relu)
		y = b.scale(y, b.conv(s, y.channels, 1, with{bias: true, act: sigmoid}))
	}
	y = b.conv(b.act(y, relu6), out, 1, with{})
	if stride > 1 || x.channels > out {
		return y
	}
	if x.channels == out {
		return b.add(y, x, linear)
	}
	parts := b.divide(y, x.channels, out-x.channels)
	return b.concat(b.add(parts[0], x, linear), parts[1])
}
