package ops

import (
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// resizeFloats is the weighing Resize of float32: of one axis, or of two that are neighbours, and by resizeLinear of any others.
func resizeFloats(v *vector.Funcs) resizing {
	return func(c *Call, s *sampling, x, y tensor.Shape, axes []axisPlan) func() {
		fits := len(axes) == 1 || len(axes) == 2 && axes[0].axis+1 == axes[1].axis
		for _, a := range axes {
			fits = fits && a.outside == nil && a.weight != nil
		}
		if !fits {
			return resizeLinear[float32](c, s, x, y, axes)
		}
		first, last := axes[0], axes[len(axes)-1]
		p := &planeResize{v: v, inner: span(x, last.axis+1, len(x)), planes: span(x, 0, first.axis)}
		switch {
		case len(axes) == 2:
			p.rows, p.columns = first, last
		case p.inner == 1:
			p.rows, p.columns = kept(), last
		default:
			p.rows, p.columns = first, kept()
		}
		p.pairs = p.columns.pairs()
		return p.bind(c)
	}
}

// kept is the plan of an axis of one element, which stays.
func kept() axisPlan { return axisPlan{in: 1, out: 1, width: 1, at: []int{0}, weight: []float32{1}} }

// planeResize resizes planes of rows×columns×inner elements. Where rows become fewer, those that make up a row of the output are summed up first and its
// columns then made of the sum; else the columns of each row come first, and are kept for the next outputs.
type planeResize struct {
	v             *vector.Funcs
	rows, columns axisPlan
	inner, planes int
	pairs         tapPairs // the columns, where each is of two
}

// tapPairs are the taps of outputs of two each, the first ones side by side and the second ones: so loops over them check few bounds.
type tapPairs struct {
	low, high             []int
	lowWeight, highWeight []float32
}

// pairs is empty for a plan of another width.
func (a *axisPlan) pairs() (t tapPairs) {
	for o := 0; a.width == 2 && o < a.out; o++ {
		t.low, t.high = append(t.low, a.at[2*o]), append(t.high, a.at[2*o+1])
		t.lowWeight, t.highWeight = append(t.lowWeight, a.weight[2*o]), append(t.highWeight, a.weight[2*o+1])
	}
	return t
}

func (t *tapPairs) blend(dst, src []float32) {
	low, high, lowWeight, highWeight := t.low[:len(dst)], t.high[:len(dst)], t.lowWeight[:len(dst)], t.highWeight[:len(dst)]
	for o := range dst {
		dst[o] = src[low[o]]*lowWeight[o] + src[high[o]]*highWeight[o]
	}
}

// resizePart is about how many outputs a worker makes at a time.
const resizePart = 16 << 10

func (p *planeResize) bind(c *Call) func() {
	height, from, to := p.rows.out, p.columns.in*p.inner, p.columns.out*p.inner
	strip := min(max(resizePart/max(to, 1), 4*p.rows.width), max(height, 1))
	strips := ceilDiv(height, strip)
	done := make([][]resizedRows, max(c.Team.Size(), 1))
	for i := range done {
		done[i] = make([]resizedRows, p.rows.width)
		for j := range done[i] {
			done[i][j].elements = make([]float32, max(from, to))
		}
	}
	part := func(worker, i int) {
		plane, y := i/strips, i%strips*strip
		src := tensor.Data[float32](c.In[0].Tensor)[plane*p.rows.in*from:][:p.rows.in*from]
		dst := tensor.Data[float32](c.Out[0].Tensor)[plane*height*to:][:height*to]
		p.strip(dst, src, y, min(y+strip, height), done[worker])
	}
	return func() {
		if to > 0 {
			inParts(c.Team, p.planes*strips, part)
		}
	}
}

// resizedRows is a row of the input whose columns are made.
type resizedRows struct {
	row      int
	elements []float32
}

// strip makes the rows [y, end) of one plane.
func (p *planeResize) strip(dst, src []float32, y, end int, done []resizedRows) {
	a, from, to := &p.rows, p.columns.in*p.inner, p.columns.out*p.inner
	for i := range done {
		done[i].row = -1
	}
	for ; y < end; y++ {
		row := dst[y*to:][:to]
		if a.out < a.in {
			sum := done[0].elements[:from]
			for j := range a.width {
				p.add(sum, src[a.at[y*a.width+j]*from:][:from], a.weight[y*a.width+j], j == 0)
			}
			p.across(row, sum)
			continue
		}
		for j := range a.width {
			at := a.at[y*a.width+j]
			d := &done[at%a.width] // the rows of one output lie side by side, so each has a place of its own
			if d.row != at {
				d.row = at
				p.across(d.elements[:to], src[at*from:][:from])
			}
			p.add(row, d.elements[:to], a.weight[y*a.width+j], j == 0)
		}
	}
}

// add sums up weighted rows; the first begins the sum.
func (p *planeResize) add(sum, row []float32, weight float32, first bool) {
	if first {
		p.v.Scalar[vector.MulScalar](sum, row, weight)
		return
	}
	p.v.Axpy(sum, row, weight)
}

// across makes the columns of one row.
func (p *planeResize) across(dst, src []float32) {
	a := &p.columns
	switch at, weight := a.at, a.weight; {
	case a.width == 1:
		copy(dst, src)
	case p.inner > 1:
		for o := range a.out {
			to := dst[o*p.inner:][:p.inner]
			for j := range a.width {
				p.addPixel(to, src[at[o*a.width+j]*p.inner:][:p.inner], weight[o*a.width+j], j == 0)
			}
		}
	case a.width == 2:
		p.pairs.blend(dst, src)
	case a.width == 4:
		for o := range dst {
			i, w := at[4*o:][:4], weight[4*o:][:4]
			dst[o] = src[i[0]]*w[0] + src[i[1]]*w[1] + (src[i[2]]*w[2] + src[i[3]]*w[3])
		}
	default:
		for o := range dst {
			i, w, sum := at[o*a.width:][:a.width], weight[o*a.width:][:a.width], float32(0)
			for j, at := range i {
				sum += src[at] * w[j]
			}
			dst[o] = sum
		}
	}
}

// addPixel is add for as few elements as a pixel may have.
func (p *planeResize) addPixel(sum, pixel []float32, weight float32, first bool) {
	const few = 8
	if len(sum) >= few {
		p.add(sum, pixel, weight, first)
		return
	}
	for i, v := range pixel {
		if first {
			sum[i] = 0
		}
		sum[i] += v * weight
	}
}
