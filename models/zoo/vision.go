package zoo

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
