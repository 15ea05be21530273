package isa

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Rows addresses equally spaced rows without a register for each: five rows
// share a base, at 0, 1, 2, 3 and 4 strides from it. The lower half of them may lie
// further than that.
type Rows struct {
	bases          []base
	stride, triple reg.Register
}

// base is a register with the address of a row, which some after it share.
type base struct {
	reg.GPVirtual
	row     int
	further Op // what is added to come from the base before, besides the rows, or nil
}

const rowsPerBase = 5

// NewRows addresses n rows stride bytes apart; Start must follow. Where fewer
// than four rows share a base, no register is spent on three strides.
func NewRows(n int, stride reg.Register) *Rows {
	r := newRows(n, stride)
	r.add(0, n, nil)
	return r
}

// NewFoldedRows is NewRows of which the lower half lies further by what is in
// memory then.
func NewFoldedRows(n int, stride reg.Register, further Mem) *Rows {
	r := newRows(n, stride)
	r.add(0, n/2, nil)
	r.add(n/2, n, further)
	return r
}

func newRows(n int, stride reg.Register) *Rows {
	r := &Rows{stride: stride}
	if n > 3 {
		triple := GP64()
		LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, triple)
		r.triple = triple
	}
	return r
}

// add makes bases for some rows.
func (r *Rows) add(first, end int, further Op) {
	for row := first; row < end; row += rowsPerBase {
		r.bases = append(r.bases, base{GP64(), row, further})
		further = nil
	}
}

// First is the register that holds the address of row 0.
func (r *Rows) First() reg.GPVirtual { return r.bases[0].GPVirtual }

// Start derives the other bases from First, which the caller has set.
func (r *Rows) Start() {
	for i := 1; i < len(r.bases); i++ {
		b := r.bases[i]
		switch from := r.bases[i-1]; b.row - from.row {
		case rowsPerBase:
			LEAQ(Mem{Base: from.GPVirtual, Index: r.stride, Scale: 4}, b.GPVirtual)
			ADDQ(r.stride, b.GPVirtual)
		default:
			LEAQ(r.from(from, b.row, 0), b.GPVirtual)
		}
		if b.further != nil {
			ADDQ(b.further, b.GPVirtual)
		}
	}
}

// At is the operand disp bytes into row i.
func (r *Rows) At(i, disp int) Mem {
	n := len(r.bases) - 1
	for r.bases[n].row > i {
		n--
	}
	return r.from(r.bases[n], i, disp)
}

// from is the operand disp bytes into a row fewer than five after b's.
func (r *Rows) from(b base, row, disp int) Mem {
	m := Mem{Base: b.GPVirtual, Disp: disp}
	switch n := row - b.row; n {
	case 1, 2, 4:
		m.Index, m.Scale = r.stride, uint8(n)
	case 3:
		m.Index, m.Scale = r.triple, 1
	}
	return m
}

// Advance moves all rows by the given bytes.
func (r *Rows) Advance(bytes int) {
	for _, b := range r.bases {
		ADDQ(I32(int32(bytes)), b.GPVirtual)
	}
}
