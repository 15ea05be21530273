package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// transpose writes dst[k][j] = src[j][k] for as many rows j as a vector has
// lanes, and blocks times as many k, all of 32 bits. Strides are in bytes.
func transpose(i isa.ISA) {
	n := i.Lanes()
	TEXT("transpose"+i.Title, attr.NOSPLIT, "func(dst *byte, dstStride int, src *byte, srcStride int, blocks int)")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	dstStride, srcStride := Load(Param("dstStride"), GP64()), Load(Param("srcStride"), GP64())
	blocks := Load(Param("blocks"), GP64())
	rows := isa.NewRows(n, srcStride)
	MOVQ(src, rows.First())
	Label("block")
	rows.Start()
	x := make([]reg.VecPhysical, n)
	for j := range x {
		x[j] = i.Reg(j)
		VMOVUPS(rows.At(j, 0), x[j])
	}
	switch n {
	case 16:
		x = transpose16(i, x)
	case 8:
		x = transpose8(i, x)
	default:
		x = transpose4(i, x)
	}
	for _, r := range x {
		VMOVUPS(r, Mem{Base: dst})
		ADDQ(dstStride, dst)
	}
	ADDQ(I32(int32(i.Bytes)), rows.First())
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// pairs interleaves: for each pair of rows of x at distance, lo and hi halves of
// a shuffle of two registers go to two free registers.
func pairs(x, free []reg.VecPhysical, distance int, lo, hi func(a, b, dst reg.VecPhysical)) []reg.VecPhysical {
	y := make([]reg.VecPhysical, len(x))
	for j := range x {
		if j/distance%2 == 0 {
			lo(x[j], x[j+distance], free[j])
			hi(x[j], x[j+distance], free[j+distance])
			y[j], y[j+distance] = free[j], free[j+distance]
		}
	}
	return y
}

// transpose16 transposes 16×16: first the 4×4 blocks, then the 4×4 of blocks.
func transpose16(i isa.ISA, x []reg.VecPhysical) []reg.VecPhysical {
	free := make([]reg.VecPhysical, 16)
	for j := range free {
		free[j] = i.Reg(16 + j)
	}
	x = exchange4(x, free)
	y := pairs(x, free, 4, quarters(0x88), quarters(0xDD))
	return pairs(y, x, 8, quarters(0x88), quarters(0xDD))
}

// quarters puts two quarters of a, then two of b, in dst.
func quarters(order uint8) func(a, b, dst reg.VecPhysical) {
	return func(a, b, dst reg.VecPhysical) { VSHUFF32X4(U8(order), b, a, dst) }
}

// exchange4 transposes the 4×4 blocks that each 128-bit lane of four registers
// holds.
func exchange4(x, free []reg.VecPhysical) []reg.VecPhysical {
	y := pairs(x, free, 1,
		func(a, b, dst reg.VecPhysical) { VUNPCKLPS(b, a, dst) },
		func(a, b, dst reg.VecPhysical) { VUNPCKHPS(b, a, dst) })
	out := make([]reg.VecPhysical, len(x))
	for j := 0; j < len(x); j += 4 {
		VUNPCKLPD(y[j+2], y[j], x[j])
		VUNPCKHPD(y[j+2], y[j], x[j+1])
		VUNPCKLPD(y[j+3], y[j+1], x[j+2])
		VUNPCKHPD(y[j+3], y[j+1], x[j+3])
		copy(out[j:], x[j:j+4])
	}
	return out
}

func transpose4(i isa.ISA, x []reg.VecPhysical) []reg.VecPhysical {
	return exchange4(x, []reg.VecPhysical{i.Reg(4), i.Reg(5), i.Reg(6), i.Reg(7)})
}

func transpose8(i isa.ISA, x []reg.VecPhysical) []reg.VecPhysical {
	free := make([]reg.VecPhysical, 8)
	for j := range free {
		free[j] = i.Reg(8 + j)
	}
	x = exchange4(x, free)
	return pairs(x, free, 4,
		func(a, b, dst reg.VecPhysical) { VPERM2F128(U8(0x20), b, a, dst) },
		func(a, b, dst reg.VecPhysical) { VPERM2F128(U8(0x31), b, a, dst) })
}

// interleave writes, for each pair of rows of 32 elements of 16 bits, the
// elements of the first in even places and those of the second in odd ones.
// The stride is in bytes.
func interleave() {
	order := [2]Mem{GLOBL("interleaveLower", attr.RODATA|attr.NOPTR)}
	interleaveOrder(0)
	order[1] = GLOBL("interleaveUpper", attr.RODATA|attr.NOPTR)
	interleaveOrder(16)
	TEXT("interleave"+isa.AVX512.Title, attr.NOSPLIT, "func(dst *byte, src *byte, stride int, pairs int)")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	stride, pairs := Load(Param("stride"), GP64()), Load(Param("pairs"), GP64())
	var indices [2]reg.VecVirtual
	for i, m := range order {
		indices[i] = ZMM()
		VMOVDQU16(m, indices[i])
	}
	Label("pair")
	odd := ZMM()
	VMOVDQU16(Mem{Base: src, Index: stride, Scale: 1}, odd)
	for i, index := range indices {
		even := ZMM()
		VMOVDQU16(Mem{Base: src}, even)
		VPERMT2W(odd, index, even)
		VMOVDQU16(even, Mem{Base: dst, Disp: 64 * i})
	}
	LEAQ(Mem{Base: src, Index: stride, Scale: 2}, src)
	ADDQ(I32(128), dst)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	VZEROUPPER()
	RET()
}

// interleaveOrder fills a table with which of 64 words, the second 32 those of
// the odd row, come where.
func interleaveOrder(first int) {
	for i := range 16 {
		DATA(4*i, U32(uint32(first+i)|uint32(32+first+i)<<16))
	}
}
