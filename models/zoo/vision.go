package zoo

import "fmt"

// visionTransformers are transformers over patches of an image, and ConvNeXt, which took their proportions.
var visionTransformers = []member{
	{"vit", "arXiv 2010.11929, 2012.12877", "vit_{tiny,small,base,large,huge}_patch{8,14,16,32}_{size=224}", "", func(b *builder, r request) {
		b.vit(r, vits[r.atoms[0]], r.int(1), 1)
	}},
	{"", "", "deit_{tiny,small,base}{,_distilled}_patch16_{size=224}", "", func(b *builder, r request) {
		special := 1
		if r.atoms[1] != "" {
			special = 2
		}
		b.vit(r, vits[r.atoms[0]], 16, special)
	}},
	{"beit", "arXiv 2106.08254", "beit_{base,large}_patch16_{size=224}", "", func(b *builder, r request) { b.beit(r, vits[r.atoms[0]]) }},
	{"swin", "arXiv 2103.14030", "swin_{tiny,small,base,large}_patch4_window7_{size=224}", "", func(b *builder, r request) { b.swin(r, swins[r.atoms[0]], 7) }},
	{"", "", "swin_{base,large}_patch4_window12_{size=384}", "", func(b *builder, r request) { b.swin(r, swins[r.atoms[0]], 12) }},
	{"twins", "arXiv 2104.13840", "twins_{svt,pcpvt}_{small,base,large}", "224", func(b *builder, r request) { b.twins(r, twinses[r.atoms[0]+"_"+r.atoms[1]]) }},
	{"convnext", "arXiv 2201.03545", "convnext_{tiny,small,base,large,xlarge}", "224", func(b *builder, r request) { b.convnext(r, convnexts[r.atoms[0]]) }},
}

// vit is the size of a transformer over patches.
type vit struct{ layers, width, heads int }

var vits = map[string]vit{"tiny": {12, 192, 3}, "small": {12, 384, 6}, "base": {12, 768, 12}, "large": {24, 1024, 16}, "huge": {32, 1280, 16}}

// patches cuts an image into squares, each a token.
func (b *builder) patches(x feature, width, patch int) tokens {
	if x.height%patch != 0 || x.width%patch != 0 {
		b.fail("%d×%d is not a number of patches of %d×%d", x.height, x.width, patch, patch)
	}
	return b.unroll(b.conv(x, width, patch, with{stride: patch, valid: true, bias: true}))
}

// vit is Dosovitskiy et al., "An Image is Worth 16x16 Words" (2020), table 1; with two special tokens it is the distilled one of Touvron et al. (2020).
func (b *builder) vit(r request, n vit, patch, special int) {
	x := b.patches(b.image(r), n.width, patch)
	x = b.prepend(x, special)
	x.name = b.node("Add", nil, x.name, b.normal("position", 1, x.length, x.width))
	for range n.layers {
		x = b.sum(x, b.selfAttend(b.norm(x), n.heads))
		x = b.sum(x, b.mlp(b.norm(x), 4*n.width))
	}
	x = b.norm(x)
	y := b.fully(b.tokenAt(x, 0), classes, linear)
	if special == 2 {
		other := b.fully(b.tokenAt(x, 1), classes, linear)
		y.name = b.node("Mul", nil, b.node("Add", nil, y.name, other.name), b.scalar("half", 0.5))
	}
	b.result(y)
}

// prepend puts tokens of no patch before the others.
func (b *builder) prepend(x tokens, n int) tokens {
	batch := b.node("Slice", nil, b.node("Shape", nil, x.name), b.ints(0), b.ints(1))
	shape := b.node("Concat", attributes{"axis": 0}, batch, b.ints(n, x.width))
	special := b.node("Expand", nil, b.normal("special", 1, n, x.width), shape)
	return tokens{b.node("Concat", attributes{"axis": 1}, special, x.name), x.length + n, x.width}
}

// beit is Bao et al., "BEiT" (2021): no positions but biases for the distance of two patches, and a factor for each channel of a residual.
func (b *builder) beit(r request, n vit) {
	x := b.patches(b.image(r), n.width, 16)
	high, wide := r.height/16, r.width/16
	x = b.prepend(x, 1)
	for i := range n.layers {
		name := fmt.Sprintf("layer%d", i)
		bias := b.distanceBias(name, n.heads, high, wide, 1)
		y := b.selfAttend(b.norm(x), n.heads, bias)
		x = b.sum(x, b.gamma(name+".attention", y))
		x = b.sum(x, b.gamma(name+".mlp", b.mlp(b.norm(x), 4*n.width)))
	}
	all := tokens{b.cut(x.name, 1, 1, x.length), x.length - 1, x.width}
	y := b.meanToken(all)
	y.name = b.layerNorm("norm", n.width, 1e-6, y.name)
	b.result(b.fully(y, classes, linear))
}

// gamma scales each channel.
func (b *builder) gamma(name string, x tokens) tokens {
	x.name = b.node("Mul", nil, x.name, b.weights(name+".gamma", 0.1, 0.05, x.width))
	return x
}

// distanceBias adds to each score a weight for the distance between its two places in a window, and three more where special tokens come first.
func (b *builder) distanceBias(name string, heads, high, wide, special int) func(string) string {
	rows := (2*high - 1) * (2*wide - 1)
	n := high*wide + special
	places := make([]int, 0, n*n)
	for i := range n {
		for j := range n {
			p, q := i-special, j-special
			switch {
			case p < 0 && q < 0:
				places = append(places, rows+2)
			case p < 0:
				places = append(places, rows)
			case q < 0:
				places = append(places, rows+1)
			default:
				places = append(places, (p/wide-q/wide+high-1)*(2*wide-1)+p%wide-q%wide+wide-1)
			}
		}
	}
	if special > 0 {
		rows += 3
	}
	index := fmt.Sprintf("places_%dx%d_%d", high, wide, special)
	b.integers(index, places)
	all := b.reshape(b.embed(name+".distance", rows, heads, index), n, n, heads)
	bias := b.reshape(b.transpose(all, 2, 0, 1), 1, heads, n, n)
	return func(scores string) string { return b.node("Add", nil, scores, bias) }
}

// convnext is the size of a network of Liu et al., "A ConvNet for the 2020s" (2022).
type convnext struct {
	width  int
	layers [4]int
}

var convnexts = map[string]convnext{
	"tiny": {96, [4]int{3, 3, 9, 3}}, "small": {96, [4]int{3, 3, 27, 3}}, "base": {128, [4]int{3, 3, 27, 3}}, "large": {192, [4]int{3, 3, 27, 3}}, "xlarge": {256, [4]int{3, 3, 27, 3}},
}

func (b *builder) convnext(r request, n convnext) {
	x := b.normChannels(b.conv(b.image(r), n.width, 4, with{stride: 4, valid: true, bias: true}))
	for stage, blocks := range n.layers {
		if stage > 0 {
			x = b.conv(b.normChannels(x), 2*x.channels, 2, with{stride: 2, valid: true, bias: true})
		}
		for range blocks {
			y := b.lastAxis(b.depthwise(x, 7, with{bias: true}))
			y = b.gamma(fmt.Sprintf("block%d", b.count), b.mlp(b.norm(y), 4*x.channels))
			x = b.add(x, feature{b.transpose(y.name, 0, 3, 1, 2), x.channels, x.height, x.width}, linear)
		}
	}
	y := b.flatten(b.globalPool(x))
	y.name = b.layerNorm("norm", y.channels, 1e-6, y.name)
	b.result(b.fully(y, classes, linear))
}

// lastAxis moves channels to the end: what becomes of it are tokens, but of a height and a width.
func (b *builder) lastAxis(x feature) tokens {
	return tokens{b.transpose(x.name, 0, 2, 3, 1), x.height * x.width, x.channels}
}

// normChannels normalizes over the channels of each pixel.
func (b *builder) normChannels(x feature) feature {
	x.name = b.transpose(b.norm(b.lastAxis(x)).name, 0, 3, 1, 2)
	return x
}
