package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// fetchResult asks for the lines of C, but where multiply does that, and of the
// residual, which are needed when the products are summed.
func (t *tile) fetchResult() {
	if t.asksAlong() {
		t.fetchResidual(isa.Field(t.p, argResidual), isa.Field(t.p, argLdr))
		return
	}
	c, ldc := isa.Field(t.p, argC), isa.Field(t.p, argLdc)
	residual, ldr := isa.Field(t.p, argResidual), isa.Field(t.p, argLdr)
	CMPQ(residual, c)
	JE(LabelRef("same"))
	t.alongRows("askedC", ldc, t.field(argSkipC), func(next stepper, _ string) { t.fetchRows(next, c) })
	Label("same")
	t.fetchResidual(residual, ldr)
}

func (t *tile) fetchResidual(residual, ldr reg.Register) {
	TESTQ(residual, residual)
	JZ(LabelRef("asked"))
	TESTQ(ldr, ldr)
	JZ(LabelRef("asked"))
	t.alongRows("askedR", ldr, t.field(argSkipR), func(next stepper, _ string) { t.fetchRows(next, residual) })
	Label("asked")
}

func (t *tile) fetchRows(next stepper, row reg.Register) {
	for i := 0; i < t.mr; i++ {
		if i > 0 {
			next(i, row)
		}
		t.fetchRow(row)
	}
}

// fetchRow asks for the lines of a row of C or of the residual.
func (t *tile) fetchRow(row reg.Register) {
	for at := 0; at < t.nv*t.columnBytes(); at += 64 {
		PREFETCHT0(Mem{Base: row, Disp: at})
	}
}

// asksAlong reports whether the lines of C are asked for between the products: all
// at once, those of a wide tile are more than a core waits for at a time, and what
// A's rows are broadcast from waits behind them.
func (t *tile) asksAlong() bool { return t.Bytes == 64 }

// asking is what asks for the rows of C, a few in a pass of the main loop. Where a
// tile folds, its second line is not asked for.
type asking struct {
	*tile
	row, times reg.Register // the next row, and how many times more
	often      reg.Register // it does in those passes whose number of k steps left has no bit in common with this
}

const (
	askedRows  = 4               // at a time
	askedEvery = 4               // passes, where there are enough of them
	askedLong  = 16 * askedEvery // k steps in all are enough of them: for 16 rows
)

func (t *tile) newAsking(taps reg.Register) *asking {
	a := &asking{tile: t, row: isa.Field(t.p, argC), times: GP64(), often: GP64()}
	steps, every := isa.Field(t.p, argK), GP64()
	IMULQ(taps, steps)
	XORQ(a.often, a.often)
	MOVQ(U32((askedEvery-1)*unroll), every)
	CMPQ(steps, U8(askedLong))
	CMOVQGE(every, a.often)
	MOVQ(U32(uint32((t.mr+askedRows-1)/askedRows)), a.times)
	return a
}

// pass asks in a pass with k steps left.
func (a *asking) pass(k reg.Register) {
	TESTQ(k, a.often)
	JNZ(LabelRef("asked_rows"))
	SUBQ(U8(1), a.times)
	JL(LabelRef("asked_rows"))
	for range askedRows {
		a.fetchRow(a.row)
		ADDQ(Mem{Base: a.p, Disp: argLdc}, a.row)
	}
	Label("asked_rows")
}

// prefetchLines is the number of cache lines of the next panel that one main
// loop pass asks for. Two tall tiles cover a panel between them; a short tile,
// which may well be alone, covers it all.
func prefetchLines(mr, stepB int) int {
	lines := unroll * stepB / 64
	if mr > 4 {
		lines = max(1, lines/2)
	}
	return lines
}
