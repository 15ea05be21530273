package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// deformConv is a convolution of two dimensions each of whose taps is moved by an offset of its own for each output position, and weighed by a mask
// (Zhu et al., "Deformable ConvNets v2", 2018). Inputs: X, W, the offsets (N×offset_group·taps·2×outputs, y before x), a bias and the mask
// (N×offset_group·taps×outputs). Taps between pixels are interpolated; outside is zero.
func deformConv() Op {
	return Op{
		Infer: inferDeformConv,
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			d, err := newDeformation(n)
			if err != nil {
				panic("ops: cost of a DeformConv that was not inferred: " + err.Error())
			}
			c.Kind = Conv
			if d.groups > 1 {
				c.Kind = GroupedConv
			}
			c.M, c.N, c.K, c.Groups, c.Steps = d.batch*d.positions, d.filters/d.groups, d.channels/d.groups*d.taps, d.groups, 1
			c.Window, c.Stride = [2]int{d.kernel[0], d.kernel[1]}, max(d.stride[0], d.stride[1])
			c.FLOPs = 2*float64(c.M)*float64(c.N)*float64(c.K)*float64(c.Groups) + 11*float64(c.M)*float64(d.channels*d.taps)
			return c
		},
		Prepare: byFloat(prepareDeformConv[float32], prepareDeformConv[float64]),
	}
}

// deformation is the geometry of a DeformConv.
type deformation struct {
	*window
	batch, channels, filters int
	groups, offsetGroups     int
	taps, positions          int
}

func newDeformation(n *graph.Node) (*deformation, error) {
	x, w := n.Inputs[0].Shape, n.Inputs[1].Shape
	if len(x) != 4 || len(w) != 4 {
		return nil, fmt.Errorf("input %s and weights %s; two spatial dimensions are supported", x, w)
	}
	win, err := windowOf(n, x[2:], w[2:])
	if err != nil {
		return nil, err
	}
	if k := n.Ints("kernel_shape"); k != nil && !w[2:].Equal(k) {
		return nil, fmt.Errorf("kernel_shape %v for weights %s", k, w)
	}
	d := &deformation{window: win, batch: x[0], channels: x[1], filters: w[0], groups: n.Int("group", 1), offsetGroups: n.Int("offset_group", 1),
		taps: w[2] * w[3], positions: win.out[0] * win.out[1]}
	if d.groups < 1 || d.offsetGroups < 1 || x[1]%d.groups != 0 || x[1]%d.offsetGroups != 0 || w[0]%d.groups != 0 || w[1] != x[1]/d.groups {
		return nil, fmt.Errorf("input %s and weights %s in %d groups, %d of offsets", x, w, d.groups, d.offsetGroups)
	}
	offsets := tensor.Shape{x[0], d.offsetGroups * d.taps * 2, win.out[0], win.out[1]}
	mask := offsets.Clone()
	mask[1] /= 2
	for i, want := range map[int]tensor.Shape{2: offsets, 3: {w[0]}, 4: mask} {
		if v := n.In(i); v != nil && v.Static() && !v.Shape.Equal(want) {
			return nil, fmt.Errorf("input %d is %s; %s is wanted", i, v.Shape, want)
		}
	}
	return d, nil
}

func inferDeformConv(n *graph.Node) error {
	if err := arity(n, 3, 5); err != nil {
		return err
	}
	if err := sameTypes(n, floats, 0, 1, 2, 3, 4); err != nil {
		return err
	}
	x, w := n.Inputs[0], n.Inputs[1]
	if !x.Static() || !w.Static() {
		yields(n, 0, x.DType, unknowns(4))
		return nil
	}
	d, err := newDeformation(n)
	if err != nil {
		return err
	}
	yields(n, 0, x.DType, tensor.Shape{d.batch, d.filters, d.out[0], d.out[1]})
	return nil
}

// prepareDeformConv gathers the taps of each position into a column, and multiplies the columns by the weights, sample by sample.
func prepareDeformConv[T real](n *graph.Node, t *Target) (Kernel, error) {
	d, err := newDeformation(n)
	if err != nil {
		return Kernel{}, err
	}
	filters, k := d.filters/d.groups, d.channels/d.groups*d.taps
	multiply := multiplierOf[T](t)(filters, d.positions, k, oneByOne(d.groups, filters, k), oneByOne(d.groups, k, d.positions),
		oneByOne(d.groups, filters, d.positions), false)
	columns := d.channels * d.taps * d.positions
	return Kernel{Class: "deformed conv", Scratch: roundUp(8*columns, 64), Bind: func(c *Call) func() error {
		gathered, _ := scratchOf[T](c.Scratch, columns)
		product := multiply(c)
		sample := 0
		gathering := inPieces(c.Team, d.channels*d.taps, 11*d.positions, func(from, to int) {
			for i := from; i < to; i++ {
				gatherTap(c, d, sample, i/d.taps, i%d.taps, gathered[i*d.positions:][:d.positions])
			}
		})
		return func() error {
			for sample = range d.batch {
				gathering.run(c.Team)
				out := elements[T](&c.Out[0].Tensor)[sample*d.filters*d.positions:][:d.filters*d.positions]
				product(elements[T](&c.In[1].Tensor), gathered, out)
				if len(c.In) > 3 && c.In[3] != nil {
					for f, b := range elements[T](&c.In[3].Tensor) {
						addTo(out[f*d.positions:][:d.positions], b)
					}
				}
			}
			return nil
		}
	}}, nil
}

func addTo[T real](x []T, b T) {
	for i := range x {
		x[i] += b
	}
}

// gatherTap reads one tap of one channel at all output positions.
func gatherTap[T real](c *Call, d *deformation, sample, channel, tap int, to []T) {
	height, width := d.in[0], d.in[1]
	plane := elements[T](&c.In[0].Tensor)[(sample*d.channels+channel)*height*width:][:height*width]
	set := (sample*d.offsetGroups+channel/(d.channels/d.offsetGroups))*d.taps + tap
	offsets := elements[T](&c.In[2].Tensor)[2*set*d.positions:][:2*d.positions]
	var mask []T
	if len(c.In) > 4 && c.In[4] != nil {
		mask = elements[T](&c.In[4].Tensor)[set*d.positions:][:d.positions]
	}
	for i := range to {
		y := float64(i/d.out[1]*d.stride[0]-d.begin[0]+tap/d.kernel[1]*d.dilation[0]) + float64(offsets[i])
		x := float64(i%d.out[1]*d.stride[1]-d.begin[1]+tap%d.kernel[1]*d.dilation[1]) + float64(offsets[d.positions+i])
		v := between(plane, height, width, y, x)
		if mask != nil {
			v *= float64(mask[i])
		}
		to[i] = T(v)
	}
}

// between interpolates a plane that is zero outside.
func between[T real](plane []T, height, width int, y, x float64) float64 {
	if !(y > -1 && y < float64(height) && x > -1 && x < float64(width)) {
		return 0
	}
	top, left := int(math.Floor(y)), int(math.Floor(x))
	fy, fx := y-float64(top), x-float64(left)
	at := func(y, x int) float64 {
		if y < 0 || y >= height || x < 0 || x >= width {
			return 0
		}
		return float64(plane[y*width+x])
	}
	return (1-fy)*((1-fx)*at(top, left)+fx*at(top, left+1)) + fy*((1-fx)*at(top+1, left)+fx*at(top+1, left+1))
}
