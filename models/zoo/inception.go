package zoo

// branch is a chain of convolutions, each followed by normalization and relu.
type branch []kernel

// kernel is a convolution of a branch.
type kernel struct{ channels, high, wide int }

// chain applies a branch; the last convolution may shrink the image, without padding.
func (b *builder) chain(x feature, stride int, list branch) feature {
	for i, k := range list {
		w := with{act: relu}
		if stride > 1 && i == len(list)-1 {
			w.stride, w.valid = stride, true
		}
		x = b.convolve(x, k.channels, k.high, k.wide, w)
	}
	return x
}

// inception applies branches side by side, and a mean and a convolution of so many channels after them.
func (b *builder) inception(x feature, pooled int, list ...branch) feature {
	var ends []feature
	for _, l := range list {
		ends = append(ends, b.chain(x, 1, l))
	}
	mean := b.averagePool(x, window{kernel: 3, stride: 1, pad: 1})
	return b.concat(append(ends, b.conv(mean, pooled, 1, with{act: relu}))...)
}

// reduce applies branches that halve the image, and a maximum beside them.
func (b *builder) reduce(x feature, list ...branch) feature {
	var ends []feature
	for _, l := range list {
		ends = append(ends, b.chain(x, 2, l))
	}
	return b.concat(append(ends, b.maxPool(x, window{kernel: 3, stride: 2}))...)
}

// googlenet is Szegedy et al., "Going Deeper with Convolutions" (2014), table 1; its 5×5 convolutions are 3×3, as in torchvision.
func (b *builder) googlenet(r request) {
	shrink := window{kernel: 3, stride: 2, ceil: true}
	x := b.maxPool(b.conv(b.image(r), 64, 7, with{stride: 2, act: relu}), shrink)
	x = b.maxPool(b.conv(b.conv(x, 64, 1, with{act: relu}), 192, 3, with{act: relu}), shrink)
	for i, c := range [][6]int{
		{64, 96, 128, 16, 32, 32}, {128, 128, 192, 32, 96, 64},
		{192, 96, 208, 16, 48, 64}, {160, 112, 224, 24, 64, 64}, {128, 128, 256, 24, 64, 64}, {112, 144, 288, 32, 64, 64}, {256, 160, 320, 32, 128, 128},
		{256, 160, 320, 32, 128, 128}, {384, 192, 384, 48, 128, 128},
	} {
		if i == 2 {
			x = b.maxPool(x, shrink)
		}
		if i == 7 {
			x = b.maxPool(x, window{kernel: 2, stride: 2, ceil: true})
		}
		peak := b.conv(b.maxPool(x, window{kernel: 3, stride: 1, pad: 1}), c[5], 1, with{act: relu})
		x = b.concat(b.chain(x, 1, branch{{c[0], 1, 1}}), b.chain(x, 1, branch{{c[1], 1, 1}, {c[2], 3, 3}}), b.chain(x, 1, branch{{c[3], 1, 1}, {c[4], 3, 3}}), peak)
	}
	b.classify(x)
}

// inception3 is Szegedy et al., "Rethinking the Inception Architecture" (2015), table 1, as torchvision and timm have it.
func (b *builder) inception3(r request) {
	bare := with{valid: true, act: relu}
	x := b.conv(b.image(r), 32, 3, with{stride: 2, valid: true, act: relu})
	x = b.conv(b.conv(x, 32, 3, bare), 64, 3, with{act: relu})
	x = b.maxPool(x, window{kernel: 3, stride: 2})
	x = b.maxPool(b.conv(b.conv(x, 80, 1, bare), 192, 3, bare), window{kernel: 3, stride: 2})
	for _, pooled := range []int{32, 64, 64} {
		x = b.inception(x, pooled, branch{{64, 1, 1}}, branch{{48, 1, 1}, {64, 5, 5}}, branch{{64, 1, 1}, {96, 3, 3}, {96, 3, 3}})
	}
	x = b.reduce(x, branch{{384, 3, 3}}, branch{{64, 1, 1}, {96, 3, 3}, {96, 3, 3}})
	for _, c := range []int{128, 160, 160, 192} {
		x = b.inception(x, 192, branch{{192, 1, 1}}, branch{{c, 1, 1}, {c, 1, 7}, {192, 7, 1}}, branch{{c, 1, 1}, {c, 7, 1}, {c, 1, 7}, {c, 7, 1}, {192, 1, 7}})
	}
	x = b.reduce(x, branch{{192, 1, 1}, {320, 3, 3}}, branch{{192, 1, 1}, {192, 1, 7}, {192, 7, 1}, {192, 3, 3}})
	for range 2 {
		x = b.inceptionWide(x, 192, branch{{320, 1, 1}}, 384, branch{{384, 1, 1}}, branch{{448, 1, 1}, {384, 3, 3}})
	}
	b.classify(x)
}

// inceptionWide is a block whose branches but the first fork at their end into 1×3 and 3×1.
func (b *builder) inceptionWide(x feature, pooled int, first branch, forked int, list ...branch) feature {
	ends := []feature{b.chain(x, 1, first)}
	for _, l := range list {
		y := b.chain(x, 1, l)
		ends = append(ends, b.concat(b.chain(y, 1, branch{{forked, 1, 3}}), b.chain(y, 1, branch{{forked, 3, 1}})))
	}
	mean := b.averagePool(x, window{kernel: 3, stride: 1, pad: 1})
	return b.concat(append(ends, b.conv(mean, pooled, 1, with{act: relu}))...)
}

// inception4 is Szegedy et al., "Inception-v4" (2016), figures 3 to 9.
func (b *builder) inception4(r request) {
	bare := with{valid: true, act: relu}
	halve := with{stride: 2, valid: true, act: relu}
	x := b.conv(b.conv(b.conv(b.image(r), 32, 3, halve), 32, 3, bare), 64, 3, with{act: relu})
	x = b.concat(b.maxPool(x, window{kernel: 3, stride: 2}), b.conv(x, 96, 3, halve))
	x = b.concat(b.conv(b.chain(x, 1, branch{{64, 1, 1}}), 96, 3, bare), b.conv(b.chain(x, 1, branch{{64, 1, 1}, {64, 1, 7}, {64, 7, 1}}), 96, 3, bare))
	x = b.concat(b.conv(x, 192, 3, halve), b.maxPool(x, window{kernel: 3, stride: 2}))
	for range 4 {
		x = b.inception(x, 96, branch{{96, 1, 1}}, branch{{64, 1, 1}, {96, 3, 3}}, branch{{64, 1, 1}, {96, 3, 3}, {96, 3, 3}})
	}
	x = b.reduce(x, branch{{384, 3, 3}}, branch{{192, 1, 1}, {224, 3, 3}, {256, 3, 3}})
	for range 7 {
		x = b.inception(x, 128, branch{{384, 1, 1}}, branch{{192, 1, 1}, {224, 1, 7}, {256, 7, 1}}, branch{{192, 1, 1}, {192, 7, 1}, {224, 1, 7}, {224, 7, 1}, {256, 1, 7}})
	}
	x = b.reduce(x, branch{{192, 1, 1}, {192, 3, 3}}, branch{{256, 1, 1}, {256, 1, 7}, {320, 7, 1}, {320, 3, 3}})
	for range 3 {
		x = b.inceptionWide(x, 256, branch{{256, 1, 1}}, 256, branch{{384, 1, 1}}, branch{{384, 1, 1}, {448, 3, 1}, {512, 1, 3}})
	}
	b.classify(x)
}

// xceptionBlock is a block of three separable convolutions.
type xceptionBlock struct {
	channels [3]int
	stride   int
}

// xceptions are the blocks of Chen et al., "Encoder-Decoder with Atrous Separable Convolution" (2018), figure 4, at stride 32.
var xceptions = map[string][]xceptionBlock{
	"41": xceptionFlow([]xceptionBlock{{[3]int{128, 128, 128}, 2}, {[3]int{256, 256, 256}, 2}, {[3]int{728, 728, 728}, 2}}, 8),
	"65": xceptionFlow([]xceptionBlock{{[3]int{128, 128, 128}, 2}, {[3]int{256, 256, 256}, 2}, {[3]int{728, 728, 728}, 2}}, 16),
	"71": xceptionFlow([]xceptionBlock{{[3]int{128, 128, 128}, 2}, {[3]int{256, 256, 256}, 1}, {[3]int{256, 256, 256}, 2}, {[3]int{728, 728, 728}, 1}, {[3]int{728, 728, 728}, 2}}, 16),
}

func xceptionFlow(entry []xceptionBlock, middle int) []xceptionBlock {
	for range middle {
		entry = append(entry, xceptionBlock{[3]int{728, 728, 728}, 1})
	}
	return append(entry, xceptionBlock{[3]int{728, 1024, 1024}, 2}, xceptionBlock{[3]int{1536, 1536, 2048}, 1})
}

func (b *builder) xception(r request, blocks []xceptionBlock) {
	x := b.conv(b.conv(b.image(r), 32, 3, with{stride: 2, act: relu}), 64, 3, with{act: relu})
	for i, block := range blocks {
		last := i == len(blocks)-1
		y := x
		for j, channels := range block.channels {
			stride, act := 1, linear
			if j == 2 {
				stride = block.stride
			}
			if last {
				act = relu // in place of the one before each
			} else {
				y = b.act(y, relu)
			}
			y = b.conv(b.depthwise(y, 3, with{stride: stride, act: act}), channels, 1, with{act: act})
		}
		if !last {
			if x.channels != y.channels || block.stride > 1 {
				x = b.conv(x, y.channels, 1, with{stride: block.stride})
			}
			y = b.add(y, x, linear)
		}
		x = y
	}
	b.classify(x)
}
