package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// partsOrder is the products of parts of A and of B, 0 being the high ones, from
// one to the next of which either stays.
var partsOrder = [...]struct{ a, b int }{{0, 2}, {0, 1}, {1, 1}, {1, 0}, {0, 0}, {2, 0}}

// partsOperands are the registers of a product by parts.
type partsOperands struct {
	amx
	a, from, lda, plane, b, strideB, ahead reg.GPPhysical
}

func (x amx) operands() partsOperands {
	return partsOperands{amx: x, a: reg.RSI, from: reg.RDI, lda: reg.RDX, plane: reg.R12, b: reg.RBX, strideB: reg.R8, ahead: reg.R15}
}

// load sets those that stay the same for a job, and where it fetches.
func (o partsOperands) load() {
	MOVQ(tileField(argLda), o.lda)
	MOVQ(stateField(statePlane), o.plane)
	jobField(jobPrefetch, o.ahead)
	MOVQ(U32(uint32(64*o.wide)), o.strideB)
}

// products adds a chunk's products to the sums, with fetches of so many lines and
// so many pieces of other work spread among them.
func (o partsOperands) products(lines, pieces int, piece func(i int)) {
	all, done, fetched, did := len(partsOrder)*o.wide, 0, 0, 0
	for i, p := range partsOrder {
		if i == 0 || p.b != partsOrder[i-1].b {
			for v := range o.wide {
				LEAQ(Mem{Base: o.b, Disp: 1024*o.wide*p.b + 64*v}, o.from)
				isa.TILELOADD(o.from, o.strideB, tileB+v)
			}
		}
		if i == 0 || p.a != partsOrder[i-1].a {
			switch p.a {
			case 0:
				isa.TILELOADD(o.a, o.lda, tileA)
			default:
				LEAQ(Mem{Base: o.a, Index: o.plane, Scale: uint8(p.a)}, o.from)
				isa.TILELOADD(o.from, o.lda, tileA)
			}
		}
		for v := range o.wide {
			isa.TDPBF16PS(tileA, tileB+v, v)
			done++
			for ; did < done*pieces/all; did++ {
				piece(did)
			}
			for ; fetched < done*lines/all; fetched++ {
				PREFETCHT1(Mem{Base: o.ahead, Disp: fetched * 64})
			}
		}
	}
}

// checkSums marks the job and leaves it alone if sums in scratch are not finite:
// zero times any of those is NaN.
func (x amx) checkSums() {
	from, rows, job := reg.RBX, reg.RCX, reg.RDX
	z := isa.AVX512.Reg
	zero := z(x.wide)
	LEAQ(stateField(stateScratch), from)
	jobField(jobRows, rows)
	for v := range x.wide + 1 {
		isa.AVX512.Zero(z(v))
	}
	Label("check")
	for v := range x.wide {
		VFMADD231PS(Mem{Base: from, Disp: 64 * v}, zero, z(v))
	}
	ADDQ(U8(scratchRow), from)
	DECQ(rows)
	JNZ(LabelRef("check"))
	if x.wide == 2 {
		VADDPS(z(1), z(0), z(0))
	}
	const unordered = 3
	VCMPPS(U8(unordered), z(0), z(0), reg.K4)
	KORTESTW(reg.K4, reg.K4)
	JZ(LabelRef("finite"))
	MOVQ(stateField(stateNext), job)
	MOVQ(U32(1), Mem{Base: job, Disp: jobSpecial})
	JMP(LabelRef("next"))
	Label("finite")
}

// split writes the three parts of n numbers, each plane bytes after the one
// before, and zeros up to width, which is of as many blocks of 32. Whole blocks of
// ordinary numbers go the fast way, which rounds halves away from zero.
func split() {
	TEXT("splitAVX512", attr.NOSPLIT, "func(dst *byte, plane int, src *byte, n int, width int)")
	s := &splitter{dst: Load(Param("dst"), GP64()), plane: Load(Param("plane"), GP64()), src: Load(Param("src"), GP64())}
	n, width := Load(Param("n"), GP64()), Load(Param("width"), GP64())
	half, upper, exponent, limit := isa.AVX512.Reg(28), isa.AVX512.Reg(29), isa.AVX512.Reg(30), isa.AVX512.Reg(31)
	bits := GP32()
	for _, c := range []struct {
		value uint32
		to    reg.VecPhysical
	}{{0x8000, half}, {0xFFFF0000, upper}, {0x7F807F80, exponent}, {math.Float32bits(math.MaxFloat32) & 0xFFFF0000, limit}} {
		MOVL(U32(c.value), bits)
		VPBROADCASTD(bits, c.to)
	}
	ones := GP64()
	MOVQ(I32(-1), ones)

	Label("block")
	CMPQ(n, U8(32))
	JL(LabelRef("slow"))
	s.fast(half, upper, exponent)
	Label("next")
	ADDQ(I32(128), s.src)
	ADDQ(U8(64), s.dst)
	SUBQ(U8(32), n)
	SUBQ(U8(32), width)
	JG(LabelRef("block"))
	VZEROUPPER()
	RET()

	Label("slow")
	s.slow(n, width, ones, limit)
	JMP(LabelRef("next"))
}

// splitter is the state of split under generation.
type splitter struct {
	dst, plane, src reg.Register
}

// part is where a part of the present block goes.
func (s *splitter) part(i int) Mem {
	if i == 0 {
		return Mem{Base: s.dst}
	}
	return Mem{Base: s.dst, Index: s.plane, Scale: uint8(i)}
}

// fast splits a whole block, or leaves it to slow if its low parts are not finite:
// neither are those of numbers that are not, or whose high parts overflow.
func (s *splitter) fast(half, upper, exponent reg.VecPhysical) {
	z := isa.AVX512.Reg
	for v := range 2 {
		VMOVUPS(Mem{Base: s.src, Disp: 64 * v}, z(v))
	}
	for i := range 2 { // z(2), z(3) become the high parts, z(4), z(5) the middle ones
		for v := range 2 {
			part := z(2 + 2*i + v)
			VPADDD(half, z(v), part)
			VPANDD(upper, part, part)
			VSUBPS(part, z(v), z(v))
		}
	}
	isa.VCVTNE2PS2BF16(z(0), z(1), z(0))
	VPANDD(exponent, z(0), z(1))
	VPCMPEQW(exponent, z(1), reg.K1)
	KTESTD(reg.K1, reg.K1)
	JNZ(LabelRef("slow"))
	isa.VCVTNE2PS2BF16(z(2), z(3), z(2))
	isa.VCVTNE2PS2BF16(z(4), z(5), z(4))
	VMOVUPS(z(2), s.part(0))
	VMOVUPS(z(4), s.part(1))
	VMOVUPS(z(0), s.part(2))
}

// slow splits a block that may be cut off, of any numbers.
func (s *splitter) slow(n, width, ones reg.Register, limit reg.VecPhysical) {
	z, mask := isa.AVX512.Reg, GP64()
	for v, k := range []reg.Register{reg.K1, reg.K2} {
		if v == 0 {
			BZHIQ(n, ones, mask)
			CMPQ(n, U8(64))
			CMOVQGE(ones, mask)
		} else {
			SHRQ(U8(16), mask)
		}
		KMOVW(mask.As32(), k)
		VMOVUPS_Z(Mem{Base: s.src, Disp: 64 * v}, k, z(v))
	}
	BZHIQ(width, ones, mask)
	CMPQ(width, U8(64))
	CMOVQGE(ones, mask)
	KMOVD(mask.As32(), reg.K3)
	finite := []reg.Register{reg.K5, reg.K6}
	for v := range 2 {
		const notFinite = 0x99
		VFPCLASSPSZ(U8(notFinite), z(v), reg.K4)
		KNOTW(reg.K4, finite[v])
		const least = 0x02 // of the absolute values, with the sign of the first
		VMOVAPS(z(v), z(2+v))
		VRANGEPS(U8(least), limit, z(v), finite[v], z(2+v))
	}
	isa.VCVTNE2PS2BF16(z(2), z(3), z(4))
	VMOVDQU16(z(4), reg.K3, s.part(0))
	for part := 1; part < 3; part++ {
		VEXTRACTI64X4(U8(1), z(4), z(5).AsY())
		for v := range 2 {
			VPMOVZXWD(z(4+v).AsY(), z(2+v))
			VPSLLD(U8(16), z(2+v), z(2+v))
			VSUBPS_Z(z(2+v), z(v), finite[v], z(v))
		}
		isa.VCVTNE2PS2BF16(z(0), z(1), z(4))
		VMOVDQU16(z(4), reg.K3, s.part(part))
	}
}
