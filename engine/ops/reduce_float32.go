package ops

import (
	"math"

	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/normalize"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// float32Reduction is a reduction of float32 by vector kernels: each element becomes a term, and terms are joined.
type float32Reduction struct {
	term   func(dst, x []float32)                // nil where an element is its own term
	whole  func(x []float32) float64             // joins contiguous terms
	direct func(x []float32, by float32) float64 // makes and joins the terms of contiguous elements, less by, in one; nil where there is no such kernel
	one    func(a, b float64) float64            // joins two
	join   func(dst, a, b []float32)             // joins rows of terms; nil where they are multiplied in float64
	end    func(dst []float32)                   // makes results of joined terms; nil where they are that
	shift  *float32Reduction                     // what is taken from elements first, and added to the result; nil for nothing
	sub    func(dst, a, b []float32)             // takes it from a row
	root   *accumulation[float64]                // makes roots of squares that float32 is too narrow for; nil for other results
}

// float32ReductionOf is the reduction of an operator over count elements.
func float32ReductionOf(op string, count int, t *Target) *float32Reduction {
	v := vector.For(t.Features)
	whole := func(op vector.ReduceOp) func(x []float32) float64 {
		reduce := v.Reduce[op]
		return func(x []float32) float64 { return float64(reduce(x)) }
	}
	unary := func(op vector.UnaryOp) func(dst []float32) {
		f := v.Unary[op]
		return func(dst []float32) { f(dst, dst) }
	}
	r := &float32Reduction{whole: whole(vector.Sum), join: v.Binary[vector.Add], one: func(a, b float64) float64 { return a + b }}
	switch op {
	case "ReduceMean":
		r.end = func(dst []float32) { v.Scalar[vector.MulScalar](dst, dst, 1/float32(count)) }
	case "ReduceMax":
		return &float32Reduction{whole: whole(vector.Maximum), join: v.Binary[vector.Max], one: func(a, b float64) float64 { return max(a, b) }}
	case "ReduceMin":
		return &float32Reduction{whole: whole(vector.Minimum), join: v.Binary[vector.Min], one: func(a, b float64) float64 { return min(a, b) }}
	case "ReduceProd":
		return &float32Reduction{whole: multiplied, one: func(a, b float64) float64 { return a * b }}
	case "ReduceL1":
		r.term = v.Unary[vector.Abs]
	case "ReduceSumSquare", "ReduceL2":
		squares := whole(vector.SumSquares)
		r.term, r.direct = func(dst, x []float32) { v.Binary[vector.Mul](dst, x, x) }, func(x []float32, _ float32) float64 { return squares(x) }
		if op == "ReduceL2" {
			root := reductionMeaning[float64](op, count)
			r.end, r.root = unary(vector.Sqrt), &root
		}
	case "ReduceLogSum":
		r.end = unary(vector.Log)
	case "ReduceLogSumExp":
		f := normalize.For(t.Features)
		r.term, r.direct = v.Unary[vector.Exp], func(x []float32, by float32) float64 { return float64(f.ExpSum(x, by)) }
		r.end, r.shift, r.sub = unary(vector.Log), float32ReductionOf("ReduceMax", count, t), v.Binary[vector.Sub]
	}
	return r
}

// multiplied is the product of elements, in float64, eight products at a time as each waits for the one before.
func multiplied(x []float32) float64 {
	a, b, c, d, e, f, g, h := 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0
	for ; len(x) >= 8; x = x[8:] {
		a, b, c, d = a*float64(x[0]), b*float64(x[1]), c*float64(x[2]), d*float64(x[3])
		e, f, g, h = e*float64(x[4]), f*float64(x[5]), g*float64(x[6]), h*float64(x[7])
	}
	for _, v := range x {
		a *= float64(v)
	}
	return a * b * (c * d) * (e * f * (g * h))
}

const (
	ownTerms     = 4 << 10 // terms that a part has room for
	ownColumns   = 2 << 10 // results of a part
	foldedRow    = 256     // elements of a row so short that rows are joined many at a time
	joinedRows   = 64      // rows that are joined on their own, so that a long sum loses less to rounding
	foldedColumn = 64      // elements of a row so short that rows are joined as columns
)

// ownFloats is the room of a part: terms, a row that others are joined in, what is taken from elements, and short rows as columns; or a row in float64.
type ownFloats struct {
	terms, joined, shift, tile []float32
	wide                       []float64
}

// float32Reduce reduces contiguous rows to elements, or rows to rows; nil where neither the innermost axis that goes nor that which stays is contiguous.
func float32Reduce(c *Call, op string, p *reduction, t *Target) func() error {
	if p.count == 0 || p.kept.rows*p.kept.row == 0 || p.reduced.inner() != 1 && p.kept.inner() != 1 {
		return nil
	}
	r, width := float32ReductionOf(op, p.count, t), min(p.kept.row, ownColumns)
	units, each := p.kept.rows*ceilDiv(p.kept.row, width), p.count*width
	do := func(own *ownFloats, from, to int) {
		perRow := ceilDiv(p.kept.row, width)
		for u := from; u < to; u++ {
			first := u % perRow * width
			r.columns(c, p, own, u/perRow, first, min(width, p.kept.row-first))
		}
	}
	switch {
	case r.short(p):
		m := move.For(t.Features)
		units, each = p.kept.row, p.count
		do = func(own *ownFloats, from, to int) { r.shortRows(c, p, own, m, from, to) }
	case p.reduced.inner() == 1:
		units, each = p.kept.rows*p.kept.row, p.count
		do = func(own *ownFloats, from, to int) { r.rows(c, p, own, from, to) }
	}
	work := inPieces(c.Team, units, each, nil)
	own := make([]ownFloats, work.parts)
	for i := range own {
		own[i] = r.own(p)
	}
	part := func(_, i int) { do(&own[i], work.n*i/work.parts, work.n*(i+1)/work.parts) }
	return func() error {
		inParts(c.Team, work.parts, part)
		return nil
	}
}

// own makes the room that a part needs.
func (r *float32Reduction) own(p *reduction) (o ownFloats) {
	width := min(p.kept.row, ownColumns)
	switch {
	case r.short(p):
		width = ownTerms / p.count &^ 15 // of whole vectors
		o.terms, o.tile, o.shift = make([]float32, ownTerms), make([]float32, ownTerms), make([]float32, width)
	case p.reduced.inner() == 1 && (r.term == nil || r.direct != nil):
	case p.reduced.inner() == 1:
		o.terms = make([]float32, min(ownTerms, p.reduced.row))
	case r.join == nil:
		o.wide = make([]float64, width)
	default:
		o.terms, o.joined = make([]float32, ownTerms), make([]float32, width)
		if r.shift != nil {
			o.shift = make([]float32, width)
		}
	}
	return o
}

// rows makes some results where the innermost axis goes.
func (r *float32Reduction) rows(c *Call, p *reduction, own *ownFloats, from, to int) {
	x, out := elements[float32](&c.In[0].Tensor), elements[float32](&c.Out[0].Tensor)
	step, row := p.kept.inner(), p.kept.row
	kept, i := p.kept.seek(from/row), from%row
	for at := from; at < to; at++ {
		base := kept.at[0] + i*step
		if r.shift == nil {
			out[at] = float32(r.position(x, base, p, own, 0))
		} else {
			by := finiteShift(float32(r.shift.position(x, base, p, own, 0)))
			out[at] = float32(math.Log(r.position(x, base, p, own, by)) + float64(by))
		}
		if i++; i == row {
			i = 0
			kept.next()
		}
	}
	if r.shift == nil {
		r.finish(x, out[from:to], p, from)
	}
}

// finiteShift is what is taken from elements of which the largest is given: nothing where that is infinite.
func finiteShift(largest float32) float32 {
	if math.IsInf(float64(largest), 0) {
		return 0
	}
	return largest
}

// position joins the terms of one position.
func (r *float32Reduction) position(x []float32, base int, p *reduction, own *ownFloats, by float32) float64 {
	joined := r.run(x[base:base+p.reduced.row], own, by)
	if p.reduced.rows == 1 {
		return joined
	}
	at := p.reduced.seek(0)
	for range p.reduced.rows - 1 {
		at.next()
		joined = r.one(joined, r.run(x[base+at.at[0]:][:p.reduced.row], own, by))
	}
	return joined
}

// run joins the terms of contiguous elements.
func (r *float32Reduction) run(x []float32, own *ownFloats, by float32) float64 {
	switch {
	case r.direct != nil:
		return r.direct(x, by)
	case r.term == nil:
		return r.whole(x)
	}
	joined := 0.0 // of sums, which are all that come here
	for len(x) > 0 {
		terms := own.terms[:min(len(x), len(own.terms))]
		r.term(terms, x[:len(terms)])
		joined += r.whole(terms)
		x = x[len(terms):]
	}
	return joined
}

// finish makes results of joined terms, of which the first belongs to a position. Roots of squares that overflow or vanish are made again in float64.
func (r *float32Reduction) finish(x, results []float32, p *reduction, first int) {
	if r.end != nil {
		r.end(results)
	}
	if r.root == nil {
		return
	}
	for i, v := range results {
		if !(v >= 1e-15 && v <= math.MaxFloat32) {
			kept := p.kept.seek((first + i) / p.kept.row)
			results[i] = float32(r.root.end(overReduced(x, kept.at[0]+(first+i)%p.kept.row*p.kept.inner(), p, *r.root, 0)))
		}
	}
}
