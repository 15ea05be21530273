package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// quantizer rounds vectors of real numbers to bytes: zero + round(clamp(x, lo,
// hi)), ties to even, and stores as many as there are columns. lo and hi are
// whole numbers, less the zero point.
type quantizer struct {
	isa.ISA
	lo, hi, zero reg.VecPhysical
	cols         reg.GPVirtual
	labels       int
}

var quantizers int // generated so far, for labels

// newQuantizer loads the bounds and the zero point from the struct that p points to.
func newQuantizer(i isa.ISA, p reg.Register, argLo, argHi, argZero int, lo, hi, zero reg.VecPhysical) *quantizer {
	VBROADCASTSS(Mem{Base: p, Disp: argLo}, lo)
	VBROADCASTSS(Mem{Base: p, Disp: argHi}, hi)
	VPBROADCASTD(Mem{Base: p, Disp: argZero}, zero)
	quantizers++
	return &quantizer{ISA: i, lo: lo, hi: hi, zero: zero, labels: 1000 * quantizers}
}

// vector prepares for a vector of which cols columns, if so many, are stored.
func (q *quantizer) vector(cols reg.GPVirtual) {
	q.cols = cols
	if q.Bytes == 64 {
		firstColumns(cols)
	}
}

// firstColumns sets K1 to the first cols lanes.
func firstColumns(cols reg.GPVirtual) {
	ones, count := GP64(), GP64()
	MOVQ(I32(-1), ones)
	MOVQ(U32(64), count) // BZHI heeds the lowest byte of a count only
	CMPQ(cols, count)
	CMOVQLT(cols, count)
	BZHIQ(count, ones, ones)
	KMOVW(ones.As32(), reg.K1)
}

// bytes makes each lane of x a number from 0 to 255. In AVX2 they end up in the
// lower half of the low part of x, one byte each.
func (q *quantizer) bytes(x reg.VecPhysical) {
	VMAXPS(q.lo, x, x)
	VMINPS(q.hi, x, x)
	VCVTPS2DQ(x, x)
	VPADDD(q.zero, x, x)
	if q.Bytes == 32 {
		const evenQuarters = 0b11_01_10_00
		VPACKUSDW(x, x, x)
		VPERMQ(U8(evenQuarters), x, x)
		VPACKUSWB(x.AsX(), x.AsX(), x.AsX())
	}
}

// store writes rows of bytes, column columns into them. It moves at on.
func (q *quantizer) store(at, ld reg.GPVirtual, column, rows int, row func(int) reg.VecPhysical) {
	if q.Bytes == 64 {
		for i := range rows {
			VPMOVDB(row(i), reg.K1, Mem{Base: at, Disp: column})
			if i < rows-1 {
				ADDQ(ld, at)
			}
		}
		return
	}
	q.labels++
	partial, done := fmt.Sprintf("partial%d", q.labels), fmt.Sprintf("done%d", q.labels)
	CMPQ(q.cols, U8(8))
	JLT(LabelRef(partial))
	first := GP64()
	MOVQ(at, first)
	for i := range rows {
		VMOVQ(row(i).AsX(), Mem{Base: at, Disp: column})
		if i < rows-1 {
			ADDQ(ld, at)
		}
	}
	JMP(LabelRef(done))
	Label(partial)
	for i := range rows {
		q.storeFew(row(i), at, column)
		if i < rows-1 {
			ADDQ(ld, at)
		}
	}
	Label(done)
}

// storeFew writes cols bytes, fewer than eight, one by one.
func (q *quantizer) storeFew(x reg.VecPhysical, at reg.GPVirtual, column int) {
	q.labels++
	next := fmt.Sprintf("byte%d", q.labels)
	v, i := GP64(), GP64()
	VMOVQ(x.AsX(), v)
	XORQ(i, i)
	Label(next)
	MOVB(v.As8(), Mem{Base: at, Index: i, Scale: 1, Disp: column})
	SHRQ(U8(8), v)
	INCQ(i)
	CMPQ(i, q.cols)
	JLT(LabelRef(next))
}

// maskTable defines eight dwords of ones followed by eight of zeros.
func maskTable() {
	GLOBL("columnMasks", attr.RODATA|attr.NOPTR)
	for i := range 16 {
		ones := uint32(0)
		if i < 8 {
			ones = 0xFFFFFFFF
		}
		DATA(i*4, U32(ones))
	}
}

// sumsMask is a mask of the first cols lanes: an opmask, or in AVX2 the register m.
func sumsMask(i isa.ISA, cols reg.GPVirtual, m reg.VecPhysical) reg.Register {
	if i.Bytes == 64 {
		firstColumns(cols)
		return reg.K1
	}
	missing, zero, table := GP64(), GP64(), GP64()
	MOVQ(U32(8), missing)
	SUBQ(cols, missing)
	XORQ(zero, zero)
	TESTQ(missing, missing)
	CMOVQLT(zero, missing)
	LEAQ(Mem{Symbol: Symbol{Name: "columnMasks", Static: true}, Base: reg.StaticBase}, table)
	VMOVDQU(Mem{Base: table, Index: missing, Scale: 4}, m)
	return m
}

func storeSums(i isa.ISA, mask reg.Register, x reg.VecPhysical, to Mem) {
	if i.Bytes == 64 {
		VMOVDQU32(x, mask, to)
		return
	}
	VPMASKMOVD(x, mask, to)
}
