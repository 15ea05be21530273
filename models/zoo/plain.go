package zoo

// plain are networks without residuals of their own kind: VGG and those around it.
var plain = []member{
	{"vgg", "arXiv 1409.1556", "vgg{11,13,16,19}{,_bn}", "224", func(b *builder, r request) { b.vgg(r, r.int(0), r.atoms[1] != "") }},
	{"alexnet", "arXiv 1404.5997", "alexnet", "224", func(b *builder, r request) { b.alexnet(r) }},
	{"squeezenet", "arXiv 1602.07360; 1.1 is as its authors later published it, with pools moved forward", "squeezenet{1_0,1_1}", "224", func(b *builder, r request) { b.squeezenet(r, r.atoms[0] == "1_1") }},
	{"googlenet", "arXiv 1409.4842 with batch normalization, as torchvision has it", "{googlenet,inception_v1,inception_bn}", "224", func(b *builder, r request) { b.googlenet(r) }},
	{"inception", "arXiv 1512.00567, 1602.07261", "inception_v{3,4}", "299", func(b *builder, r request) {
		if r.atoms[0] == "3" {
			b.inception3(r)
		} else {
			b.inception4(r)
		}
	}},
	{"xception", "arXiv 1610.02357, 1802.02611", "xception{41,65,71}", "299", func(b *builder, r request) { b.xception(r, xceptions[r.atoms[0]]) }},
	{"darknet", "arXiv 1804.02767", "darknet53", "256", func(b *builder, r request) { b.classify(b.darknet53(b.image(r))[4]) }},
}

// vggStages are the convolutions before each pool: Simonyan and Zisserman, table 1.
var vggStages = map[int][5]int{11: {1, 1, 2, 2, 2}, 13: {2, 2, 2, 2, 2}, 16: {2, 2, 3, 3, 3}, 19: {2, 2, 4, 4, 4}}

func (b *builder) vgg(r request, depth int, norm bool) {
	x := b.image(r)
	for stage, n := range vggStages[depth] {
		for range n {
			if norm {
				x = b.normalize(b.conv(x, min(64<<stage, 512), 3, with{bias: true}), relu)
				continue
			}
			x = b.conv(x, min(64<<stage, 512), 3, with{bias: true, act: relu})
		}
		x = b.maxPool(x, window{kernel: 2, stride: 2})
	}
	b.result(b.fully(b.fully(b.fully(b.flatten(b.pooledTo(x, 7)), 4096, relu), 4096, relu), classes, linear))
}

// pooledTo takes means so that a square of the side is left, as a classifier of fixed size needs it.
func (b *builder) pooledTo(x feature, side int) feature {
	if x.height%side != 0 || x.height != x.width {
		b.fail("its classifier needs an image that shrinks to a multiple of %d×%d, not %d×%d", side, side, x.height, x.width)
		return x
	}
	return b.averagePool(x, window{kernel: x.height / side, stride: x.height / side})
}

// alexnet is Krizhevsky's "One weird trick" (2014), without its two halves.
func (b *builder) alexnet(r request) {
	x := b.conv(b.image(r), 64, 11, with{stride: 4, pad: 2, bias: true, act: relu})
	x = b.conv(b.maxPool(x, window{kernel: 3, stride: 2}), 192, 5, with{bias: true, act: relu})
	x = b.conv(b.maxPool(x, window{kernel: 3, stride: 2}), 384, 3, with{bias: true, act: relu})
	x = b.conv(b.conv(x, 256, 3, with{bias: true, act: relu}), 256, 3, with{bias: true, act: relu})
	x = b.pooledTo(b.maxPool(x, window{kernel: 3, stride: 2}), 6)
	b.result(b.fully(b.fully(b.fully(b.flatten(x), 4096, relu), 4096, relu), classes, linear))
}

func (b *builder) squeezenet(r request, early bool) {
	first, kernel, pools := 96, 7, map[int]bool{3: true, 7: true}
	if early {
		first, kernel, pools = 64, 3, map[int]bool{2: true, 4: true}
	}
	narrow := window{kernel: 3, stride: 2, ceil: true}
	x := b.maxPool(b.conv(b.image(r), first, kernel, with{stride: 2, valid: true, bias: true, act: relu}), narrow)
	for i, squeeze := range []int{16, 16, 32, 32, 48, 48, 64, 64} {
		if pools[i] {
			x = b.maxPool(x, narrow)
		}
		s := b.conv(x, squeeze, 1, with{bias: true, act: relu})
		x = b.concat(b.conv(s, 4*squeeze, 1, with{bias: true, act: relu}), b.conv(s, 4*squeeze, 3, with{bias: true, act: relu}))
	}
	b.result(b.flatten(b.globalPool(b.conv(x, classes, 1, with{bias: true, act: relu}))))
}

// darknet53 is Redmon and Farhadi, "YOLOv3" (2018), table 1: what its five stages end in.
func (b *builder) darknet53(x feature) [5]feature {
	x = b.conv(x, 32, 3, with{act: leaky})
	var ends [5]feature
	for stage, n := range []int{1, 2, 8, 8, 4} {
		channels := 64 << stage
		x = b.conv(x, channels, 3, with{stride: 2, act: leaky})
		for range n {
			y := b.conv(b.conv(x, channels/2, 1, with{act: leaky}), channels, 3, with{act: leaky})
			x = b.add(y, x, linear)
		}
		ends[stage] = x
	}
	return ends
}
