package zoo

// dense are networks whose layers read what all layers before them made.
var dense = []member{
	{"densenet", "arXiv 1608.06993", "densenet{121,161,169,201,264}", "224", func(b *builder, r request) { b.densenet(r, densenets[r.int(0)]) }},
	{"dpn", "arXiv 1707.01629", "dpn{68,92,98,107,131}", "224", func(b *builder, r request) { b.dpn(r, dpns[r.int(0)]) }},
	{"hrnet", "arXiv 1908.07919", "hrnet_w{18|18_c,30|30_c,32|32_c,40|40_c,44|44_c,48|48_c,64|64_c}", "224", func(b *builder, r request) { b.hrnet(r, r.int(0)) }},
}

// densenet is a row of Huang et al., "Densely Connected Convolutional Networks" (2016), table 1.
type densenet struct {
	first, growth int
	layers        [4]int
}

var densenets = map[int]densenet{
	121: {64, 32, [4]int{6, 12, 24, 16}}, 161: {96, 48, [4]int{6, 12, 36, 24}}, 169: {64, 32, [4]int{6, 12, 32, 32}}, 201: {64, 32, [4]int{6, 12, 48, 32}}, 264: {64, 32, [4]int{6, 12, 64, 48}},
}

func (b *builder) densenet(r request, n densenet) {
	x := b.maxPool(b.conv(b.image(r), n.first, 7, with{stride: 2, act: relu}), window{kernel: 3, stride: 2, pad: 1})
	for stage, layers := range n.layers {
		all := []feature{x}
		for range layers {
			y := x
			if len(all) > 1 {
				y = b.concat(all...)
			}
			y = b.conv(b.normalize(y, relu), 4*n.growth, 1, with{act: relu})
			all = append(all, b.conv(y, n.growth, 3, with{bare: true}))
		}
		x = b.normalize(b.concat(all...), relu)
		if stage < 3 {
			x = b.averagePool(b.conv(x, x.channels/2, 1, with{bare: true}), window{kernel: 2, stride: 2})
		}
	}
	b.classify(x)
}

// dpn is a row of Chen et al., "Dual Path Networks" (2017), table 1.
type dpn struct {
	first, kernel int
	inner, groups int // channels of the 3×3 convolution in the first stage
	wide          int // channels of the residual path in the first stage
	layers, grow  [4]int
}

var dpns = map[int]dpn{
	68:  {10, 3, 128, 32, 64, [4]int{3, 4, 12, 3}, [4]int{16, 32, 32, 64}},
	92:  {64, 7, 96, 32, 256, [4]int{3, 4, 20, 3}, [4]int{16, 32, 24, 128}},
	98:  {96, 7, 160, 40, 256, [4]int{3, 6, 20, 3}, [4]int{16, 32, 32, 128}},
	107: {128, 7, 200, 50, 256, [4]int{4, 8, 20, 3}, [4]int{20, 64, 64, 128}},
	131: {128, 7, 160, 40, 256, [4]int{4, 8, 28, 3}, [4]int{16, 32, 32, 128}},
}

func (b *builder) dpn(r request, n dpn) {
	x := b.maxPool(b.conv(b.image(r), n.first, n.kernel, with{stride: 2, act: relu}), window{kernel: 3, stride: 2, pad: 1})
	var path, rest feature // the residual path and the dense one
	for stage, blocks := range n.layers {
		wide, inner, grow := n.wide<<stage, n.inner<<stage, n.grow[stage]
		for i := range blocks {
			stride := 1
			if i == 0 && stage > 0 {
				stride = 2
			}
			if path.name != "" {
				x = b.concat(path, rest)
			}
			if i == 0 {
				parts := b.divide(b.preactivated(x, wide+2*grow, 1, with{stride: stride}), wide, 2*grow)
				path, rest = parts[0], parts[1]
			}
			y := b.preactivated(b.preactivated(x, inner, 1, with{}), inner, 3, with{stride: stride, groups: n.groups})
			parts := b.divide(b.preactivated(y, wide+grow, 1, with{}), wide, grow)
			path, rest = b.add(path, parts[0], linear), b.concat(rest, parts[1])
		}
	}
	x = b.globalPool(b.normalize(b.concat(path, rest), relu))
	b.result(b.flatten(b.conv(x, classes, 1, with{bias: true})))
}

// preactivated is a convolution behind its normalization and activation.
func (b *builder) preactivated(x feature, channels, kernel int, w with) feature {
	w.bare = true
	return b.conv(b.normalize(x, relu), channels, kernel, w)
}

// hrnet is Wang et al., "Deep High-Resolution Representation Learning" (2019): branches at resolutions of their own that exchange what they find.
func (b *builder) hrnet(r request, width int) {
	x := b.conv(b.conv(b.image(r), 64, 3, with{stride: 2, act: relu}), 64, 3, with{stride: 2, act: relu})
	for range 4 {
		x = b.residual(resnetOf(""), x, 64, 1, true)
	}
	branches := []feature{b.conv(x, width, 3, with{act: relu}), b.conv(x, 2*width, 3, with{stride: 2, act: relu})}
	for stage, modules := range []int{1, 4, 3} {
		if stage > 0 {
			last := branches[stage]
			branches = append(branches, b.conv(last, 2*last.channels, 3, with{stride: 2, act: relu}))
		}
		for range modules {
			branches = b.hrModule(branches)
		}
	}
	b.hrHead(branches)
}

func (b *builder) hrModule(branches []feature) []feature {
	n := resnet{block: basic, groups: 1, width: 64}
	for i := range branches {
		for range 4 {
			branches[i] = b.residual(n, branches[i], branches[i].channels, 1, false)
		}
	}
	fused := make([]feature, len(branches))
	for i, target := range branches {
		for j, source := range branches {
			y := source
			switch {
			case j > i:
				y = b.resize(b.conv(y, target.channels, 1, with{}), target.height, target.width, "nearest")
			case j < i:
				for k := j; k < i-1; k++ {
					y = b.conv(y, source.channels, 3, with{stride: 2, act: relu})
				}
				y = b.conv(y, target.channels, 3, with{stride: 2})
			}
			if j == 0 {
				fused[i] = y
			} else {
				fused[i] = b.add(fused[i], y, linear)
			}
		}
		fused[i] = b.act(fused[i], relu)
	}
	return fused
}

// hrHead is the classifier: each branch widened, then added from the finest to the coarsest.
func (b *builder) hrHead(branches []feature) {
	var x feature
	for i, branch := range branches {
		wide := b.residual(resnetOf(""), branch, 32<<i, 1, true)
		if i == 0 {
			x = wide
			continue
		}
		x = b.add(wide, b.normalize(b.conv(x, wide.channels, 3, with{stride: 2, bias: true}), relu), linear)
	}
	b.classify(b.normalize(b.conv(x, 2048, 1, with{bias: true}), relu))
}
