package isa

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Partials are running results of a reduction, several so that they don't wait
// for one another.
type Partials struct {
	*Algebra
	acc  []reg.VecVirtual
	emit func(ops ...Op) // acc = acc ∘ x in Go's operand order x, acc, acc
}

// Partials begins n running results, each lane at first.
func (a *Algebra) Partials(n int, first Op, emit func(ops ...Op)) *Partials {
	p := &Partials{Algebra: a, emit: emit}
	for range n {
		p.acc = append(p.acc, a.Move(first))
	}
	return p
}

// Sums begins n running sums.
func (a *Algebra) Sums(n int) *Partials { return a.Partials(n, a.Const(0), VADDPS) }

// Take folds a vector into the running result that the position selects.
func (p *Partials) Take(at At, v Op) {
	acc := p.Running(at)
	p.emit(v, acc, acc)
}

// Running is the running result that the position selects.
func (p *Partials) Running(at At) reg.VecVirtual { return p.acc[at.ahead%len(p.acc)] }

// Scalar folds all lanes of all running results into the first lane of a
// register.
func (p *Partials) Scalar() reg.VecVirtual {
	for i := len(p.acc); i > 1; i = (i + 1) / 2 {
		for k := range i / 2 {
			p.emit(p.acc[i-1-k], p.acc[k], p.acc[k])
		}
	}
	v := p.acc[0]
	y := v.AsY()
	if p.Wide() {
		upper := YMM()
		VEXTRACTF64X4(U8(1), v, upper)
		p.emit(upper, y, y)
	}
	x, other := v.AsX(), XMM()
	switch p.Bytes {
	case 64:
		VEXTRACTF32X4(U8(1), y, other)
		p.emit(other, x, x)
	case 32:
		VEXTRACTF128(U8(1), y, other)
		p.emit(other, x, x)
	}
	const swapPairs, swapNeighbours = 0b01_00_11_10, 0b10_11_00_01
	VPERMILPS(U8(swapPairs), x, other)
	p.emit(other, x, x)
	VPERMILPS(U8(swapNeighbours), x, other)
	p.emit(other, x, x)
	return v
}

// Extreme is a running maximum or minimum that no NaN escapes.
type Extreme struct {
	*Partials
	worst Splat
	nan   reg.VecVirtual // NaN in a lane that has met one, else -0
}

// Largest begins n running maxima.
func (a *Algebra) Largest(n int) *Extreme { return a.extreme(n, float32(math.Inf(-1)), VMAXPS) }

// Least begins n running minima.
func (a *Algebra) Least(n int) *Extreme { return a.extreme(n, float32(math.Inf(1)), VMINPS) }

func (a *Algebra) extreme(n int, worst float32, emit func(ops ...Op)) *Extreme {
	first := a.Const(worst)
	return &Extreme{a.Partials(n, first, emit), first, a.Move(a.Bits(0x80000000))}
}

// Take folds a vector in; where it is partial, its first lanes only.
func (e *Extreme) Take(at At, v reg.VecVirtual) {
	if lanes, partial := at.Partial(); partial {
		v = e.Select(lanes, v, e.Move(e.worst))
	}
	e.Replace(e.nan, e.Compare(v, Unordered, v), v)
	e.Partials.Take(at, v)
}

// Scalar folds all into the first lane of a register.
func (e *Extreme) Scalar() reg.VecVirtual {
	nan := &Partials{Algebra: e.Algebra, acc: []reg.VecVirtual{e.nan}, emit: VADDPS}
	r, doubt := e.Partials.Scalar().AsX(), nan.Scalar().AsX()
	VADDPS(doubt, r, r)
	return e.acc[0]
}

// ReturnScalar returns the first lane of v from the function.
func (a *Algebra) ReturnScalar(v reg.VecVirtual) {
	VZEROUPPER()
	Store(v.AsX(), ReturnIndex(0))
	RET()
}

// Return returns from a function that has no result.
func (a *Algebra) Return() {
	VZEROUPPER()
	RET()
}
