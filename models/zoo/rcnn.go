package zoo

import (
	"math"

	"github.com/eiplan/eiplan/models/tensor"
)

const (
	proposals = 100 // that the second stage looks at
	anchors   = 12  // of each place: four sizes in three shapes
	cropped   = 14  // the side of a proposal's features, before a pool halves it
	cocoIDs   = 91  // classes of COCO by their numbers, and none
)

// fasterRCNN is Ren et al., "Faster R-CNN" (2015), with the sizes of faster_rcnn_resnet50_coco_2018_01_28 of TensorFlow's Object Detection API: an image of
// bytes is shrunk inside, the best proposals by score are taken from stride 16, and the backbone's last stage looks at each of them. Overlapping
// proposals and boxes are left in: how many a suppression leaves, only a run tells.
func (b *builder) fasterRCNN(r request, depth int) {
	n := resnetOf("")
	n.layers = depths[depth]
	last := n.layers[3]
	n.layers[3] = 0
	image := b.bytes(r)
	x := b.resnetStages(image, n, false)[3]

	hidden := b.conv(x, 512, 3, with{bias: true, act: relu6})
	count := anchors * x.height * x.width
	scores := b.node("Softmax", attributes{"axis": 2}, b.places(b.conv(hidden, 2*anchors, 1, with{bias: true}), 2))
	boxes := b.decode(b.places(b.conv(hidden, 4*anchors, 1, with{bias: true}), 4), b.anchors(x, image))
	best := b.nodes("TopK", nil, 2, b.reshape(b.cut(scores, 2, 1, 2), 0, count), b.ints(proposals))
	boxes = b.node("GatherND", attributes{"batch_dims": 1}, boxes, b.reshape(best[1], 0, proposals, 1))

	ones := b.node("Cast", attributes{"to": 7}, b.node("Equal", nil, best[0], best[0]))
	image0 := b.reshape(b.node("CumSum", attributes{"exclusive": 1}, ones, b.index("batch_axis", 0)), -1)
	crop := attributes{"output_height": cropped, "output_width": cropped, "sampling_ratio": 1, "spatial_scale": float32(x.height) / float32(image.height)}
	y := feature{b.node("RoiAlign", crop, x.name, b.reshape(boxes, -1, 4), image0), x.channels, cropped, cropped}
	y = b.maxPool(y, window{kernel: 2, stride: 2})
	for i := range last {
		y = b.residual(n, y, 512, 1, i == 0)
	}
	y = b.flatten(b.globalPool(y))
	kinds := b.node("Softmax", attributes{"axis": 1}, b.fully(y, cocoIDs, linear).name)
	b.output("scores", b.reshape(kinds, -1, proposals, cocoIDs), proposals, cocoIDs)
	b.output("boxes", b.reshape(b.fully(y, 4*(cocoIDs-1), linear).name, -1, proposals, 4*(cocoIDs-1)), proposals, 4*(cocoIDs-1))
}

// bytes is an image of height × width × 3 bytes, shrunk until its sides are at most 600 and 1024, less the mean of ImageNet's colours.
func (b *builder) bytes(r request) feature {
	x := b.node("Cast", attributes{"to": 1}, b.input("image", tensor.Uint8, r.height, r.width, 3))
	f := feature{b.transpose(x, 0, 3, 1, 2), 3, r.height, r.width}
	ratio := min(1, 600/float64(min(r.height, r.width)), 1024/float64(max(r.height, r.width)))
	f = b.resize(f, int(math.Round(ratio*float64(r.height))), int(math.Round(ratio*float64(r.width))), "linear")
	f.name = b.node("Sub", nil, f.name, b.constant("colour", []float32{123.68, 116.779, 103.939}, 3, 1, 1))
	return f
}

// places lists what a feature says of each anchor of each place: batch × anchors × values.
func (b *builder) places(x feature, values int) string {
	return b.reshape(b.transpose(x.name, 0, 2, 3, 1), 0, x.height*x.width*anchors, values)
}

// anchors are boxes around each place of a feature, as centre and size in pixels of the image.
func (b *builder) anchors(x, image feature) string {
	stride := float64(image.height) / float64(x.height)
	var list []float32
	for row := range x.height {
		for column := range x.width {
			for _, size := range []float64{64, 128, 256, 512} {
				for _, shape := range []float64{0.5, 1, 2} {
					list = append(list, float32(stride*float64(column)), float32(stride*float64(row)), float32(size*math.Sqrt(shape)), float32(size/math.Sqrt(shape)))
				}
			}
		}
	}
	return b.constant("anchors", list, 1, len(list)/4, 4)
}

// decode moves and scales anchors by what was predicted of them, and returns corners.
func (b *builder) decode(predicted, anchors string) string {
	moves, base := b.split(predicted, 2, 2, 2), b.split(anchors, 2, 2, 2)
	centre := b.node("Add", nil, base[0], b.node("Mul", nil, base[1], moves[0]))
	half := b.node("Mul", nil, b.node("Mul", nil, base[1], b.node("Exp", nil, moves[1])), b.scalar("half", 0.5))
	return b.node("Concat", attributes{"axis": 2}, b.node("Sub", nil, centre, half), b.node("Add", nil, centre, half))
}
