package zoo

// dla is a network of Yu et al., "Deep Layer Aggregation" (2017), table 1: the depth of each level's tree, its channels, and its blocks.
type dla struct {
	levels, channels [6]int
	groups           int  // 0 with basic blocks of two convolutions
	width            int  // channels of a group where a level has 64
	shortcut         bool // roots have a residual
}

var (
	dlaWide   = [6]int{16, 32, 128, 256, 512, 1024}
	dlaNarrow = [6]int{16, 32, 64, 64, 128, 256}
	dlas      = map[string]dla{
		"34":    {[6]int{1, 1, 1, 2, 2, 1}, [6]int{16, 32, 64, 128, 256, 512}, 0, 64, false},
		"46_c":  {[6]int{1, 1, 1, 2, 2, 1}, dlaNarrow, 1, 64, false},
		"46x_c": {[6]int{1, 1, 1, 2, 2, 1}, dlaNarrow, 32, 4, false},
		"60":    {[6]int{1, 1, 1, 2, 3, 1}, dlaWide, 1, 64, false},
		"60x":   {[6]int{1, 1, 1, 2, 3, 1}, dlaWide, 32, 4, false},
		"60x_c": {[6]int{1, 1, 1, 2, 3, 1}, dlaNarrow, 32, 4, false},
		"102":   {[6]int{1, 1, 1, 3, 4, 1}, dlaWide, 1, 64, true},
		"102x":  {[6]int{1, 1, 1, 3, 4, 1}, dlaWide, 32, 4, true},
		"102x2": {[6]int{1, 1, 1, 3, 4, 1}, dlaWide, 64, 4, true},
		"169":   {[6]int{1, 1, 2, 3, 5, 1}, dlaWide, 1, 64, true},
	}
)

func (b *builder) dla(r request, d dla) {
	x := b.conv(b.image(r), d.channels[0], 7, with{act: relu})
	for level := range 2 {
		for i := range d.levels[level] {
			stride := 1
			if i == 0 && level == 1 {
				stride = 2
			}
			x = b.conv(x, d.channels[level], 3, with{stride: stride, act: relu})
		}
	}
	for level := 2; level < 6; level++ {
		x = d.tree(b, x, nil, d.levels[level], d.channels[level], 2, level > 2)
	}
	b.result(b.flatten(b.conv(b.globalPool(x), classes, 1, with{bias: true})))
}

// tree joins two trees of one level less, or two blocks, in a root that also reads the children that the levels above hand down.
func (d dla) tree(b *builder, x feature, children []feature, levels, channels, stride int, keepsInput bool) feature {
	if levels > 1 {
		if keepsInput {
			children = append(children[:len(children):len(children)], b.shrunk(x, stride))
		}
		y := d.tree(b, x, nil, levels-1, channels, stride, false)
		return d.tree(b, y, append(children, y), levels-1, channels, 1, false)
	}
	bottom := b.shrunk(x, stride)
	if keepsInput {
		children = append(children[:len(children):len(children)], bottom)
	}
	shortcut := bottom
	if x.channels != channels {
		shortcut = b.conv(bottom, channels, 1, with{})
	}
	one := d.block(b, x, shortcut, channels, stride)
	two := d.block(b, one, one, channels, 1)
	root := b.conv(b.concat(append([]feature{two, one}, children...)...), channels, 1, with{})
	if d.shortcut {
		return b.add(root, two, relu)
	}
	return b.act(root, relu)
}

func (b *builder) shrunk(x feature, stride int) feature {
	if stride == 1 {
		return x
	}
	return b.maxPool(x, window{kernel: stride, stride: stride})
}

func (d dla) block(b *builder, x, shortcut feature, channels, stride int) feature {
	if d.groups == 0 {
		return b.add(b.conv(b.conv(x, channels, 3, with{stride: stride, act: relu}), channels, 3, with{}), shortcut, relu)
	}
	mid := channels * d.width / 64 * d.groups / 2
	y := b.conv(b.conv(x, mid, 1, with{act: relu}), mid, 3, with{stride: stride, groups: d.groups, act: relu})
	return b.add(b.conv(y, channels, 1, with{}), shortcut, relu)
}
