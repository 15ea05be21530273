package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// rows addresses the rows of A.
type rows interface {
	First() reg.GPVirtual // the register of row 0, which the caller sets for each tap
	Start()               // derives the others from it
	At(row, disp int) Mem // disp bytes into a row
	Advance(bytes int)    // moves all rows
}

// leavesGapsOut reports whether a tile's rows may be those of two lines: see
// gemm.Tile's Left.
func (t *tile) leavesGapsOut() bool { return t.Name == isa.AVX2.Name }

// folds reports whether the lower half of a tile's rows may be those of a second
// line.
func (t *tile) folds() bool { return t.Name == isa.AVX512.Name && t.mr%2 == 0 }

// further is memory that holds how many bytes the lower half of the rows lies
// further: 0 where all rows are of one line, else those in a register.
func (t *tile) further(bytes reg.Register) Mem {
	n, m := GP64(), AllocLocal(8)
	XORQ(n, n)
	CMPQ(Mem{Base: t.p, Disp: argLeft}, U8(0))
	CMOVQNE(bytes, n)
	MOVQ(n, m)
	return m
}

// stepper emits the step of a pointer from the row before row i to it.
type stepper func(i int, pointer reg.Register)

// alongRows emits body for rows that are stride bytes apart, of which row Left and
// those after it may lie skip bytes further: where that is half of the rows or none,
// once; where it is any, a second time. Labels of body end with the suffix; the
// label name follows.
func (t *tile) alongRows(name string, stride reg.Register, skip func() reg.Register, body func(next stepper, suffix string)) {
	next := func(_ int, pointer reg.Register) { ADDQ(stride, pointer) }
	switch {
	case t.folds():
		bytes := t.further(skip())
		body(func(i int, pointer reg.Register) {
			next(i, pointer)
			if i == t.mr/2 {
				ADDQ(bytes, pointer)
			}
		}, "")
		Label(name)
		return
	case !t.leavesGapsOut() || t.mr == 1:
		body(next, "")
		Label(name)
		return
	}
	left := isa.Field(t.p, argLeft)
	TESTQ(left, left)
	JNZ(LabelRef(name + "Lines"))
	body(next, "")
	JMP(LabelRef(name))
	Label(name + "Lines")
	bytes := skip()
	body(func(i int, pointer reg.Register) {
		next(i, pointer)
		further := GP64()
		LEAQ(Mem{Base: pointer, Index: bytes, Scale: 1}, further)
		CMPQ(left, U8(uint8(i)))
		CMOVQEQ(further, pointer)
	}, "Lines")
	Label(name)
}

// field is what alongRows calls for a field of bytes.
func (t *tile) field(offset int) func() reg.Register {
	return func() reg.Register { return isa.Field(t.p, offset) }
}

// gap is how many bytes lie between two lines of rows of A.
func (t *tile) gap(lda reg.Register) reg.Register {
	gap := isa.Field(t.p, argGap)
	IMULQ(lda, gap)
	return gap
}

// rowsOfLines addresses rows of which some may lie further, by a register for each
// and one for all. Where the rows of a tap start waits on the stack.
type rowsOfLines struct {
	bases  []reg.GPVirtual
	along  reg.GPVirtual
	starts Mem // of the rows but the first, from that
}

func (t *tile) newRowsOfLines(lda reg.Register) *rowsOfLines {
	r := &rowsOfLines{along: GP64()}
	if t.mr > 1 {
		r.starts = AllocLocal((t.mr - 1) * 8)
		t.alongRows("started", lda, func() reg.Register { return t.gap(lda) }, func(next stepper, _ string) {
			start := GP64()
			XORQ(start, start)
			for i := 1; i < t.mr; i++ {
				next(i, start)
				MOVQ(start, r.starts.Offset((i-1)*8))
			}
		})
	}
	for range t.mr {
		r.bases = append(r.bases, GP64())
	}
	return r
}

func (r *rowsOfLines) First() reg.GPVirtual { return r.bases[0] }

func (r *rowsOfLines) Start() {
	XORQ(r.along, r.along)
	for i, base := range r.bases[1:] {
		MOVQ(r.starts.Offset(i*8), base)
		ADDQ(r.bases[0], base)
	}
}

func (r *rowsOfLines) At(row, disp int) Mem {
	return Mem{Base: r.bases[row], Index: r.along, Scale: 1, Disp: disp}
}

func (r *rowsOfLines) Advance(bytes int) { ADDQ(I32(int32(bytes)), r.along) }
