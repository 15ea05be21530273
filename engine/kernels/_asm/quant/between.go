package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// begin begins a function of one argument, a pointer, and returns that.
func begin(name string, i isa.ISA) reg.Register {
	TEXT(name+i.Title, attr.NOSPLIT, "func(p *byte)")
	return Load(Param("p"), GP64())
}

func end() {
	VZEROUPPER()
	RET()
}

// lanesOfBytes loads as many bytes as there are lanes, widened to them.
func lanesOfBytes(m Mem, x reg.VecPhysical) { VPMOVZXBD(m, x) }

// generateAffine writes quant.Affine's loop for whole vectors.
func generateAffine(i isa.ISA) {
	const (
		argDst, argA, argB, argN  = 0, 8, 16, 24
		argScaleA, argScaleB      = 32, 36
		argZeroA, argZeroB        = 40, 44
		argLo, argHi, argZeroOut  = 48, 52, 56
		argLoop, argOne, argFinal = "both", "one", "end"
	)
	p := begin("affine", i)
	dst, a, b, n := isa.Field(p, argDst), isa.Field(p, argA), isa.Field(p, argB), isa.Field(p, argN)
	x, y, scaleA, scaleB, zeroA, zeroB := i.Reg(0), i.Reg(1), i.Reg(2), i.Reg(3), i.Reg(4), i.Reg(5)
	q := newQuantizer(i, p, argLo, argHi, argZeroOut, i.Reg(6), i.Reg(7), i.Reg(8))
	VBROADCASTSS(Mem{Base: p, Disp: argScaleA}, scaleA)
	VBROADCASTSS(Mem{Base: p, Disp: argScaleB}, scaleB)
	VPBROADCASTD(Mem{Base: p, Disp: argZeroA}, zeroA)
	VPBROADCASTD(Mem{Base: p, Disp: argZeroB}, zeroB)
	each := func(label string, body func()) {
		lanes := GP64()
		MOVQ(U32(uint32(i.Lanes())), lanes)
		q.vector(lanes)
		Label(label)
		lanesOfBytes(Mem{Base: a}, x)
		VPSUBD(zeroA, x, x)
		VCVTDQ2PS(x, x)
		VMULPS(scaleA, x, x)
		body()
		q.bytes(x)
		q.store(dst, dst, 0, 1, func(int) reg.VecPhysical { return x })
		ADDQ(U8(uint8(i.Lanes())), a)
		ADDQ(U8(uint8(i.Lanes())), dst)
		SUBQ(U8(uint8(i.Lanes())), n)
		JG(LabelRef(label))
	}
	TESTQ(b, b)
	JZ(LabelRef("single"))
	each(argLoop, func() {
		lanesOfBytes(Mem{Base: b}, y)
		VPSUBD(zeroB, y, y)
		VCVTDQ2PS(y, y)
		VFMADD231PS(scaleB, y, x)
		ADDQ(U8(uint8(i.Lanes())), b)
	})
	JMP(LabelRef(argFinal))
	Label("single")
	each(argOne, func() {})
	Label(argFinal)
	end()
}

// generateMaximum writes quant.Maximum's loop, 16 bytes at least at a time.
func generateMaximum(i isa.ISA) {
	const argDst, argSrc, argCount, argN, argDstStep, argSrcStep = 0, 8, 16, 24, 32, 40
	p := begin("maximum", i)
	dst, src, count := isa.Field(p, argDst), isa.Field(p, argSrc), isa.Field(p, argCount)
	at, left := GP64(), GP64()
	Label("next")
	MOVQ(Mem{Base: p, Disp: argN}, left)
	XORQ(at, at)
	turn := func(label, done string, bytes int, x reg.Register) {
		Label(label)
		CMPQ(left, U8(uint8(bytes)))
		JLT(LabelRef(done))
		m := Mem{Base: dst, Index: at, Scale: 1}
		VMOVUPS(Mem{Base: src, Index: at, Scale: 1}, x)
		VPMAXUB(m, x, x)
		VMOVUPS(x, m)
		ADDQ(U8(uint8(bytes)), at)
		SUBQ(U8(uint8(bytes)), left)
		JMP(LabelRef(label))
	}
	turn("wide", "narrow", i.Bytes, i.Reg(0))
	turn("narrow", "done", 16, i.Reg(0).AsX())
	Label("done")
	ADDQ(Mem{Base: p, Disp: argDstStep}, dst)
	ADDQ(Mem{Base: p, Disp: argSrcStep}, src)
	DECQ(count)
	JNZ(LabelRef("next"))
	end()
}

// generateRequantize writes quant.Requantize's loop.
func generateRequantize(i isa.ISA) {
	const argSrc, argDst, argSrcStep, argDstStep, argRows, argCols, argScale, argLo, argHi, argZero = 0, 8, 16, 24, 32, 40, 48, 56, 60, 64
	p := begin("requantize", i)
	cols, column := isa.Field(p, argCols), GP64()
	scale := isa.Field(p, argScale)
	q := newQuantizer(i, p, argLo, argHi, argZero, i.Reg(6), i.Reg(7), i.Reg(8))
	x, scales := i.Reg(0), i.Reg(1)
	XORQ(column, column)
	Label("vector")
	VMOVUPS(Mem{Base: scale, Index: column, Scale: 4}, scales)
	src, dst, rows := isa.Field(p, argSrc), isa.Field(p, argDst), isa.Field(p, argRows)
	LEAQ(Mem{Base: src, Index: column, Scale: 4}, src)
	ADDQ(column, dst)
	q.vector(cols)
	Label("row")
	VCVTDQ2PS(Mem{Base: src}, x)
	VMULPS(scales, x, x)
	q.bytes(x)
	q.store(dst, dst, 0, 1, func(int) reg.VecPhysical { return x })
	ADDQ(Mem{Base: p, Disp: argSrcStep}, src)
	ADDQ(Mem{Base: p, Disp: argDstStep}, dst)
	DECQ(rows)
	JNZ(LabelRef("row"))
	ADDQ(U8(uint8(i.Lanes())), column)
	SUBQ(U8(uint8(i.Lanes())), cols)
	JG(LabelRef("vector"))
	end()
}

// generateInterleave writes quant.Planes' loop for whole vectors.
func generateInterleave(i isa.ISA) {
	const argDst, argN, argScale, argLo, argHi, argZero, argPlanes = 0, 8, 16, 20, 24, 28, 32
	p := begin("interleave", i)
	dst, n := isa.Field(p, argDst), isa.Field(p, argN)
	var planes [4]reg.GPVirtual
	for c := range planes {
		planes[c] = isa.Field(p, argPlanes+8*c)
	}
	lo, hi, zero, scale, sum := i.Reg(6), i.Reg(7), i.Reg(8), i.Reg(9), i.Reg(1)
	VBROADCASTSS(Mem{Base: p, Disp: argLo}, lo)
	VBROADCASTSS(Mem{Base: p, Disp: argHi}, hi)
	VPBROADCASTD(Mem{Base: p, Disp: argZero}, zero)
	VBROADCASTSS(Mem{Base: p, Disp: argScale}, scale)
	Label("loop")
	for c, plane := range planes {
		x := i.Reg(0)
		if c == 0 {
			x = sum
		}
		VMOVUPS(Mem{Base: plane}, x)
		VDIVPS(scale, x, x)
		VMAXPS(lo, x, x)
		VMINPS(hi, x, x)
		VCVTPS2DQ(x, x)
		VPADDD(zero, x, x)
		if c > 0 {
			VPSLLD(U8(uint8(8*c)), x, x)
			VPADDD(x, sum, sum)
		}
		ADDQ(U8(uint8(i.Bytes)), plane)
	}
	VMOVUPS(sum, Mem{Base: dst})
	ADDQ(U8(uint8(i.Bytes)), dst)
	SUBQ(U8(uint8(i.Lanes())), n)
	JG(LabelRef("loop"))
	end()
}

// generateWindow writes quant.Window's loop, four outputs at a time.
func generateWindow(i isa.ISA) {
	const (
		argIn, argWeights, argBias, argScale, argOut = 0, 8, 16, 24, 32
		argTap, argTaps, argNext, argPixelOut        = 40, 48, 56, 64
		argCount, argGroups, argCols                 = 72, 80, 88
		argLo, argHi, argZero                        = 96, 100, 104
		pixels                                       = 4
	)
	p := begin("window", i)
	weights, group, left := isa.Field(p, argWeights), GP64(), GP64()
	q := newQuantizer(i, p, argLo, argHi, argZero, i.Reg(8), i.Reg(9), i.Reg(10))
	XORQ(group, group) // channels done
	in, out := GP64(), GP64()
	tap, t, w, at, next := GP64(), GP64(), GP64(), GP64(), GP64()
	bias, scale := i.Reg(11), i.Reg(12)

	Label("group")
	cols := isa.Field(p, argCols)
	SUBQ(group, cols)
	q.vector(cols)
	MOVQ(Mem{Base: p, Disp: argBias}, at)
	VMOVUPS(Mem{Base: at, Index: group, Scale: 4}, bias)
	MOVQ(Mem{Base: p, Disp: argScale}, at)
	VMOVUPS(Mem{Base: at, Index: group, Scale: 4}, scale)
	MOVQ(Mem{Base: p, Disp: argIn}, in)
	ADDQ(group, in)
	MOVQ(Mem{Base: p, Disp: argOut}, out)
	ADDQ(group, out)
	MOVQ(Mem{Base: p, Disp: argCount}, left)

	outputs := func(label, after string, count int) {
		Label(label)
		CMPQ(left, U8(uint8(count)))
		JLT(LabelRef(after))
		for j := range count {
			VMOVAPS(bias, i.Reg(j))
		}
		MOVQ(weights, w)
		MOVQ(Mem{Base: p, Disp: argTap}, tap)
		MOVQ(Mem{Base: p, Disp: argTaps}, t)
		Label(label + "Tap")
		MOVQ(Mem{Base: tap}, at)
		ADDQ(in, at)
		MOVQ(Mem{Base: p, Disp: argNext}, next)
		factor := i.Reg(13)
		VMOVUPS(Mem{Base: w}, factor)
		for j := range count {
			x := i.Reg(4 + j)
			lanesOfBytes(Mem{Base: at}, x)
			VPMADDWD(factor, x, x)
			VPADDD(x, i.Reg(j), i.Reg(j))
			if j < count-1 {
				ADDQ(next, at)
			}
		}
		ADDQ(U8(uint8(i.Bytes)), w)
		ADDQ(U8(8), tap)
		DECQ(t)
		JNZ(LabelRef(label + "Tap"))
		for j := range count {
			VCVTDQ2PS(i.Reg(j), i.Reg(j))
			VMULPS(scale, i.Reg(j), i.Reg(j))
			q.bytes(i.Reg(j))
		}
		step := isa.Field(p, argPixelOut)
		q.store(out, step, 0, count, func(j int) reg.VecPhysical { return i.Reg(j) })
		ADDQ(step, out)
		IMUL3Q(U8(uint8(count)), next, next)
		ADDQ(next, in)
		SUBQ(U8(uint8(count)), left)
		JMP(LabelRef(label))
	}
	outputs("four", "one", pixels)
	outputs("one", "done", 1)
	Label("done")
	MOVQ(Mem{Base: p, Disp: argTaps}, t)
	IMUL3Q(U8(uint8(i.Bytes)), t, t)
	ADDQ(t, weights)
	ADDQ(U8(uint8(i.Lanes())), group)
	DECQ(Mem{Base: p, Disp: argGroups})
	JNZ(LabelRef("group"))
	end()
}
