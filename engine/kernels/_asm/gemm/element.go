package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// byElement reports whether products take one element of a register: then as
// many k of A as a vector holds stay in a register per row, and B passes through
// those that are left.
func (t *tile) byElement() bool { return t.Name == isa.NEON.Name }

// rowA is the register of row i of A.
func (t *tile) rowA(i int) reg.VecPhysical { return t.free(i) }

// passing is the register that the n-th vector of B passes through.
func (t *tile) passing(n int) reg.VecPhysical {
	first := t.sets*t.mr*t.nv + t.mr
	return t.Reg(first + n%(t.Count-first))
}

// loadA loads the next elements of every row of A.
func (t *tile) loadA(load func(ops ...Op)) {
	for i := range t.mr {
		load(t.rows.At(i, 0), t.rowA(i))
	}
}

// stepByElement adds B's k step u, multiplied by element u of A, to one set of
// accumulators.
func (t *tile) stepByElement(u, set int) {
	for v := range t.nv {
		b := t.passing(u*t.nv + v)
		t.loadVector(u, v, b)
		for i := range t.mr {
			if t.pairs {
				isa.BFDOTElement(u, t.rowA(i), b, t.acc(set, i, v))
			} else {
				isa.FMLAElement(u, t.rowA(i), b, t.acc(set, i, v))
			}
		}
	}
}

// loadBias sets the first row of accumulators to the bias.
func (t *tile) loadBias(bias reg.GPVirtual) {
	cols, row := isa.Field(t.p, argCols), AllocLocal(t.nv*t.Bytes)
	t.ifPartial(cols, "bias", func() {
		t.copyColumns("loadBias", Mem{Base: bias}, row, cols, 4)
		LEAQ(row, bias)
	})
	for v := range t.nv {
		VMOVUPS(Mem{Base: bias, Disp: v * t.Bytes}, t.acc(0, 0, v))
	}
}

// finishRows is finish where there are no masks: a row that lacks columns passes
// through the stack.
func (t *tile) finishRows() {
	size := 4
	if t.outBF {
		size = 2
	}
	cols, row := isa.Field(t.p, argCols), AllocLocal(t.nv*t.Bytes)
	residual, ldr := isa.Field(t.p, argResidual), isa.Field(t.p, argLdr)
	lo, hi := t.free(0), t.free(1)
	TESTQ(residual, residual)
	JZ(LabelRef("clamp"))
	for i := range t.mr {
		from := GP64()
		MOVQ(residual, from)
		t.ifPartial(cols, fmt.Sprintf("residual%d", i), func() {
			t.copyColumns(fmt.Sprintf("load%d", i), Mem{Base: from}, row, cols, size)
			LEAQ(row, from)
		})
		t.addRow(i, from, size)
		ADDQ(ldr, residual)
	}
	Label("clamp")
	VBROADCASTSS(Mem{Base: t.p, Disp: argLo}, lo)
	VBROADCASTSS(Mem{Base: t.p, Disp: argHi}, hi)
	c, ldc := isa.Field(t.p, argC), isa.Field(t.p, argLdc)
	for i := range t.mr {
		to := GP64()
		MOVQ(c, to)
		t.ifPartial(cols, fmt.Sprintf("row%d", i), func() { LEAQ(row, to) })
		for v := range t.nv {
			clamp(t.acc(0, i, v), lo, hi)
		}
		t.storeRow(i, to, size)
		t.ifPartial(cols, fmt.Sprintf("stored%d", i), func() {
			t.copyColumns(fmt.Sprintf("store%d", i), row, Mem{Base: c}, cols, size)
		})
		ADDQ(ldc, c)
	}
}

// addRow adds a row of the residual to row i.
func (t *tile) addRow(i int, from reg.Register, size int) {
	r := t.free(0)
	for v := range t.nv {
		m := Mem{Base: from, Disp: v * t.Lanes() * size}
		if t.outBF {
			VPMOVZXWD(m, r)
			VPSLLD(U8(16), r, r)
		} else {
			VMOVUPS(m, r)
		}
		VADDPS(r, t.acc(0, i, v), t.acc(0, i, v))
	}
}

// storeRow stores row i.
func (t *tile) storeRow(i int, to reg.Register, size int) {
	for v := range t.nv {
		x, m := t.acc(0, i, v), Mem{Base: to, Disp: v * t.Lanes() * size}
		if t.outBF {
			isa.BFCVTN(x, x)
			VMOVQ(x.AsX(), m)
		} else {
			VMOVUPS(x, m)
		}
	}
}

// ifPartial emits body for tiles that lack columns; label is where others go on.
func (t *tile) ifPartial(cols reg.Register, label string, body func()) {
	CMPQ(cols, U8(uint8(t.nv*t.Lanes())))
	JGE(LabelRef(label))
	body()
	Label(label)
}

// copyColumns copies so many elements of size bytes, at least one.
func (t *tile) copyColumns(label string, from, to Mem, cols reg.Register, size int) {
	i, element := GP64(), GP64()
	from.Index, from.Scale = i, uint8(size)
	to.Index, to.Scale = i, uint8(size)
	XORQ(i, i)
	Label(label)
	if size == 2 {
		MOVW(from, element.As16())
		MOVW(element.As16(), to)
	} else {
		MOVL(from, element.As32())
		MOVL(element.As32(), to)
	}
	INCQ(i)
	CMPQ(i, cols)
	JLT(LabelRef(label))
}
