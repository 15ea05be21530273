package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// finish adds the residual, clamps, and stores the columns that exist.
func (t *tile) finish() {
	switch {
	case t.Bytes == 64:
		t.addResidual512()
		t.store512()
		return
	case t.byElement():
		t.finishRows()
		return
	}
	t.addResidual256()
	t.store256()
}

// mask is the opmask that loadMasks sets for vector v.
func mask(v int) reg.Register {
	return [...]reg.Register{reg.K1, reg.K2}[v]
}

// loadMasks sets one opmask per vector of columns from the count of columns.
func (t *tile) loadMasks() {
	ones := GP64()
	MOVQ(I32(-1), ones)
	BZHIQ(isa.Field(t.p, argCols), ones, ones)
	for v := 0; v < t.nv; v++ {
		KMOVW(ones.As32(), mask(v))
		if v < t.nv-1 {
			SHRQ(U8(16), ones)
		}
	}
}

func (t *tile) addResidual512() {
	residual := isa.Field(t.p, argResidual)
	TESTQ(residual, residual)
	JZ(LabelRef("store"))
	bytes := t.columnBytes()
	r := t.free(0)
	t.alongRows("store", isa.Field(t.p, argLdr), t.field(argSkipR), func(next stepper, _ string) {
		for i := 0; i < t.mr; i++ {
			if i > 0 {
				next(i, residual)
			}
			for v := 0; v < t.nv; v++ {
				m := Mem{Base: residual, Disp: v * bytes}
				if t.outBF {
					VPMOVZXWD_Z(m, mask(v), r)
					VPSLLD(U8(16), r, r)
				} else {
					VMOVUPS_Z(m, mask(v), r)
				}
				VADDPS(r, t.acc(0, i, v), t.acc(0, i, v))
			}
		}
	})
}

// columnBytes is the size of one vector of C.
func (t *tile) columnBytes() int {
	if t.outBF {
		return t.Bytes / 2
	}
	return t.Bytes
}

// clamp orders operands so that a NaN survives: max and min return their last
// source when either is NaN.
func clamp(x, lo, hi reg.VecPhysical) {
	VMAXPS(x, lo, x)
	VMINPS(x, hi, x)
}

// clampRows is clamp for all rows, without the half that changes nothing where
// there is no upper bound.
func (t *tile) clampRows(bound reg.VecPhysical) {
	each := func(clamp func(ops ...Op)) {
		for i := 0; i < t.mr; i++ {
			for v := 0; v < t.nv; v++ {
				clamp(t.acc(0, i, v), bound, t.acc(0, i, v))
			}
		}
	}
	VBROADCASTSS(Mem{Base: t.p, Disp: argLo}, bound)
	each(VMAXPS)
	VBROADCASTSS(Mem{Base: t.p, Disp: argHi}, bound)
	CMPL(Mem{Base: t.p, Disp: argHi}, U32(math.Float32bits(float32(math.Inf(1)))))
	JE(LabelRef("clamped"))
	each(VMINPS)
	Label("clamped")
}

func (t *tile) store512() {
	c := isa.Field(t.p, argC)
	t.clampRows(t.free(0))
	bytes := t.columnBytes()
	t.alongRows("stored", isa.Field(t.p, argLdc), t.field(argSkipC), func(next stepper, _ string) {
		for i := 0; i < t.mr; i++ {
			if i > 0 {
				next(i, c)
			}
			for v := 0; v < t.nv; v++ {
				x := t.acc(0, i, v)
				m := Mem{Base: c, Disp: v * bytes}
				if t.outBF {
					isa.VCVTNEPS2BF16(x, x)
					VMOVDQU16(x.AsY(), mask(v), m)
				} else {
					VMOVUPS(x, mask(v), m)
				}
			}
		}
	})
}

// maskTable defines eight dwords of ones followed by eight of zeros.
func maskTable() {
	GLOBL("columnMasks", attr.RODATA|attr.NOPTR)
	for i := 0; i < 8; i++ {
		DATA(i*4, U32(0xFFFFFFFF))
	}
	for i := 8; i < 16; i++ {
		DATA(i*4, U32(0))
	}
}

// vectorMask sets dst to the AVX2 mask of the columns of vector v that exist.
func (t *tile) vectorMask(v int, dst reg.VecPhysical) {
	missing, limit := GP64(), GP64()
	MOVQ(U32(uint32((v+1)*t.Lanes())), missing)
	SUBQ(Mem{Base: t.p, Disp: argCols}, missing)
	XORQ(limit, limit)
	TESTQ(missing, missing)
	CMOVQLT(limit, missing)
	MOVQ(U32(uint32(t.Lanes())), limit)
	CMPQ(missing, limit)
	CMOVQGT(limit, missing)
	table := GP64()
	LEAQ(Mem{Symbol: Symbol{Name: "columnMasks", Static: true}, Base: reg.StaticBase}, table)
	VMOVDQU(Mem{Base: table, Index: missing, Scale: 4}, dst)
}

// whole goes to a label if the tile lacks no columns.
func (t *tile) whole(label string) {
	CMPQ(Mem{Base: t.p, Disp: argCols}, U8(uint8(t.nv*t.Lanes())))
	JGE(LabelRef(label))
}

// loadBias256 sets the first row of accumulators to the bias.
func (t *tile) loadBias256(bias reg.Register) {
	t.whole("allBias")
	m := t.free(0)
	for v := 0; v < t.nv; v++ {
		t.vectorMask(v, m)
		VMASKMOVPS(Mem{Base: bias, Disp: v * t.Bytes}, m, t.acc(0, 0, v))
	}
	JMP(LabelRef("unbiased"))
	Label("allBias")
	for v := 0; v < t.nv; v++ {
		VMOVUPS(Mem{Base: bias, Disp: v * t.Bytes}, t.acc(0, 0, v))
	}
}

func (t *tile) addResidual256() {
	residual := isa.Field(t.p, argResidual)
	TESTQ(residual, residual)
	JZ(LabelRef("store"))
	t.alongRows("store", isa.Field(t.p, argLdr), t.field(argSkipR), func(next stepper, suffix string) {
		t.addRows(next, residual, suffix)
	})
}

func (t *tile) addRows(next stepper, residual reg.Register, suffix string) {
	m, r := t.free(0), t.free(1)
	t.whole("allAdded" + suffix)
	row := GP64()
	for v := 0; v < t.nv; v++ {
		t.vectorMask(v, m)
		MOVQ(residual, row)
		for i := 0; i < t.mr; i++ {
			if i > 0 {
				next(i, row)
			}
			VMASKMOVPS(Mem{Base: row, Disp: v * t.Bytes}, m, r)
			VADDPS(r, t.acc(0, i, v), t.acc(0, i, v))
		}
	}
	JMP(LabelRef("store"))
	Label("allAdded" + suffix)
	for i := 0; i < t.mr; i++ {
		if i > 0 {
			next(i, residual)
		}
		for v := 0; v < t.nv; v++ {
			VADDPS(Mem{Base: residual, Disp: v * t.Bytes}, t.acc(0, i, v), t.acc(0, i, v))
		}
	}
}

// store256 stores whole tiles plainly: masked stores are slow on some machines.
func (t *tile) store256() {
	t.clampRows(t.free(0))
	c := isa.Field(t.p, argC)
	t.alongRows("stored", isa.Field(t.p, argLdc), t.field(argSkipC), func(next stepper, suffix string) {
		t.storeRows(next, c, suffix)
	})
}

func (t *tile) storeRows(next stepper, c reg.Register, suffix string) {
	t.whole("allStored" + suffix)
	m := t.free(0)
	row := GP64()
	for v := 0; v < t.nv; v++ {
		t.vectorMask(v, m)
		MOVQ(c, row)
		for i := 0; i < t.mr; i++ {
			if i > 0 {
				next(i, row)
			}
			VMASKMOVPS(t.acc(0, i, v), m, Mem{Base: row, Disp: v * t.Bytes})
		}
	}
	VZEROUPPER()
	RET()
	Label("allStored" + suffix)
	for i := 0; i < t.mr; i++ {
		if i > 0 {
			next(i, c)
		}
		for v := 0; v < t.nv; v++ {
			VMOVUPS(t.acc(0, i, v), Mem{Base: c, Disp: v * t.Bytes})
		}
	}
}
