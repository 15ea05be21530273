// Package isa holds what the kernel generators share: vector instruction sets
// seen alike, strided row addressing, and the instructions that neither avo nor
// the Go assembler spell. It knows nothing of any kernel.
package isa

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ISA is a vector instruction set: so many registers of so many bytes.
type ISA struct {
	Name  string // as kernel names spell it: "avx512"
	Title string // as function names spell it: "AVX512"
	Bytes int    // of one vector
	Count int    // of vector registers
}

// AVX512 stands for AVX-512 F, BW, DQ and VL together.
var AVX512 = ISA{"avx512", "AVX512", 64, 32}

// AVX2 stands for AVX2, FMA and F16C together.
var AVX2 = ISA{"avx2", "AVX2", 32, 16}

// NEON stands for the Advanced SIMD of ARMv8.0.
var NEON = ISA{"neon", "NEON", 16, 32}

// Lanes is the number of FP32 values in one vector.
func (i ISA) Lanes() int { return i.Bytes / 4 }

// Reg is vector register n at the instruction set's full width.
func (i ISA) Reg(n int) reg.VecPhysical {
	if n < 0 || n >= i.Count {
		panic("isa: no such vector register")
	}
	switch i.Bytes {
	case 64:
		return z[n]
	case 32:
		return y[n]
	}
	return z[n].AsX().(reg.VecPhysical)
}

// Zero clears register r.
func (i ISA) Zero(r reg.VecPhysical) {
	if i.Bytes == 64 {
		VPXORD(r, r, r)
		return
	}
	VXORPS(r, r, r)
}

var z = [...]reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var y = [...]reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

// Field loads the 64-bit field at byte offset off of the struct p points to.
func Field(p reg.Register, off int) reg.GPVirtual {
	r := GP64()
	MOVQ(Mem{Base: p, Disp: off}, r)
	return r
}

// Float defines a read-only FP32 constant that the file's functions may load.
// avo's own F32 operand assembles as an integer.
func Float(name string, v float32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	DATA(0, U32(math.Float32bits(v)))
	return m
}

// VDPBF16PS emits dst += a·b, pairs of bfloat16 summed in FP32, for three full
// AVX-512 registers: EVEX.512.F3.0F38.W0 52 /r, which the assembler lacks.
func VDPBF16PS(a, b, dst reg.VecPhysical) {
	evex(0x52, 2, int(a.ID().Index()), int(b.ID().Index()), int(dst.ID().Index()))
}

// VPDPBUSD emits dst += a·b, fours of unsigned bytes of a times signed bytes of b
// summed in int32 without saturation, for three full AVX-512 registers:
// EVEX.512.66.0F38.W0 50 /r, which avo lacks.
func VPDPBUSD(a, b, dst reg.VecPhysical) {
	evex(0x50, 1, int(b.ID().Index()), int(a.ID().Index()), int(dst.ID().Index()))
}

// VCVTNEPS2BF16 emits dst = bfloat16(src), rounded to nearest even, from a full
// AVX-512 register into the lower half of dst: EVEX.512.F3.0F38.W0 72 /r.
func VCVTNEPS2BF16(src, dst reg.VecPhysical) {
	evex(0x72, 2, int(src.ID().Index()), 0, int(dst.ID().Index()))
}

// VCVTNE2PS2BF16 emits dst = bfloat16(low) in the lower half and bfloat16(high)
// in the upper, rounded to nearest even, for full AVX-512 registers:
// EVEX.512.F2.0F38.W0 72 /r.
func VCVTNE2PS2BF16(low, high, dst reg.VecPhysical) {
	evex(0x72, 3, int(low.ID().Index()), int(high.ID().Index()), int(dst.ID().Index()))
}

// evex emits a 512-bit register-to-register instruction of opcode map 0F38.
// prefix: 1 is 66, 2 is F3, 3 is F2. Register numbers are split over inverted
// prefix bits as in Intel's SDM volume 2, 2.7.1.
func evex(opcode, prefix, rm, v, dst int) {
	inverted := func(bit int) int {
		if bit != 0 {
			return 0
		}
		return 1
	}
	p0 := inverted(dst&8)<<7 | inverted(rm&16)<<6 | inverted(rm&8)<<5 | inverted(dst&16)<<4 | 2
	p1 := (^v&15)<<3 | 1<<2 | prefix
	p2 := 2<<5 | inverted(v&16)<<3
	modrm := 0xC0 | (dst&7)<<3 | rm&7
	Instruction(&ir.Instruction{Opcode: "LONG", Operands: []Op{U32(uint32(0x62 | p0<<8 | p1<<16 | p2<<24))}})
	Instruction(&ir.Instruction{Opcode: "WORD", Operands: []Op{U16(uint16(opcode | modrm<<8))}})
}
