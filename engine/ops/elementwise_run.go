package ops

import (
	"math"

	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// fusedPlan is a prepared eiplan/Elementwise.
type fusedPlan struct {
	v        *vector.Funcs
	lattice  lattice
	operands []fusedOperand
	steps    []fusedStep
	narrow   bool // the output is bfloat16
	buffers  int  // blocks of scratch memory

	pixel, channels int // elements of a pixel and how many of them count; 0 where all do
	clears          bool
}

// fusedOperand is what a fused node reads.
type fusedOperand struct {
	input    int // of the node; none for a constant
	constant []float32
	narrow   bool // bfloat16 in memory
	reach    reach
	buffer   int // block of scratch memory in which it is laid out or widened; none where it is read in place
}

// allocate gives temporaries and operands their buffers and settles ids: operands first, then buffers, then the output.
func (p *fusedPlan) allocate() {
	for i := range p.operands {
		o := &p.operands[i]
		o.buffer = none
		o.reach = p.lattice.reach(&p.lattice.operands[i])
		if o.reach == tiled || o.reach == rowwise || o.narrow && o.reach == direct {
			o.buffer = p.buffers
			p.buffers++
		}
	}
	last := map[int]int{} // the step that reads a temporary last
	for k, s := range p.steps {
		last[s.a], last[s.b] = k, k
	}
	where := map[int]int{}
	var free []int
	first := len(p.operands)
	place := func(id int) int {
		if id >= 0 {
			return id
		}
		return first + where[id]
	}
	for k := range p.steps {
		s := &p.steps[k]
		a, b, result := s.a, s.b, s.result
		s.a, s.b = place(a), place(b)
		if a < 0 && last[a] == k {
			free = append(free, where[a])
		}
		if b < 0 && b != a && last[b] == k {
			free = append(free, where[b])
		}
		if k == len(p.steps)-1 {
			s.result = none // the output
			break
		}
		if len(free) == 0 {
			free = append(free, p.buffers)
			p.buffers++
		}
		where[result], free = free[len(free)-1], free[:len(free)-1]
		s.result = first + where[result]
	}
	if p.narrow {
		p.buffers++ // for the output before it is rounded
	}
}

// scratch is what one worker needs, in bytes.
func (p *fusedPlan) scratch() int { return p.buffers * p.blockBytes() }

func (p *fusedPlan) blockBytes() int { return roundUp(4*p.lattice.most, 64) }

// keepsZeros reports whether zeros in give zeros out: channels after the last stay zero then.
func (p *fusedPlan) keepsZeros() bool {
	values := make([]float32, len(p.operands)+p.buffers)
	for i, o := range p.operands {
		if len(o.constant) == 1 {
			values[i] = o.constant[0]
		}
	}
	var y float32
	for _, s := range p.steps {
		to := &y
		if s.result != none {
			to = &values[s.result]
		}
		dst := []float32{0}
		s.loop(dst, values[s.a:s.a+1], values[s.b:s.b+1])
		*to = dst[0]
	}
	return math.Float32bits(y) == 0
}

// bind fixes the memory of each worker.
func (p *fusedPlan) bind(c *Call) func() error {
	workers := make([]*fusedWorker, c.Team.Size())
	size := p.scratch()
	for i := range workers {
		workers[i] = p.worker(c.Scratch[i*size : (i+1)*size])
	}
	each := p.lattice.most * (len(p.steps) + 1) / 2
	count := 1
	if total := p.lattice.blocks * each; total >= 2*worthwhile {
		count = min(p.lattice.blocks, 4*len(workers), total/worthwhile)
	}
	run := 0
	part := func(worker, i int) {
		w := workers[worker]
		if w.run != run {
			w.run = run
			w.begin(c)
		}
		for b := p.lattice.blocks * i / count; b < p.lattice.blocks*(i+1)/count; b++ {
			w.block(b)
		}
	}
	return func() error {
		run++
		inParts(c.Team, count, part)
		return nil
	}
}

// fusedWorker is one worker's memory, and the memory of the session that it works on in this run.
type fusedWorker struct {
	*fusedPlan
	run     int
	views   [][]float32 // by id
	buffers [][]float32
	single  []float32 // the elements that stand for a block, by operand
	wide    [][]float32
	short   [][]uint16
	tiled   []int // the place, by operand, of the row that its buffer repeats; none before the first
	out     []float32
	outBF16 []uint16
}

func (p *fusedPlan) worker(scratch []byte) *fusedWorker {
	count := len(p.operands)
	w := &fusedWorker{
		fusedPlan: p, views: make([][]float32, count+p.buffers), single: make([]float32, count),
		wide: make([][]float32, count), short: make([][]uint16, count), tiled: make([]int, count),
	}
	for range p.buffers {
		var b []float32
		b, _ = scratchFloats(scratch, p.lattice.most)
		w.buffers = append(w.buffers, b)
		scratch = scratch[p.blockBytes():]
	}
	return w
}

// begin looks up the memory of this run.
func (w *fusedWorker) begin(c *Call) {
	for i := range w.operands {
		o := &w.operands[i]
		w.tiled[i] = none
		switch {
		case o.input == none:
			w.wide[i] = o.constant
		case o.narrow:
			w.short[i] = tensor.Data[uint16](c.In[o.input].Tensor)
		default:
			w.wide[i] = tensor.Data[float32](c.In[o.input].Tensor)
		}
	}
	if w.narrow {
		w.outBF16 = tensor.Data[uint16](c.Out[0].Tensor)
	} else {
		w.out = tensor.Data[float32](c.Out[0].Tensor)
	}
}

// block computes one block.
func (w *fusedWorker) block(i int) {
	l := &w.lattice
	b := l.block(i)
	n := b.rows * b.pieces
	for k := range w.operands {
		w.views[k] = w.operand(k, b, n)
	}
	for k, buffer := range w.buffers {
		w.views[len(w.operands)+k] = buffer[:n]
	}
	at := l.at(&l.out, b)
	var out []float32
	if w.narrow {
		out = w.buffers[len(w.buffers)-1][:n]
	} else {
		out = w.out[at : at+n]
	}
	for k := range w.steps {
		s := &w.steps[k]
		dst := out
		if s.result != none {
			dst = w.views[s.result]
		}
		s.loop(dst, w.views[s.a], w.views[s.b])
	}
	if w.clears {
		for p := 0; p < n; p += w.pixel {
			clear(out[p+w.channels : p+w.pixel])
		}
	}
	if w.narrow {
		w.v.ToBF16(w.outBF16[at:at+n], out)
	}
}

// operand is what a block reads of an operand: n elements, or one that stands for all.
func (w *fusedWorker) operand(k int, b block, n int) []float32 {
	o, s := &w.operands[k], &w.lattice.operands[k]
	at := w.lattice.at(s, b)
	switch o.reach {
	case direct:
		if !o.narrow {
			return w.wide[k][at : at+n]
		}
		w.v.FromBF16(w.buffers[o.buffer][:n], w.short[k][at:at+n])
	case one:
		if !o.narrow {
			return w.wide[k][at : at+1]
		}
		w.single[k] = vector.WidenBF16(w.short[k][at])
		return w.single[k : k+1]
	case tiled:
		if w.tiled[k] != at {
			w.tiled[k] = at
			w.tile(k, at)
		}
	case rowwise:
		w.eachRow(k, at, b)
	}
	return w.buffers[o.buffer][:n]
}

// tile repeats the row at a place through the whole of an operand's buffer.
func (w *fusedWorker) tile(k, from int) {
	buffer := w.buffers[w.operands[k].buffer]
	w.widen(k, buffer[:w.lattice.row], from)
	for done := w.lattice.row; done < len(buffer); done *= 2 {
		copy(buffer[done:], buffer[:done])
	}
}

// widen copies elements of an operand from a place on.
func (w *fusedWorker) widen(k int, dst []float32, from int) {
	if w.operands[k].narrow {
		w.v.FromBF16(dst, w.short[k][from:from+len(dst)])
		return
	}
	copy(dst, w.wide[k][from:from+len(dst)])
}

// eachRow lays out a block of an operand of which each row is elsewhere, or one element.
func (w *fusedWorker) eachRow(k, at int, b block) {
	s := &w.lattice.operands[k]
	for r := range b.rows {
		row := w.buffers[w.operands[k].buffer][r*b.pieces : (r+1)*b.pieces]
		if s.row != 0 {
			w.widen(k, row, at+r*s.mid)
			continue
		}
		w.widen(k, row[:1], at+r*s.mid)
		fill(row, row[0])
	}
}
