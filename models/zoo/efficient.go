package zoo

import "math"

// efficient are networks scaled in width, depth and image together.
var efficient = []member{
	{"efficientnet", "arXiv 1905.11946, 2104.00298", "efficientnet_b{0,1,2,3,4,5,6,7,8}", "224,240,260,300,380,456,528,600,672", func(b *builder, r request) {
		b.efficientnet(r, scaling(r.int(0)), efficientOptions{squeeze: true, act: silu})
	}},
	{"", "", "efficientnet_widese_b{0,1,2,3,4,5,6,7}", "224,240,260,300,380,456,528,600", func(b *builder, r request) {
		b.efficientnet(r, scaling(r.int(0)), efficientOptions{squeeze: true, wide: true, act: silu})
	}},
	{"", "", "efficientnet_lite{0,1,2,3,4}", "224,240,260,280,300", func(b *builder, r request) {
		b.efficientnet(r, scaling(r.int(0)), efficientOptions{fixedEnds: true, act: relu6})
	}},
	{"", "", "efficientnet_b0_small", "224", func(b *builder, r request) { b.efficientnet(r, scaling(0), efficientOptions{act: silu}) }},
	{"", "", "efficientnet_v2_{s,m,l,b0,b1,b2,b3}", "384,480,480,224,240,260,300", func(b *builder, r request) { b.efficientnet2(r, efficient2[r.atoms[0]]) }},
}

// compound scales a network's channels and blocks.
type compound struct{ width, depth float64 }

// scaling is that of a model of the series: the authors' code.
func scaling(n int) compound {
	return []compound{{1, 1}, {1, 1.1}, {1.1, 1.2}, {1.2, 1.4}, {1.4, 1.8}, {1.6, 2.2}, {1.8, 2.6}, {2, 3.1}, {2.2, 3.6}}[n]
}

type efficientOptions struct {
	squeeze   bool
	wide      bool // squeeze-and-excitation is sized by the widened channels
	fixedEnds bool // the first and the last stage are not scaled in depth, nor stem and head in width
	act       activation
}

// efficientStage is a stage of blocks.
type efficientStage struct {
	fused                            bool
	expand, kernel, stride, channels int
	repeat                           int
	squeeze                          bool
}

// efficientStages are those of Tan and Le, "EfficientNet" (2019), table 1.
var efficientStages = []efficientStage{
	{false, 1, 3, 1, 16, 1, true}, {false, 6, 3, 2, 24, 2, true}, {false, 6, 5, 2, 40, 2, true}, {false, 6, 3, 2, 80, 3, true}, {false, 6, 5, 1, 112, 3, true}, {false, 6, 5, 2, 192, 4, true}, {false, 6, 3, 1, 320, 1, true},
}

func (b *builder) efficientnet(r request, c compound, o efficientOptions) {
	ends := c
	if o.fixedEnds {
		ends.width = 1
	}
	x := b.conv(b.image(r), multiple(32*ends.width, 8), 3, with{stride: 2, act: o.act})
	for i, s := range efficientStages {
		if o.fixedEnds && (i == 0 || i == len(efficientStages)-1) {
			x = b.efficientStage(x, s, compound{c.width, 1}, o)
			continue
		}
		x = b.efficientStage(x, s, c, o)
	}
	b.classify(b.conv(x, multiple(1280*ends.width, 8), 1, with{act: o.act}))
}

func (b *builder) efficientStage(x feature, s efficientStage, c compound, o efficientOptions) feature {
	for i := range int(math.Ceil(float64(s.repeat) * c.depth)) {
		v := inverted{kernel: s.kernel, stride: 1, inner: x.channels * s.expand, out: multiple(float64(s.channels)*c.width, 8), act: o.act, squeezeAct: o.act, gate: sigmoid, fused: s.fused}
		if i == 0 {
			v.stride = s.stride
		}
		if s.fused && s.expand == 1 {
			y := b.conv(x, v.out, v.kernel, with{stride: v.stride, act: o.act})
			if v.stride == 1 && x.channels == y.channels {
				y = b.add(y, x, linear)
			}
			x = y
			continue
		}
		if s.squeeze && o.squeeze {
			v.squeeze = x.channels / 4
			if o.wide {
				v.squeeze = v.inner / 4
			}
		}
		x = b.inverted(x, v)
	}
	return x
}

// efficient2 are the stages of Tan and Le, "EfficientNetV2" (2021), table 4 and the authors' code.
var efficient2 = map[string]struct {
	stem   int
	stages []efficientStage
	compound
}{
	"s": {24, []efficientStage{
		{true, 1, 3, 1, 24, 2, false}, {true, 4, 3, 2, 48, 4, false}, {true, 4, 3, 2, 64, 4, false}, {false, 4, 3, 2, 128, 6, true}, {false, 6, 3, 1, 160, 9, true}, {false, 6, 3, 2, 256, 15, true},
	}, compound{1, 1}},
	"m": {24, []efficientStage{
		{true, 1, 3, 1, 24, 3, false}, {true, 4, 3, 2, 48, 5, false}, {true, 4, 3, 2, 80, 5, false}, {false, 4, 3, 2, 160, 7, true}, {false, 6, 3, 1, 176, 14, true}, {false, 6, 3, 2, 304, 18, true}, {false, 6, 3, 1, 512, 5, true},
	}, compound{1, 1}},
	"l": {32, []efficientStage{
		{true, 1, 3, 1, 32, 4, false}, {true, 4, 3, 2, 64, 7, false}, {true, 4, 3, 2, 96, 7, false}, {false, 4, 3, 2, 192, 10, true}, {false, 6, 3, 1, 224, 19, true}, {false, 6, 3, 2, 384, 25, true}, {false, 6, 3, 1, 640, 7, true},
	}, compound{1, 1}},
	"b0": {32, efficient2Base, compound{1, 1}},
	"b1": {32, efficient2Base, compound{1, 1.1}},
	"b2": {32, efficient2Base, compound{1.1, 1.2}},
	"b3": {32, efficient2Base, compound{1.2, 1.4}},
}

var efficient2Base = []efficientStage{
	{true, 1, 3, 1, 16, 1, false}, {true, 4, 3, 2, 32, 2, false}, {true, 4, 3, 2, 48, 2, false}, {false, 4, 3, 2, 96, 3, true}, {false, 6, 3, 1, 112, 5, true}, {false, 6, 3, 2, 192, 8, true},
}

func (b *builder) efficientnet2(r request, n struct {
	stem   int
	stages []efficientStage
	compound
}) {
	x := b.conv(b.image(r), multiple(float64(n.stem)*n.width, 8), 3, with{stride: 2, act: silu})
	for _, s := range n.stages {
		x = b.efficientStage(x, s, n.compound, efficientOptions{squeeze: true, act: silu})
	}
	b.classify(b.conv(x, multiple(1280*n.width, 8), 1, with{act: silu}))
}
