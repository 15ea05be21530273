package zoo

import "fmt"

// yolo3 is Redmon and Farhadi, "YOLOv3" (2018): at three sizes, what three boxes of each place would hold.
func (b *builder) yolo3(r request) {
	if r.height%32 != 0 || r.width%32 != 0 {
		b.fail("the sides of the image must be multiples of 32")
	}
	ends := b.darknet53(b.image(r))
	var x feature
	for i, mid := range []int{512, 256, 128} {
		source := ends[4-i]
		if i > 0 {
			x = b.resize(b.conv(x, mid, 1, with{act: leaky}), source.height, source.width, "nearest")
			source = b.concat(x, source)
		}
		for range 2 {
			source = b.conv(b.conv(source, mid, 1, with{act: leaky}), 2*mid, 3, with{act: leaky})
		}
		x = b.conv(source, mid, 1, with{act: leaky})
		y := b.conv(b.conv(x, 2*mid, 3, with{act: leaky}), 3*(5+things), 1, with{bias: true})
		b.output(fmt.Sprintf("output%d", i), y.name, y.channels, y.height, y.width)
	}
}

// retinanet is Lin et al., "Focal Loss for Dense Object Detection" (2017): a pyramid of five sizes and, at each, two networks of shared weights for nine boxes
// of each place.
func (b *builder) retinanet(r request, grouped bool, depth int) {
	if r.height%32 != 0 || r.width%32 != 0 {
		b.fail("the sides of the image must be multiples of 32")
	}
	n := resnetOf("")
	n.layers = depths[depth]
	if grouped {
		n.groups, n.width = 32, 4
	}
	ends := b.resnetStages(b.image(r), n, false)
	const wide, boxes = 256, 9
	levels := make([]feature, 5)
	above := feature{}
	for i := 3; i > 0; i-- {
		level := b.conv(ends[i], wide, 1, with{bias: true})
		if i < 3 {
			level = b.add(level, b.resize(above, level.height, level.width, "nearest"), linear)
		}
		above = level
		levels[i-1] = b.conv(level, wide, 3, with{bias: true})
	}
	levels[3] = b.conv(ends[3], wide, 3, with{stride: 2, bias: true})
	levels[4] = b.conv(b.act(levels[3], relu), wide, 3, with{stride: 2, bias: true})
	for _, head := range []struct {
		name     string
		channels int
	}{{"scores", boxes * things}, {"boxes", boxes * 4}} {
		for i, x := range levels {
			for j := range 4 {
				x = b.shared(fmt.Sprintf("%s%d", head.name, j), x, wide, relu)
			}
			x = b.shared(head.name, x, head.channels, linear)
			b.output(fmt.Sprintf("%s_%d", head.name, i), x.name, x.channels, x.height, x.width)
		}
	}
}

// shared is a 3×3 convolution with a bias whose weights all callers of one name share.
func (b *builder) shared(name string, x feature, channels int, a activation) feature {
	x.name = b.activate(b.node("Conv", attributes{"kernel_shape": []int{3, 3}, "pads": []int{1, 1, 1, 1}}, x.name,
		b.he(name+".weight", 9*x.channels, channels, x.channels, 3, 3), b.weights(name+".bias", 0, 0.05, channels)), a)
	x.channels = channels
	return x
}
