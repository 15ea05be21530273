package zoo

// residual are the networks of He et al., "Deep Residual Learning for Image Recognition" (2015), and what others made of their blocks. The stride is in
// the 3×3 convolution, as torchvision, timm and PaddleClas have it. A suffix tells how the network begins and how its shortcuts shrink, after He et al., "Bag of
// Tricks" (2018): c has three 3×3 convolutions for the stem, d means before a shortcut's convolution too.
var residual = []member{
	{"resnet", "arXiv 1512.03385, 1812.01187, 1709.01507", "{,se_|se}resnet{18,34,50,101,152,200}{,_vb,_vc,_vd|d}", "224", func(b *builder, r request) {
		n := resnetOf(r.atoms[2])
		n.excite = r.atoms[0] != ""
		if depth := r.int(1); depth < 50 {
			n.block = basic
		}
		n.layers = depths[r.int(1)]
		b.resnet(r, n)
	}},
	{"", "", "{,se_|se}resnext{50,101,152}{,_vc,_vd}_{32,64}x{group=4}d", "224", func(b *builder, r request) {
		n := resnetOf(r.atoms[2])
		n.excite = r.atoms[0] != ""
		n.layers, n.groups, n.width = depths[r.int(1)], r.int(3), r.int(4)
		b.resnet(r, n)
	}},
	{"", "", "wide_resnet{50,101}_{2,4}", "224", func(b *builder, r request) {
		n := resnetOf("")
		n.layers, n.width = depths[r.int(0)], 64*r.int(1)
		b.resnet(r, n)
	}},
	{"res2net", "arXiv 1904.01169", "res2net{50,101,200}{,_vd}_{14,26,48}w_{2,4,6,8}s", "224", func(b *builder, r request) {
		n := resnetOf(r.atoms[1])
		n.layers, n.width, n.scales = depths[r.int(0)], r.int(2), r.int(3)
		n.block = scaled
		b.resnet(r, n)
	}},
	{"senet", "arXiv 1709.01507, after Caffe's model", "senet154{,_vd}", "224", func(b *builder, r request) { b.senet154(r) }},
	{"resnest", "arXiv 2004.08955", "resnest{14,26,50,101,200,269}", "224", func(b *builder, r request) {
		n := resnetOf("_vd")
		n.layers, n.block = depths[r.int(0)], splitAttention
		if r.int(0) > 50 {
			n.stem = 64
		}
		b.resnet(r, n)
	}},
	{"regnet", "arXiv 2003.13678", "regnet{x,y}_{002,004,006,008,016,032,040,064,080,120,160,320}", "224", func(b *builder, r request) {
		b.regnet(r, regnets[r.atoms[0]][r.atoms[1]], r.atoms[0] == "y")
	}},
	{"dla", "arXiv 1707.06484", "dla{34,46_c,46x_c,60,60x,60x_c,102,102x,102x2,169}", "224", func(b *builder, r request) { b.dla(r, dlas[r.atoms[0]]) }},
}

// depths are the blocks of the four stages.
var depths = map[int][4]int{
	14: {1, 1, 1, 1}, 18: {2, 2, 2, 2}, 26: {2, 2, 2, 2}, 34: {3, 4, 6, 3}, 50: {3, 4, 6, 3}, 101: {3, 4, 23, 3}, 152: {3, 8, 36, 3}, 200: {3, 12, 48, 3}, 269: {3, 30, 48, 8},
}

// resnet is what tells the members apart.
type resnet struct {
	layers   [4]int
	block    block
	groups   int  // of the 3×3 convolution
	width    int  // channels of a group where the first stage has 64
	scales   int  // of Res2Net
	dilation int  // of the 3×3 convolution of a bottleneck; 0 is 1
	stem     int  // channels that a deep stem begins with; 0 is one 7×7 convolution
	means    bool // shortcuts shrink by a mean
	excite   bool // squeeze-and-excitation
}

// resnetOf is the network of a suffix, with bottlenecks of ordinary width.
func resnetOf(suffix string) resnet {
	n := resnet{block: bottleneck, groups: 1, width: 64}
	switch suffix {
	case "_vd":
		n.stem, n.means = 32, true
	case "_vc":
		n.stem = 32
	}
	return n
}

// block is a residual branch: it returns its end, before the sum. Its channels inside follow from mid, its end has expansion × mid.
type block struct {
	expansion int
	branch    func(b *builder, n resnet, x feature, mid, stride int, shrinks bool) feature
}

var (
	basic = block{1, func(b *builder, n resnet, x feature, mid, stride int, _ bool) feature {
		return b.conv(b.conv(x, mid, 3, with{stride: stride, act: relu}), mid, 3, with{})
	}}
	bottleneck = block{4, func(b *builder, n resnet, x feature, mid, stride int, _ bool) feature {
		inner := mid * n.width / 64 * n.groups
		y := b.conv(b.conv(x, inner, 1, with{act: relu}), inner, 3, with{stride: stride, groups: n.groups, dilation: n.dilation, act: relu})
		return b.conv(y, 4*mid, 1, with{})
	}}
	// scaled is Res2Net's: parts of the channels, each added to what the part before became.
	scaled = block{4, func(b *builder, n resnet, x feature, mid, stride int, first bool) feature {
		inner := mid * n.width / 64
		sizes := make([]int, n.scales)
		for i := range sizes {
			sizes[i] = inner
		}
		parts := b.divide(b.conv(x, inner*n.scales, 1, with{act: relu}), sizes...)
		last := len(parts) - 1
		for i := range last {
			if i > 0 && !first {
				parts[i] = b.add(parts[i-1], parts[i], linear)
			}
			parts[i] = b.conv(parts[i], inner, 3, with{stride: stride, act: relu})
		}
		if first {
			parts[last] = b.averagePool(parts[last], window{kernel: 3, stride: stride, pad: 1})
		}
		return b.conv(b.concat(parts...), 4*mid, 1, with{})
	}}
	// splitAttention is ResNeSt's with two splits: each channel chooses between two convolutions.
	splitAttention = block{4, func(b *builder, n resnet, x feature, mid, stride int, _ bool) feature {
		y := b.conv(b.conv(x, mid, 1, with{act: relu}), 2*mid, 3, with{groups: 2, act: relu})
		both := b.reshape(y.name, 0, 2, mid, y.height, y.width)
		sum := feature{b.node("ReduceSum", attributes{"keepdims": 0}, both, b.ints(1)), mid, y.height, y.width}
		gate := b.normalize(b.conv(b.globalPool(sum), max(32, multiple(float64(mid)/2, 8)), 1, with{bias: true}), relu)
		gate = b.conv(gate, 2*mid, 1, with{bias: true})
		chosen := b.node("Softmax", attributes{"axis": 1}, b.reshape(gate.name, 0, 2, mid, 1, 1))
		y = feature{b.node("ReduceSum", attributes{"keepdims": 0}, b.node("Mul", nil, both, chosen), b.ints(1)), mid, y.height, y.width}
		if stride > 1 {
			y = b.averagePool(y, window{kernel: 3, stride: stride, pad: 1})
		}
		return b.conv(y, 4*mid, 1, with{})
	}}
)

func (b *builder) resnet(r request, n resnet) { b.classify(b.resnetStages(b.image(r), n, false)[3]) }

// resnetStages is the network without its classifier: the ends of its four stages. Dilated, the last two keep the size of the second and spread their
// convolutions instead.
func (b *builder) resnetStages(x feature, n resnet, dilated bool) [4]feature {
	if n.stem > 0 {
		x = b.conv(b.conv(x, n.stem, 3, with{stride: 2, act: relu}), n.stem, 3, with{act: relu})
		x = b.conv(x, 2*n.stem, 3, with{act: relu})
	} else {
		x = b.conv(x, 64, 7, with{stride: 2, act: relu})
	}
	x = b.maxPool(x, window{kernel: 3, stride: 2, pad: 1})
	var ends [4]feature
	n.dilation = 1
	for stage, blocks := range n.layers {
		stride := min(stage+1, 2)
		spread := n.dilation
		if dilated && stage > 1 {
			stride, spread = 1, 2*n.dilation
		}
		for i := range blocks {
			x = b.residual(n, x, 64<<stage, stride, i == 0)
			stride, n.dilation = 1, spread
		}
		ends[stage] = x
	}
	return ends
}

func (b *builder) residual(n resnet, x feature, mid, stride int, first bool) feature {
	y := n.block.branch(b, n, x, mid, stride, first)
	if n.excite {
		y = b.squeezeExcite(y, multiple(float64(y.channels)/16, 8), relu, sigmoid)
	}
	if stride != 1 || x.channels != y.channels {
		if n.means && stride > 1 {
			x, stride = b.averagePool(x, window{kernel: stride, stride: stride, ceil: true}), 1
		}
		x = b.conv(x, y.channels, 1, with{stride: stride})
	}
	return b.add(y, x, relu)
}

// senet154 has a 3×3 convolution where others shrink shortcuts by a 1×1, and 64 groups.
func (b *builder) senet154(r request) {
	x := b.conv(b.conv(b.image(r), 64, 3, with{stride: 2, act: relu}), 64, 3, with{act: relu})
	x = b.maxPool(b.conv(x, 128, 3, with{act: relu}), window{kernel: 3, stride: 2, ceil: true})
	for stage, blocks := range depths[152] {
		mid := 64 << stage
		for i := range blocks {
			stride := 1
			if i == 0 && stage > 0 {
				stride = 2
			}
			y := b.conv(b.conv(x, 2*mid, 1, with{act: relu}), 4*mid, 3, with{stride: stride, groups: 64, act: relu})
			y = b.conv(y, 4*mid, 1, with{})
			y = b.squeezeExcite(y, y.channels/16, relu, sigmoid)
			if i == 0 && stage == 0 {
				x = b.conv(x, y.channels, 1, with{})
			} else if i == 0 {
				x = b.conv(x, y.channels, 3, with{stride: stride})
			}
			x = b.add(y, x, relu)
		}
	}
	b.classify(x)
}
