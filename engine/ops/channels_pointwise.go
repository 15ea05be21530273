package ops

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/models/tensor"
)

// pointwiseOps lists the elementwise operators that run on values in the Channels layout, by delegation: a row of pixels is to them a dense matrix of
// pixels × stride. keeps says that zeros in give zero out, so that the channels after the last stay zero; fill is what a constant with a number for
// each channel has there.
var pointwiseOps = map[string]struct {
	keeps bool
	fill  float32
}{
	"Abs": {true, 0}, "Add": {true, 0}, "Ceil": {true, 0}, "Celu": {true, 0}, "Clip": {false, 0}, "Div": {false, 1}, "Elu": {true, 0}, "Erf": {true, 0},
	"Exp": {false, 0}, "Floor": {true, 0}, "Gelu": {true, 0}, "HardSigmoid": {false, 0}, "HardSwish": {true, 0}, "LeakyRelu": {true, 0}, "Log": {false, 0},
	"Max": {true, 0}, "Min": {true, 0}, "Mish": {true, 0}, "Mul": {true, 1}, "Neg": {true, 0}, "PRelu": {true, 1}, "Pow": {false, 1}, "Relu": {true, 0},
	"Round": {true, 0}, "Selu": {true, 0}, "Sigmoid": {false, 0}, "Softplus": {false, 0}, "Softsign": {true, 0}, "Sqrt": {true, 0}, "Sub": {true, 0},
	"Sum": {true, 0}, "Swish": {true, 0}, "Tanh": {true, 0},
}

// fitsPointwise reports whether a node is elementwise, and each of its operands is an image of the output's shape, one pixel that every pixel meets,
// or a constant for each channel or for all.
func fitsPointwise(n *graph.Node) bool {
	if _, ok := pointwiseOps[n.Op]; !ok || n.Domain != "" || !image4(n.Outputs[0]) || len(n.Outputs) != 1 {
		return false
	}
	y := n.Outputs[0]
	whole := false
	for i, v := range n.Inputs {
		if v == nil || i > 0 && n.Op == "Clip" {
			if v != nil && !v.Known() {
				return false
			}
			continue
		}
		if v.DType != y.DType {
			return false
		}
		switch {
		case v.Const != nil && spreadsOverChannels(v.Shape, y.Shape):
		case image4(v) && v.Shape.Equal(y.Shape):
			whole = true
		case image4(v) && onePixel(v.Shape) && len(v.Shape) == len(y.Shape) && v.Shape[:2].Equal(y.Shape[:2]):
		default:
			return false
		}
	}
	return whole
}

// onePixel reports whether a shape N×C×1×1 has no extent in space.
func onePixel(s tensor.Shape) bool { return s[2:].Elements() == 1 }

// spreadsOverChannels reports whether a constant is one number, or one for each channel of y.
func spreadsOverChannels(c, y tensor.Shape) bool {
	for i, d := range c {
		at := i + len(y) - len(c)
		if d != 1 && (at != 1 || d != y[1]) {
			return false
		}
	}
	return len(c) <= len(y)
}

// preparePointwise binds the operator's own kernel to rows of pixels.
func preparePointwise(n *graph.Node, t *Target) (Kernel, error) {
	p := newPointwise(n)
	row := p.rowNode(n)
	op := Of(row)
	if err := op.Infer(row); err != nil {
		return Kernel{}, err
	}
	k, err := op.Prepare(row, t)
	if err != nil {
		return Kernel{}, err
	}
	inner, bind := roundUp(k.Scratch, 64), k.Bind
	k.Scratch = inner * max(t.Threads, 1)
	k.Bind = func(c *Call) func() error {
		workers := make([]*rowCall, c.Team.Size())
		for i := range workers {
			workers[i] = p.bindRow(c, row, c.Scratch[i*inner:(i+1)*inner], bind)
		}
		part := func(worker, i int) { p.run(workers[worker], c, i) }
		return func() error {
			inParts(c.Team, p.parts(), part)
			return nil
		}
	}
	return k, nil
}

// pointwise is an elementwise node over images, cut into rows of pixels that lie without a gap in all of them.
type pointwise struct {
	images int
	rows   int // in an image
	pixels int // in a row
	out    operandImage
	in     []operandImage // one for each input
	clear  bool           // the channels after the last
}

// operandImage is where an operand's rows begin.
type operandImage struct {
	conv.Image
	constant bool // dense; the same for each row
	pixel    bool // one pixel, which every pixel meets
	size     int  // bytes of an element
	bytes    int  // of a row
}

// wantedRow is the number of elements that a row should have, where it may be chosen.
const wantedRow = 16 << 10

func newPointwise(n *graph.Node) *pointwise {
	y := n.Outputs[0]
	height, width := planeOf(y.Shape)
	p := &pointwise{images: y.Shape[0], rows: height, pixels: width, out: operandImage{Image: imageOf(y)}}
	whole := y.Layout == ChannelsOf(y.Shape)
	for _, v := range n.Inputs {
		var o operandImage
		switch {
		case v == nil || v.Const != nil:
			o.constant = true
		default:
			o.Image, o.pixel = imageOf(v), onePixel(v.Shape) && !onePixel(y.Shape)
			whole = whole && (o.pixel || v.Layout == ChannelsOf(v.Shape))
		}
		p.in = append(p.in, o)
	}
	for whole && p.rows%2 == 0 && p.pixels*p.out.PixelPitch < wantedRow {
		p.rows, p.pixels = p.rows/2, p.pixels*2
	}
	size := y.DType.Bits() / 8
	p.out.size, p.out.bytes = size, size*p.pixels*p.out.PixelPitch
	for i := range p.in {
		o := &p.in[i]
		if o.size, o.bytes = size, p.out.bytes; o.pixel {
			o.bytes = size * o.PixelPitch
		}
	}
	p.clear = y.Shape[1] != y.Layout.Stride && !staysZero(n)
	return p
}

// staysZero reports whether zeros in the channels after the last give zeros there: not so where a number that stands for all channels is added.
func staysZero(n *graph.Node) bool {
	if n.Op != "Mul" && n.Op != "PRelu" {
		for _, v := range n.Inputs {
			if v.Known() && v.Const.Len() == 1 {
				return false
			}
		}
	}
	return pointwiseOps[n.Op].keeps
}

// rowNode is the node as it applies to one row: matrices of pixels × stride.
func (p *pointwise) rowNode(n *graph.Node) *graph.Node {
	row := *n
	stride := p.out.PixelPitch
	row.Inputs = slices.Clone(n.Inputs)
	for i, v := range n.Inputs {
		switch {
		case v == nil:
		case v.Const != nil && v.Const.Len() != 1:
			row.Inputs[i] = channelRow(v, stride, pointwiseOps[n.Op].fill)
		case v.Const != nil:
		case p.in[i].pixel:
			row.Inputs[i] = &graph.Value{Name: v.Name, DType: v.DType, Shape: tensor.Shape{1, stride}}
		default:
			row.Inputs[i] = &graph.Value{Name: v.Name, DType: v.DType, Shape: tensor.Shape{p.pixels, stride}}
		}
	}
	y := n.Outputs[0]
	row.Outputs = []*graph.Value{{Name: y.Name, DType: y.DType, Shape: tensor.Shape{p.pixels, stride}}}
	return &row
}

// channelRow is a constant of one number for each channel, with fill for the channels after the last.
func channelRow(v *graph.Value, stride int, fill float32) *graph.Value {
	t := tensor.New(v.DType, tensor.Shape{1, stride})
	if v.DType == tensor.BFloat16 {
		data := tensor.Data[uint16](t)
		for i := copy(data, constant[uint16](v)); i < stride; i++ {
			data[i] = tensor.BFloat16Bits(fill)
		}
	} else {
		data := tensor.Data[float32](t)
		for i := copy(data, constant[float32](v)); i < stride; i++ {
			data[i] = fill
		}
	}
	return &graph.Value{Name: v.Name, DType: v.DType, Shape: t.Shape, Const: &t}
}

// rowCall is the kernel bound for one worker, whose slots are laid over one row after the other.
type rowCall struct {
	in, out []*Slot
	work    func() error
}

func (p *pointwise) bindRow(c *Call, row *graph.Node, scratch []byte, bind func(*Call) func() error) *rowCall {
	r := &rowCall{in: make([]*Slot, len(row.Inputs)), out: []*Slot{{}}}
	for i, v := range row.Inputs {
		switch {
		case v == nil:
		case v.Const != nil:
			r.in[i] = &Slot{Tensor: tensor.Aligned(*v.Const)}
		default:
			r.in[i] = &Slot{Tensor: tensor.Tensor{DType: v.DType, Shape: v.Shape}}
		}
	}
	y := row.Outputs[0]
	r.out[0].Tensor = tensor.Tensor{DType: y.DType, Shape: y.Shape}
	r.work = bind(&Call{In: r.in, Out: r.out, Scratch: scratch})
	return r
}

func (p *pointwise) parts() int { return p.images * p.rows }

// run computes one row.
func (p *pointwise) run(r *rowCall, c *Call, part int) {
	image, y := part/p.rows, part%p.rows*(p.out.Height/p.rows)
	for i := range p.in {
		if o := &p.in[i]; !o.constant && r.in[i] != nil {
			r.in[i].Bytes = o.row(c.In[i].Bytes, image, y)
		}
	}
	r.out[0].Bytes = p.out.row(c.Out[0].Bytes, image, y)
	if err := r.work(); err != nil {
		panic("ops: an elementwise kernel failed: " + err.Error())
	}
	if p.clear {
		clearAfter(r.out[0].Bytes, p.out.Channels*p.out.size, p.out.PixelPitch*p.out.size)
	}
}

// row is the memory of an operand's row, or of its only pixel.
func (o *operandImage) row(all []byte, image, y int) []byte {
	if o.pixel {
		y = 0
	}
	at := o.Index(image, 0, y, 0) * o.size
	return all[at : at+o.bytes]
}

// clearAfter zeroes each pixel's bytes from the given one on.
func clearAfter(row []byte, from, pitch int) {
	for ; len(row) >= pitch; row = row[pitch:] {
		clear(row[from:pitch])
	}
}
