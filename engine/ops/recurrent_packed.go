package ops

import (
	"strings"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// packedRecurrence runs a recurrent node of float32 with constant weights: what the inputs give to the gates of all steps is one product, and each
// step is another, of the last states of the whole batch.
type packedRecurrence struct {
	*recurrence
	v      *vector.Funcs
	inputs []*gemm.Panels // W of each direction
	states []*stepWeights // R, or its first gates
	last   []*stepWeights // the last gate's part of R, where that waits for the others; nil elsewhere
	bias   [][]float32    // of the input's product
	rest   [][]float32    // of the state's product; nil for none
	update func(s gateRow)
	wait   func(s gateRow) // makes tmp, what the last gate's product takes, where that waits
}

// gateRow is one sequence's step: the gates' sums from the input and from the state, and the states to bring forward.
type gateRow struct {
	x, r, h, c, tmp []float32
}

// packableRecurrence reports whether a node has what the packed kernels want: constant weights and the usual functions.
func packableRecurrence(n *graph.Node, r *recurrence, usual string) bool {
	for i := range n.Inputs {
		v := n.In(i)
		switch {
		case v == nil || i == inputX || i == inputLengths || i == inputState || i == inputCell:
		case i == inputPeepholes || !v.Known() || v.DType != tensor.Float32:
			return false
		}
	}
	var names []string
	for _, a := range r.activations {
		names = append(names, a.name)
	}
	want := strings.TrimSpace(strings.Repeat(usual+" ", len(r.backward)))
	return strings.Join(names, " ") == want && r.clip == 0 && n.Int("input_forget", 0) == 0 && r.steps*r.batch*r.input*r.hidden > 0
}

// newPackedRecurrence packs the weights of all directions. The first gates of R go into one product, and the others, if any, into another.
func newPackedRecurrence(n *graph.Node, t *Target, r *recurrence, first int) (*packedRecurrence, error) {
	p := &packedRecurrence{recurrence: r, v: vector.For(t.Features)}
	w, rec := constant[float32](n.In(inputW)), constant[float32](n.In(inputR))
	wide := r.gates * r.hidden
	for d := range r.backward {
		from := w[d*wide*r.input:][:wide*r.input]
		panels, err := gemm.Pack(t.Weights(), gemm.ChooseWhole(t.Features, gemm.FP32, r.steps*r.batch, wide, r.input), from, r.input, wide, r.input, true)
		if err != nil {
			return nil, err
		}
		p.inputs = append(p.inputs, panels)
		of := rec[d*wide*r.hidden:][:wide*r.hidden]
		states, err := newStepWeights(t, of[:first*r.hidden*r.hidden], r.batch, r.hidden)
		if err != nil {
			return nil, err
		}
		p.states = append(p.states, states)
		if first < r.gates {
			last, err := newStepWeights(t, of[first*r.hidden*r.hidden:], r.batch, r.hidden)
			if err != nil {
				return nil, err
			}
			p.last = append(p.last, last)
		}
	}
	return p, nil
}

// biases splits B between the two products: the state's keeps that of the gates from kept on, the input's takes the others.
func (p *packedRecurrence) biases(n *graph.Node, kept int) {
	wide := p.gates * p.hidden
	p.bias, p.rest = make([][]float32, len(p.backward)), make([][]float32, len(p.backward))
	if n.In(inputB) == nil {
		return
	}
	b := constant[float32](n.In(inputB))
	for d := range p.backward {
		sum, rest := make([]float32, wide), make([]float32, wide)
		for i := range wide {
			sum[i] = b[d*2*wide+i]
			if i < kept*p.hidden {
				sum[i] += b[(d*2+1)*wide+i]
			} else {
				rest[i] = b[(d*2+1)*wide+i]
			}
		}
		p.bias[d] = sum
		if kept < p.gates {
			p.rest[d] = rest
		}
	}
}

// kernel makes the node's kernel.
func (p *packedRecurrence) kernel() Kernel {
	used := p.inputs[0].Kernel()
	wide := p.gates * p.hidden
	perDirection := roundUp(p.steps*p.batch*wide, 16) + p.batch*p.pitch() + 3*roundUp(p.batch*p.hidden, 16)
	k := Kernel{Class: "recurrent " + used.String(), Scratch: 4 * perDirection * len(p.backward), Packed: []int{inputW, inputR, inputB}}
	k.Bind = func(c *Call) func() error {
		runs := make([]*directionRun, len(p.backward))
		for d := range runs {
			runs[d] = p.bindDirection(c, d, c.Scratch[4*perDirection*d:])
		}
		direction := func(_, d int) { runs[d].steps() }
		return func() error {
			for _, r := range runs {
				r.project()
			}
			inParts(c.Team, len(runs), direction)
			return nil
		}
	}
	return k
}

// directionRun is one direction bound to a session.
type directionRun struct {
	p                  *packedRecurrence
	c                  *Call
	d                  int
	input              *gemm.Call
	state, last        *stepProduct
	x, r, h, cell, tmp []float32
}

func (p *packedRecurrence) bindDirection(c *Call, d int, scratch []byte) *directionRun {
	run := &directionRun{p: p, c: c, d: d}
	wide := p.gates * p.hidden
	run.x, scratch = scratchFloats(scratch, p.steps*p.batch*wide)
	run.r, scratch = scratchFloats(scratch, p.batch*p.pitch())
	run.h, scratch = scratchFloats(scratch, p.batch*p.hidden)
	run.cell, scratch = scratchFloats(scratch, p.batch*p.hidden)
	run.tmp, _ = scratchFloats(scratch, p.batch*p.hidden)
	run.input = bindStep(p.inputs[d], p.steps*p.batch, c.Team.Size(), p.bias[d])
	rest := p.rest[d]
	if p.last != nil {
		var later []float32
		if split := wide - p.last[d].columns; rest != nil {
			rest, later = rest[:split], rest[split:]
		}
		run.last = p.last[d].bind(p.v, p.batch, later)
	}
	run.state = p.states[d].bind(p.v, p.batch, rest)
	return run
}

// pitch is the elements from one sequence's gates, as the states give them, to the next one's: products may write whole vectors.
func (p *packedRecurrence) pitch() int {
	return roundUp(p.gates*p.hidden, vector.MatVecLanes) + vector.MatVecLanes
}

// project computes what the inputs of all steps give to the gates.
func (run *directionRun) project() {
	wide := run.p.gates * run.p.hidden
	run.input.Run(run.c.Team, rowsOf(run.c.In[inputX].Tensor, run.p.input), gemm.Matrix{F32: run.x, Stride: wide}, gemm.Matrix{})
}

// steps runs the direction to its end.
func (run *directionRun) steps() {
	p, c := run.p, run.c
	wide, size := p.gates*p.hidden, p.hidden
	for b := range p.batch {
		place := p.statePlace(run.d, b)
		loadState(c, inputState, place, run.h[b*size:][:size])
		loadState(c, inputCell, place, run.cell[b*size:][:size])
	}
	for i := range p.steps {
		run.state.run(run.r, p.pitch(), run.h, size)
		if run.last != nil {
			for b := range p.batch {
				p.wait(run.row(i, b))
			}
			run.last.run(run.r[wide-p.last[run.d].columns:], p.pitch(), run.tmp, size)
		}
		for b := range p.batch {
			if i >= p.length(c, b) {
				fill(outputRow[float32](p.recurrence, c, i, run.d, b), 0)
				continue
			}
			s := run.row(i, b)
			p.update(s)
			copy(outputRow[float32](p.recurrence, c, run.at(i, b), run.d, b), s.h)
		}
	}
	for b := range p.batch {
		place := p.statePlace(run.d, b)
		storeState(c, 1, place, run.h[b*size:][:size])
		storeState(c, 2, place, run.cell[b*size:][:size])
	}
}

// at is the step of the input that a sequence takes as its i-th.
func (run *directionRun) at(i, b int) int {
	if n := run.p.length(run.c, b); run.p.backward[run.d] && i < n {
		return n - 1 - i
	}
	return i
}

// row is one sequence's view of a step.
func (run *directionRun) row(i, b int) gateRow {
	wide, size := run.p.gates*run.p.hidden, run.p.hidden
	return gateRow{
		x: run.x[run.p.position(run.at(i, b), b)*wide:][:wide], r: run.r[b*run.p.pitch():][:wide],
		h: run.h[b*size:][:size], c: run.cell[b*size:][:size], tmp: run.tmp[b*size:][:size],
	}
}

// packedLSTM is the LSTM of the usual functions: sigmoids for the gates i, o and f, and tanh.
func packedLSTM(n *graph.Node, t *Target, r *recurrence) (Kernel, error) {
	p, err := newPackedRecurrence(n, t, r, lstmGates)
	if err != nil {
		return Kernel{}, err
	}
	p.biases(n, lstmGates)
	v, size := p.v, r.hidden
	p.update = func(s gateRow) {
		v.Binary[vector.Add](s.x, s.x, s.r)
		v.Unary[vector.Sigmoid](s.x[:3*size], s.x[:3*size])
		v.Unary[vector.Tanh](s.x[3*size:], s.x[3*size:])
		in, out, forget, cell := s.x[:size], s.x[size:2*size], s.x[2*size:3*size], s.x[3*size:]
		v.Binary[vector.Mul](s.c, s.c, forget)
		v.Binary[vector.Mul](in, in, cell)
		v.Binary[vector.Add](s.c, s.c, in)
		v.Unary[vector.Tanh](s.h, s.c)
		v.Binary[vector.Mul](s.h, s.h, out)
	}
	return p.kernel(), nil
}

// packedGRU is the GRU of the usual functions. Where the reset comes before the product with Rh, that product waits for it.
func packedGRU(n *graph.Node, t *Target, r *recurrence, linear bool) (Kernel, error) {
	first := gruGates - 1
	if linear {
		first = gruGates
	}
	p, err := newPackedRecurrence(n, t, r, first)
	if err != nil {
		return Kernel{}, err
	}
	kept := gruGates
	if linear {
		kept = gruGates - 1
	}
	p.biases(n, kept)
	v, size := p.v, r.hidden
	gates := func(s gateRow) {
		v.Binary[vector.Add](s.x[:2*size], s.x[:2*size], s.r[:2*size])
		v.Unary[vector.Sigmoid](s.x[:2*size], s.x[:2*size])
	}
	p.wait = func(s gateRow) {
		gates(s)
		v.Binary[vector.Mul](s.tmp, s.h, s.x[size:2*size])
	}
	p.update = func(s gateRow) {
		update, candidate, last := s.x[:size], s.x[2*size:], s.r[2*size:]
		if linear {
			gates(s)
			v.Binary[vector.Mul](last, last, s.x[size:2*size])
		}
		v.Binary[vector.Add](candidate, candidate, last)
		v.Unary[vector.Tanh](candidate, candidate)
		v.Binary[vector.Sub](s.h, s.h, candidate)
		v.Binary[vector.Mul](s.h, s.h, update)
		v.Binary[vector.Add](s.h, s.h, candidate)
	}
	return p.kernel(), nil
}

// packedRNN is the RNN of tanh.
func packedRNN(n *graph.Node, t *Target, r *recurrence) (Kernel, error) {
	p, err := newPackedRecurrence(n, t, r, 1)
	if err != nil {
		return Kernel{}, err
	}
	p.biases(n, 1)
	p.update = func(s gateRow) {
		p.v.Binary[vector.Add](s.x, s.x, s.r)
		p.v.Unary[vector.Tanh](s.h, s.x)
	}
	return p.kernel(), nil
}
