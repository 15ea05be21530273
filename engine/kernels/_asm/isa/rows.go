package isa

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Rows addresses equally spaced rows without a register for each: five rows
// share a base, at 0, 1, 2, 3 and 4 strides from it.
type Rows struct {
	bases          []reg.GPVirtual
	stride, triple reg.Register
}

const rowsPerBase = 5

// NewRows addresses n rows stride bytes apart; Start must follow. Where fewer
// than four rows share a base, no register is spent on three strides.
func NewRows(n int, stride reg.Register) *Rows {
	r := &Rows{stride: stride}
	if n > 3 {
		triple := GP64()
		LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, triple)
		r.triple = triple
	}
	for i := 0; i < n; i += rowsPerBase {
		r.bases = append(r.bases, GP64())
	}
	return r
}

// First is the register that holds the address of row 0.
func (r *Rows) First() reg.GPVirtual { return r.bases[0] }

// Start derives the other bases from First, which the caller has set.
func (r *Rows) Start() {
	for i := 1; i < len(r.bases); i++ {
		LEAQ(Mem{Base: r.bases[i-1], Index: r.stride, Scale: 4}, r.bases[i])
		ADDQ(r.stride, r.bases[i])
	}
}

// At is the operand disp bytes into row i.
func (r *Rows) At(i, disp int) Mem {
	m := Mem{Base: r.bases[i/rowsPerBase], Disp: disp}
	switch i % rowsPerBase {
	case 1, 2, 4:
		m.Index, m.Scale = r.stride, uint8(i%rowsPerBase)
	case 3:
		m.Index, m.Scale = r.triple, 1
	}
	return m
}

// Advance moves all rows by the given bytes.
func (r *Rows) Advance(bytes int) {
	for _, b := range r.bases {
		ADDQ(I32(int32(bytes)), b)
	}
}
