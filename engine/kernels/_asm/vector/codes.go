package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// codeGroup is vector.CodeGroup.
const codeGroup = 32

// codeDots generates vector.Funcs.Dots4 and Dots8: columns, blocks and groups are loops around one another, none of them of no turn.
func codeDots(f *file, set isa.ISA, bits int) {
	name := fmt.Sprintf("dots%d", bits)
	a := f.begin(set, name, "", name, "(dst, x *float32, w *uint8, scales, zeros *float32, columns, blocks, groups, zeroStep int)")
	dst, w := Load(Param("dst"), GP64()), Load(Param("w"), GP64())
	scales, zeros, zeroStep := Load(Param("scales"), GP64()), Load(Param("zeros"), GP64()), Load(Param("zeroStep"), GP64())
	columns := Load(Param("columns"), GP64())
	var mask v
	if bits == 4 {
		mask = a.Move(a.Bits(15))
	}
	even, odd := a.New(), a.New()
	Label("column")
	sums := a.Sums(1)
	x, blocks := Load(Param("x"), GP64()), Load(Param("blocks"), GP64())
	Label("block")
	zero, scale := a.Broadcast(Mem{Base: zeros}), a.Broadcast(Mem{Base: scales})
	ADDQ(zeroStep, zeros)
	ADDQ(I8(4), scales)
	VXORPS(even, even, even)
	VXORPS(odd, odd, odd)
	groups := Load(Param("groups"), GP64())
	Label("group")
	take := func(codes v, first int, sum v) {
		VCVTDQ2PS(codes, codes)
		VFMADD231PS(Mem{Base: x, Disp: 4 * first}, a.Sub(codes, zero), sum)
	}
	for at := 0; at < codeGroup*bits/8; at += a.Lanes() {
		codes := a.New()
		VPMOVZXBD(Mem{Base: w, Disp: at}, codes)
		switch {
		case bits == 4:
			take(a.And(codes, mask), at, even)
			take(a.Shift(codes, -4), at+codeGroup/2, odd)
		case at/a.Lanes()%2 == 0:
			take(codes, at, even)
		default:
			take(codes, at, odd)
		}
	}
	ADDQ(I8(codeGroup*bits/8), w)
	ADDQ(I32(4*codeGroup), x)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VADDPS(odd, even, even)
	VFMADD231PS(even, scale, sums.Running(isa.At{}))
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VMOVSS(sums.Scalar().AsX(), Mem{Base: dst})
	ADDQ(I8(4), dst)
	DECQ(columns)
	JNZ(LabelRef("column"))
	a.Return()
}
