package zoo

// mixStage is a stage of Tan and Le, "MixConv" (2019), figure 7: blocks whose depthwise kernels are of several sizes, some channels each.
type mixStage struct {
	kernels         []int
	widen, narrow   int // groups of the 1×1 convolutions
	stride, expand  int
	channels        int
	squeeze         float64 // of the block's input
	repeat          int
	swish, separate bool
}

type mixnet struct {
	stem   int
	width  float64
	stages []mixStage
}

var mixnets = map[string]mixnet{
	"s": {16, 1, mixSmall}, "m": {24, 1, mixMedium}, "l": {24, 1.3, mixMedium}, "xl": {24, 1.6, mixMedium},
}

var (
	three, five, seven, nine, eleven = []int{3}, []int{3, 5}, []int{3, 5, 7}, []int{3, 5, 7, 9}, []int{3, 5, 7, 9, 11}

	mixSmall = []mixStage{
		{three, 1, 1, 1, 1, 16, 0, 1, false, true},
		{three, 2, 2, 2, 6, 24, 0, 1, false, false}, {three, 2, 2, 1, 3, 24, 0, 1, false, false},
		{seven, 1, 1, 2, 6, 40, 0.5, 1, true, false}, {five, 2, 2, 1, 6, 40, 0.5, 3, true, false},
		{seven, 1, 2, 2, 6, 80, 0.25, 1, true, false}, {five, 1, 2, 1, 6, 80, 0.25, 2, true, false},
		{seven, 2, 2, 1, 6, 120, 0.5, 1, true, false}, {nine, 2, 2, 1, 3, 120, 0.5, 2, true, false},
		{eleven, 1, 1, 2, 6, 200, 0.5, 1, true, false}, {nine, 1, 2, 1, 6, 200, 0.5, 2, true, false},
	}
	mixMedium = []mixStage{
		{three, 1, 1, 1, 1, 24, 0, 1, false, true},
		{seven, 2, 2, 2, 6, 32, 0, 1, false, false}, {three, 2, 2, 1, 3, 32, 0, 1, false, false},
		{nine, 1, 1, 2, 6, 40, 0.5, 1, true, false}, {five, 2, 2, 1, 6, 40, 0.5, 3, true, false},
		{seven, 1, 1, 2, 6, 80, 0.25, 1, true, false}, {nine, 2, 2, 1, 6, 80, 0.25, 3, true, false},
		{three, 1, 1, 1, 6, 120, 0.5, 1, true, false}, {nine, 2, 2, 1, 3, 120, 0.5, 3, true, false},
		{nine, 1, 1, 2, 6, 200, 0.5, 1, true, false}, {nine, 1, 2, 1, 6, 200, 0.5, 3, true, false},
	}
)

func (b *builder) mixnet(r request, n mixnet) {
	x := b.conv(b.image(r), multiple(float64(n.stem)*n.width, 8), 3, with{stride: 2, act: relu})
	for _, s := range n.stages {
		for i := range s.repeat {
			stride := 1
			if i == 0 {
				stride = s.stride
			}
			x = b.mixBlock(x, s, multiple(float64(s.channels)*n.width, 8), stride)
		}
	}
	b.classify(b.conv(x, 1536, 1, with{act: relu}))
}

func (b *builder) mixBlock(x feature, s mixStage, out, stride int) feature {
	act := relu
	if s.swish {
		act = silu
	}
	y := x
	if !s.separate {
		y = b.normalize(b.mixed(x, s.widen, func(part feature, _ int) feature {
			return b.conv(part, part.channels*s.expand, 1, with{bare: true})
		}), act)
	}
	y = b.normalize(b.mixed(y, len(s.kernels), func(part feature, i int) feature {
		return b.depthwise(part, s.kernels[i], with{stride: stride, bare: true})
	}), act)
	if s.squeeze > 0 {
		y = b.squeezeExcite(y, int(float64(x.channels)*s.squeeze), act, sigmoid)
	}
	sizes := shares(out, s.narrow)
	y = b.normalize(b.mixed(y, s.narrow, func(part feature, i int) feature { return b.conv(part, sizes[i], 1, with{bare: true}) }), linear)
	if stride == 1 && x.channels == out {
		y = b.add(y, x, linear)
	}
	return y
}

// mixed applies a convolution to each share of the channels.
func (b *builder) mixed(x feature, groups int, each func(part feature, i int) feature) feature {
	if groups == 1 {
		return each(x, 0)
	}
	parts := b.divide(x, shares(x.channels, groups)...)
	for i := range parts {
		parts[i] = each(parts[i], i)
	}
	return b.concat(parts...)
}

// shares splits channels evenly, the rest to the first.
func shares(channels, groups int) []int {
	list := make([]int, groups)
	for i := range list {
		list[i] = channels / groups
	}
	list[0] += channels % groups
	return list
}
