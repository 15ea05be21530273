package ops

import (
	"math"
	"math/bits"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// planePool pools dense planes of float32 a part at a time: some rows of outputs of one plane, or several small planes whole. A part's rows are laid out
// with their padding, one after the other; a window's fold then is one of long vectors, first down the rows and then along them, of all positions that a
// stride of 1 would have, of which those that the strides want are kept. Where rows and planes meet the folds mix what nobody reads.
type planePool struct {
	axes            [2]planeAxis // rows, columns
	pitch           int          // of a laid-out row
	padding         float32
	fold            func(dst, a, b []float32)
	before          func(dst, src []float32) // of each element; nil for none
	after           func(dst, src []float32) // of each output; nil for none
	scale           []float32                // of each output of a plane; nil for none
	times           func(dst, a, b []float32)
	planes          int // in all
	together, strip int // planes, and rows of outputs, in a part
	strips          int // of a plane
	room            int // elements of a part
}

// planeAxis is how a pool slides along one axis.
type planeAxis struct {
	in, out, taps, stride, dilation, begin int
}

// reach is how many elements side by side some outputs read.
func (a planeAxis) reach(outputs int) int {
	return (outputs-1)*a.stride + (a.taps-1)*a.dilation + 1
}

// planePart is how many elements of a part fit a near cache three times.
const planePart = 4 << 10

// planePooling pools planes of float32 as settle says, or by plain loops what is better off with them: three spatial axes, and padding far larger than
// the input.
func planePooling(plain preparer, settle func(n *graph.Node, p *planePool, v *vector.Funcs) error) preparer {
	return func(n *graph.Node, t *Target) (Kernel, error) {
		win, err := poolWindow(n)
		if err != nil {
			return Kernel{}, err
		}
		if len(win.in) > 2 {
			return plain(n, t)
		}
		if len(win.in) == 1 {
			win = win.over2()
		}
		p := &planePool{planes: n.In(0).Shape[:2].Elements()}
		for i := range p.axes {
			if most := win.in[i] + planePart; win.begin[i] > most || win.end[i] > most {
				return plain(n, t)
			}
			p.axes[i] = planeAxis{win.in[i], win.out[i], win.kernel[i], win.stride[i], win.dilation[i], win.begin[i]}
		}
		p.cut()
		v := vector.For(t.Features)
		if err := settle(n, p, v); err != nil {
			return Kernel{}, err
		}
		return p.kernel(t, v), nil
	}
}

// cut settles the parts. Strips of a plane overlap in what they read by no more than half.
func (p *planePool) cut() {
	rows, columns := p.axes[0], p.axes[1]
	p.pitch = max(columns.reach(columns.out), 1)
	if columns.begin == 0 {
		p.pitch = max(p.pitch, columns.in) // so that rows may lie as they do in the input
	}
	p.together, p.strip = 1, max(rows.out, 1)
	high := max(rows.reach(p.strip), rows.in)
	if whole := high * p.pitch; whole <= planePart {
		p.together = max(min(planePart/whole, p.planes), 1)
	} else {
		p.strip = min(max(planePart/p.pitch, 2*rows.reach(1))/rows.stride+1, p.strip)
	}
	if p.strips = ceilDiv(max(rows.out, 1), p.strip); p.strips > 1 {
		high = rows.reach(p.strip)
	}
	p.room = roundUp(p.together*high*p.pitch, 16)
}

// kernel is p's, on a vector's loops.
func (p *planePool) kernel(t *Target, v *vector.Funcs) Kernel {
	rows, columns, room := p.axes[0], p.axes[1], p.room
	in, out := rows.in*columns.in, rows.out*columns.out
	k := Kernel{Class: "pool planes " + v.Variant, Scratch: 3 * 4 * room * max(t.Threads, 1)}
	k.Bind = func(c *Call) func() error {
		team := teamFor(c.Team, p.planes*in)
		part := func(worker, i int) {
			floats, _ := scratchFloats(c.Scratch[worker*3*4*room:], 3*room)
			first := i / p.strips * p.together
			planes, y := min(p.together, p.planes-first), i%p.strips*p.strip
			src, dst := tensor.Data[float32](c.In[0].Tensor)[first*in:][:planes*in], tensor.Data[float32](c.Out[0].Tensor)[first*out:][:planes*out]
			p.part(dst, src, planes, y, min(p.strip, rows.out-y), [3][]float32{floats[:room], floats[room : 2*room], floats[2*room : 3*room]})
		}
		return func() error {
			if out > 0 {
				inParts(team, ceilDiv(p.planes, p.together)*p.strips, part)
			}
			return nil
		}
	}
	return k
}

// part makes count rows of outputs, from y on, of each of some planes.
func (p *planePool) part(dst, src []float32, planes, y, count int, room [3][]float32) {
	rows, columns := p.axes[0], p.axes[1]
	laid, each := p.lay(room[0], src, planes, y, count) // each: elements of a plane
	outputs := (planes-1)*each + ((count-1)*rows.stride+1)*p.pitch
	down, free := p.slide(laid, room[1], room[2], outputs, rows.taps, rows.dilation*p.pitch)
	other := room[0]
	if rows.taps == 1 {
		other = room[2]
	}
	outputs += (columns.out-1)*columns.stride + 1 - p.pitch // the last row is read no further
	across, _ := p.slide(down, free, other, outputs, columns.taps, columns.dilation)
	size := rows.out * columns.out
	for i := range planes {
		made := dst[i*size+y*columns.out:][:count*columns.out]
		for row := range count {
			every(made[row*columns.out:][:columns.out], across[i*each+row*rows.stride*p.pitch:], columns.stride)
		}
		if p.scale != nil {
			p.times(made, made, p.scale[y*columns.out:][:len(made)])
		}
		if p.after != nil {
			p.after(made, made)
		}
	}
}

// lay puts the rows that count outputs from y on read into room, with their padding, or returns them as they lie in src where that is the same.
func (p *planePool) lay(room, src []float32, planes, y, count int) (laid []float32, each int) {
	rows, columns := p.axes[0], p.axes[1]
	first, high, in := y*rows.stride-rows.begin, rows.reach(count), rows.in*columns.in
	inside := first >= 0 && first+high <= rows.in
	if inside && p.pitch == columns.in && columns.begin == 0 && p.before == nil {
		return src[first*columns.in:], in
	}
	each = high * p.pitch
	laid = room[:planes*each]
	width := min(columns.in, p.pitch-columns.begin)
	if !inside || width < p.pitch {
		fill(laid, p.padding)
	}
	for i := range planes {
		for row := max(-first, 0); row < min(high, rows.in-first) && width > 0; row++ {
			copy(laid[i*each+row*p.pitch+columns.begin:][:width], src[i*in+(first+row)*columns.in:])
		}
	}
	if p.before != nil {
		p.before(laid, laid)
	}
	return laid, each
}

// slide folds, from each of the first count elements on, taps elements that lie step apart. Two windows make one twice as long, and one element more one
// of odd length. What is done lies in one of the spare slices, or for one tap in itself; free is one where it does not.
func (p *planePool) slide(in, spare, other []float32, count, taps, step int) (done, free []float32) {
	done = in
	for bit := bits.Len(uint(taps)) - 2; bit >= 0; bit-- {
		half, next := taps>>(bit+1), taps>>bit
		n := count + (taps-next)*step
		p.fold(spare[:n], done[:n], done[half*step:][:n])
		if next%2 == 1 {
			p.fold(spare[:n], spare[:n], in[2*half*step:][:n])
		}
		done, spare, other = spare, other, spare
	}
	return done, spare
}

// every copies each stride-th element of src.
func every(dst, src []float32, stride int) {
	if len(dst) == 0 {
		return
	}
	src = src[:(len(dst)-1)*stride+1]
	switch stride {
	case 1:
		copy(dst, src)
	case 2:
		for len(dst) > 4 {
			d, s := dst[:4], src[:8]
			d[0], d[1], d[2], d[3] = s[0], s[2], s[4], s[6]
			dst, src = dst[4:], src[8:]
		}
		fallthrough
	default:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+stride {
			dst[i] = src[at]
		}
	}
}

// maxOfWindows, averageOfWindows and powerOfWindows settle how a pool's windows become numbers.
func maxOfWindows(_ *graph.Node, p *planePool, v *vector.Funcs) error {
	p.fold, p.padding = v.Binary[vector.Max], float32(math.Inf(-1))
	return nil
}

func averageOfWindows(n *graph.Node, p *planePool, v *vector.Funcs) error {
	p.fold, p.times = v.Binary[vector.Add], v.Binary[vector.Mul]
	win, err := poolWindow(n)
	if err != nil {
		return err
	}
	counts := [2][]int{}
	for i := range counts {
		counts[i] = win.counts(i-2+len(win.in), p.axes[i].out, n.Int("count_include_pad", 0) != 0)
	}
	for _, y := range counts[0] {
		for _, x := range counts[1] {
			p.scale = append(p.scale, 1/float32(y*x))
		}
	}
	return nil
}

func powerOfWindows(n *graph.Node, p *planePool, v *vector.Funcs) error {
	p.fold, p.before = v.Binary[vector.Add], v.Unary[vector.Abs]
	if n.Int("p", 2) == 2 {
		times := v.Binary[vector.Mul]
		p.before, p.after = func(dst, src []float32) { times(dst, src, src) }, v.Unary[vector.Sqrt]
	}
	return nil
}

// prepareLpPool takes vectors for the powers that need no logarithm.
func prepareLpPool(n *graph.Node, t *Target) (Kernel, error) {
	if power := n.Int("p", 2); power != 1 && power != 2 {
		return plainLpPool[float32](n, t)
	}
	return planePooling(plainLpPool[float32], powerOfWindows)(n, t)
}
