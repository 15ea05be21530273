package zoo

// detectors find things in images, or mark each pixel.
var detectors = []member{
	{"yolo", "Ultralytics YOLOv8 (2023), its yolov8.yaml", "yolov8{n,s,m,l,x}", "640", func(b *builder, r request) { b.yolo8(r, yolos8[r.atoms[0]]) }},
	{"yolov3", "arXiv 1804.02767", "yolov3{,_darknet53}", "608", func(b *builder, r request) { b.yolo3(r) }},
	{"retinanet", "arXiv 1708.02002", "retinanet_{resnet,resnext}{50,101}", "800", func(b *builder, r request) { b.retinanet(r, r.atoms[0] == "resnext", r.int(1)) }},
	{"faster_rcnn", "arXiv 1506.01497, as the TensorFlow Object Detection API has it", "faster_rcnn_resnet{50,101}", "1080x1920", func(b *builder, r request) { b.fasterRCNN(r, r.int(0)) }},
	{"fcn", "arXiv 1411.4038, as torchvision has it", "fcn_resnet{50,101}", "512x1024", func(b *builder, r request) { b.fcn(r, r.int(0)) }},
	{"deeplab", "arXiv 1706.05587, as torchvision has it", "deeplabv3_resnet{50,101}", "512x1024", func(b *builder, r request) { b.deeplab(r, r.int(0)) }},
	{"unet", "arXiv 1505.04597, with padding and for colour", "unet", "224", func(b *builder, r request) { b.unet(r, 3, 1, false) }},
	{"", "", "unet_med", "572", func(b *builder, r request) { b.unet(r, 1, 2, true) }},
}

// yolo8 scales the blocks and the channels of one network, which has at most so many.
type yolo8 struct {
	depth, width float64
	most         int
}

var yolos8 = map[string]yolo8{"n": {1. / 3, 0.25, 1024}, "s": {1. / 3, 0.5, 1024}, "m": {2. / 3, 0.75, 768}, "l": {1, 1, 512}, "x": {1, 1.25, 512}}

func (n yolo8) channels(c int) int { return (int(float64(min(c, n.most))*n.width) + 7) / 8 * 8 }

func (n yolo8) repeat(blocks int) int { return max(1, int(float64(blocks)*n.depth+0.5)) }

func (b *builder) yolo8(r request, n yolo8) {
	if r.height%32 != 0 || r.width%32 != 0 {
		b.fail("the sides of the image must be multiples of 32")
	}
	x := b.conv(b.conv(b.image(r), n.channels(64), 3, with{stride: 2, act: silu}), n.channels(128), 3, with{stride: 2, act: silu})
	x = b.crossStage(x, n.channels(128), n.repeat(3), true)
	var ends [3]feature // at strides 8, 16 and 32
	for i, s := range []struct{ channels, blocks int }{{256, 6}, {512, 6}, {1024, 3}} {
		x = b.conv(x, n.channels(s.channels), 3, with{stride: 2, act: silu})
		x = b.crossStage(x, x.channels, n.repeat(s.blocks), true)
		ends[i] = x
	}
	ends[2] = b.pyramidPool(x)

	up := func(x, to feature) feature { return b.concat(b.resize(x, to.height, to.width, "nearest"), to) }
	middle := b.crossStage(up(ends[2], ends[1]), n.channels(512), n.repeat(3), false)
	fine := b.crossStage(up(middle, ends[0]), n.channels(256), n.repeat(3), false)
	middle = b.crossStage(b.concat(b.conv(fine, fine.channels, 3, with{stride: 2, act: silu}), middle), n.channels(512), n.repeat(3), false)
	coarse := b.crossStage(b.concat(b.conv(middle, middle.channels, 3, with{stride: 2, act: silu}), ends[2]), n.channels(1024), n.repeat(3), false)
	b.detect(fine, middle, coarse)
}

// crossStage joins what each of a chain of blocks makes of half of the channels: YOLOv8's C2f.
func (b *builder) crossStage(x feature, channels, blocks int, residual bool) feature {
	half := channels / 2
	parts := b.divide(b.conv(x, 2*half, 1, with{act: silu}), half, half)
	for range blocks {
		last := parts[len(parts)-1]
		y := b.conv(b.conv(last, half, 3, with{act: silu}), half, 3, with{act: silu})
		if residual {
			y = b.add(last, y, linear)
		}
		parts = append(parts, y)
	}
	return b.conv(b.concat(parts...), channels, 1, with{act: silu})
}

// pyramidPool joins maxima over ever larger windows: spatial pyramid pooling in its fast form.
func (b *builder) pyramidPool(x feature) feature {
	y := b.conv(x, x.channels/2, 1, with{act: silu})
	parts := []feature{y}
	for range 3 {
		y = b.maxPool(y, window{kernel: 5, stride: 1, pad: 2})
		parts = append(parts, y)
	}
	return b.conv(b.concat(parts...), x.channels, 1, with{act: silu})
}

const (
	bins   = 16 // of the distribution of a side's distance: Li et al., "Generalized Focal Loss" (2020)
	things = 80 // that COCO tells apart
)

// detect predicts for each place a box, as centre and size in pixels, and a score for each kind of thing.
func (b *builder) detect(features ...feature) {
	boxes, scores := max(16, features[0].channels/4, 4*bins), max(features[0].channels, min(things, 100))
	var all []string
	var anchors, strides []float32
	count, height := 0, features[0].height*8
	for _, x := range features {
		box := b.conv(b.conv(b.conv(x, boxes, 3, with{act: silu}), boxes, 3, with{act: silu}), 4*bins, 1, with{bias: true})
		score := b.conv(b.conv(b.conv(x, scores, 3, with{act: silu}), scores, 3, with{act: silu}), things, 1, with{bias: true})
		all = append(all, b.reshape(b.concat(box, score).name, 0, 4*bins+things, x.height*x.width))
		count += x.height * x.width
		for range x.height * x.width {
			strides = append(strides, float32(height/x.height))
		}
	}
	for axis := range 2 {
		for _, x := range features {
			for y := range x.height {
				for z := range x.width {
					anchors = append(anchors, float32([2]int{z, y}[axis])+0.5)
				}
			}
		}
	}
	parts := b.split(b.node("Concat", attributes{"axis": 2}, all...), 1, 4*bins, things)
	distances := b.split(b.distances(parts[0], count), 1, 2, 2)
	at := b.constant("anchors", anchors, 1, 2, count)
	low, high := b.node("Sub", nil, at, distances[0]), b.node("Add", nil, at, distances[1])
	centre := b.node("Div", nil, b.node("Add", nil, low, high), b.scalar("two", 2))
	box := b.node("Concat", attributes{"axis": 1}, centre, b.node("Sub", nil, high, low))
	box = b.node("Mul", nil, box, b.constant("strides", strides, 1, count))
	b.output("output", b.node("Concat", attributes{"axis": 1}, box, b.activate(parts[1], sigmoid)), 4+things, count)
}

// distances are the means of the distributions, from a place to the four sides of its box.
func (b *builder) distances(x string, count int) string {
	y := b.node("Softmax", attributes{"axis": 1}, b.transpose(b.reshape(x, 0, 4, bins, count), 0, 2, 1, 3))
	numbers := make([]float32, bins)
	for i := range numbers {
		numbers[i] = float32(i)
	}
	y = b.node("Conv", attributes{"kernel_shape": []int{1, 1}}, y, b.constant("bins", numbers, 1, bins, 1, 1))
	return b.reshape(y, 0, 4, count)
}
