package zoo

import "fmt"

// swin is the size of a network of Liu et al., "Swin Transformer" (2021): heads of 32.
type swin struct {
	width  int
	layers [4]int
}

var swins = map[string]swin{"tiny": {96, [4]int{2, 2, 6, 2}}, "small": {96, [4]int{2, 2, 18, 2}}, "base": {128, [4]int{2, 2, 18, 2}}, "large": {192, [4]int{2, 2, 18, 2}}}

func (b *builder) swin(r request, n swin, side int) {
	x := b.norm(b.patches(b.image(r), n.width, 4))
	high, wide := r.height/4, r.width/4
	for stage, blocks := range n.layers {
		if stage > 0 {
			x = b.merge(x, high, wide)
			high, wide = high/2, wide/2
		}
		side := min(side, high, wide)
		if high%side != 0 || wide%side != 0 || stage < 3 && (high%2 != 0 || wide%2 != 0) {
			b.fail("%d×%d patches of stage %d are no number of windows of %d", high, wide, stage+1, side)
			return
		}
		for i := range blocks {
			shift := i % 2 * (side / 2)
			if high == side && wide == side {
				shift = 0
			}
			x = b.swinBlock(x, grid{high, wide, side, shift}, x.width/32)
		}
	}
	b.result(b.fully(b.meanToken(b.norm(x)), classes, linear))
}

// grid is how an image of tokens is cut: windows of side × side, shifted.
type grid struct{ high, wide, side, shift int }

func (b *builder) swinBlock(x tokens, g grid, heads int) tokens {
	y := b.norm(x)
	if g.shift > 0 {
		y = b.shift(y, g, g.shift)
	}
	biases := []func(string) string{b.distanceBias(fmt.Sprintf("block%d", b.count), heads, g.side, g.side, 0)}
	if g.shift > 0 {
		biases = append(biases, b.apartInWindows(g, heads))
	}
	y = b.fromWindows(b.selfAttend(b.windows(y, g), heads, biases...), g)
	if g.shift > 0 {
		y = b.shift(y, g, -g.shift)
	}
	x = b.sum(x, y)
	return b.sum(x, b.mlp(b.norm(x), 4*x.width))
}

// windows makes a batch of the windows of each image.
func (b *builder) windows(x tokens, g grid) tokens {
	y := b.transpose(b.reshape(x.name, 0, g.high/g.side, g.side, g.wide/g.side, g.side, x.width), 0, 1, 3, 2, 4, 5)
	return tokens{b.reshape(y, -1, g.side*g.side, x.width), g.side * g.side, x.width}
}

// fromWindows is the inverse of windows.
func (b *builder) fromWindows(x tokens, g grid) tokens {
	y := b.transpose(b.reshape(x.name, -1, g.high/g.side, g.wide/g.side, g.side, g.side, x.width), 0, 1, 3, 2, 4, 5)
	return tokens{b.reshape(y, -1, g.high*g.wide, x.width), g.high * g.wide, x.width}
}

// shift rolls the image by so many places to the upper left, what leaves it coming in on the other side.
func (b *builder) shift(x tokens, g grid, by int) tokens {
	y := b.reshape(x.name, 0, g.high, g.wide, x.width)
	for axis, n := range []int{g.high, g.wide} {
		at := (by + n) % n
		y = b.node("Concat", attributes{"axis": axis + 1}, b.cut(y, axis+1, at, n), b.cut(y, axis+1, 0, at))
	}
	x.name = b.reshape(y, 0, g.high*g.wide, x.width)
	return x
}

// apartInWindows keeps places of a shifted window from each other that are no neighbours in the image.
func (b *builder) apartInWindows(g grid, heads int) func(string) string {
	region := func(i, n int) int {
		switch {
		case i < n-g.side:
			return 0
		case i < n-g.shift:
			return 1
		}
		return 2
	}
	down, right, n := g.high/g.side, g.wide/g.side, g.side*g.side
	var mask []float32
	for w := range down * right {
		at := func(p int) int {
			return 3*region(w/right*g.side+p/g.side, g.high) + region(w%right*g.side+p%g.side, g.wide)
		}
		for i := range n {
			for j := range n {
				m := float32(0)
				if at(i) != at(j) {
					m = -100
				}
				mask = append(mask, m)
			}
		}
	}
	name := b.constant(fmt.Sprintf("mask_%dx%d_%d", g.high, g.wide, g.side), mask, 1, down*right, 1, n, n)
	return func(scores string) string {
		masked := b.node("Add", nil, b.reshape(scores, -1, down*right, heads, n, n), name)
		return b.reshape(masked, -1, heads, n, n)
	}
}

// merge joins each square of four tokens and halves the channels of the four.
func (b *builder) merge(x tokens, high, wide int) tokens {
	y := b.transpose(b.reshape(x.name, 0, high/2, 2, wide/2, 2, x.width), 0, 1, 3, 4, 2, 5)
	z := b.norm(tokens{b.reshape(y, 0, high*wide/4, 4*x.width), high * wide / 4, 4 * x.width})
	z.name = b.node("MatMul", nil, z.name, b.normal(fmt.Sprintf("merge%d.weight", b.count), z.width, z.width/2))
	z.width /= 2
	return z
}

// twins is a network of Chu et al., "Twins" (2021), tables 1 and 2, by stage.
type twins struct {
	widths, layers, heads, expand [4]int
	local                         bool // every other block attends within windows
}

var twinses = map[string]twins{
	"pcpvt_small": {[4]int{64, 128, 320, 512}, [4]int{3, 4, 6, 3}, [4]int{1, 2, 5, 8}, [4]int{8, 8, 4, 4}, false},
	"pcpvt_base":  {[4]int{64, 128, 320, 512}, [4]int{3, 4, 18, 3}, [4]int{1, 2, 5, 8}, [4]int{8, 8, 4, 4}, false},
	"pcpvt_large": {[4]int{64, 128, 320, 512}, [4]int{3, 8, 27, 3}, [4]int{1, 2, 5, 8}, [4]int{8, 8, 4, 4}, false},
	"svt_small":   {[4]int{64, 128, 256, 512}, [4]int{2, 2, 10, 4}, [4]int{2, 4, 8, 16}, [4]int{4, 4, 4, 4}, true},
	"svt_base":    {[4]int{96, 192, 384, 768}, [4]int{2, 2, 18, 2}, [4]int{3, 6, 12, 24}, [4]int{4, 4, 4, 4}, true},
	"svt_large":   {[4]int{128, 256, 512, 1024}, [4]int{2, 2, 18, 2}, [4]int{4, 8, 16, 32}, [4]int{4, 4, 4, 4}, true},
}

func (b *builder) twins(r request, n twins) {
	image := b.image(r)
	var x tokens
	for stage, blocks := range n.layers {
		patch := 4
		if stage > 0 {
			patch = 2
		}
		x = b.norm(b.patches(image, n.widths[stage], patch))
		high, wide := image.height/patch, image.width/patch
		g := grid{high, wide, min(7, high, wide), 0}
		if shrink := 8 >> stage; high%shrink != 0 || wide%shrink != 0 || n.local && (high%g.side != 0 || wide%g.side != 0) {
			b.fail("%d×%d patches of stage %d are no number of windows", high, wide, stage+1)
			return
		}
		for i := range blocks {
			if y := b.norm(x); n.local && i%2 == 0 {
				x = b.sum(x, b.fromWindows(b.selfAttend(b.windows(y, g), n.heads[stage]), g))
			} else {
				x = b.sum(x, b.attendShrunk(y, high, wide, 8>>stage, n.heads[stage]))
			}
			x = b.sum(x, b.mlp(b.norm(x), n.expand[stage]*x.width))
			if i == 0 { // positions from the neighbourhood
				around := b.roll(x, high, wide)
				x = b.unroll(b.add(b.depthwise(around, 3, with{bias: true}), around, linear))
			}
		}
		image = b.roll(x, high, wide)
	}
	b.result(b.fully(b.meanToken(b.norm(x)), classes, linear))
}

// attendShrunk attends to an image shrunk by a convolution.
func (b *builder) attendShrunk(x tokens, high, wide, shrink, heads int) tokens {
	q, source := b.project(x, x.width), x
	if shrink > 1 {
		source = b.norm(b.unroll(b.conv(b.roll(x, high, wide), x.width, shrink, with{stride: shrink, valid: true, bias: true})))
	}
	both := b.project(source, 2*x.width)
	parts := b.split(both.name, 2, x.width, x.width)
	return b.project(b.attend(q, tokens{parts[0], source.length, x.width}, tokens{parts[1], source.length, x.width}, heads), x.width)
}
