package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// sums is how many vectors of sums hide the latency of a multiply-add.
const sums = 8

// matVecs generates the strips of vector.Funcs.MatVec: 16, 32, 64 and 128 columns, as far as there are registers.
func matVecs(f *file, set isa.ISA) {
	for i, columns := range []int{16, 32, 64, 128} {
		if vectors := columns / set.Lanes(); vectors <= sums {
			matVec(f, set, i, columns, vectors)
		}
	}
}

// matVec adds to so many columns; where they are few, the rows of w take turns among several sums of each.
func matVec(f *file, set isa.ISA, index, columns, vectors int) {
	a := f.begin(set, "matVec", fmt.Sprint(index), fmt.Sprintf("matVec%d", columns), "(dst, x, w *float32, k, stride int)")
	dst, x, w := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("w"), GP64())
	k, stride := Load(Param("k"), GP64()), Load(Param("stride"), GP64())
	turns := sums / vectors
	acc := make([][]reg.VecVirtual, turns)
	for t := range acc {
		for i := range vectors {
			if t == 0 {
				acc[t] = append(acc[t], a.Move(Mem{Base: dst, Disp: i * a.Bytes}))
			} else {
				acc[t] = append(acc[t], a.Nought())
			}
		}
	}
	row := func(t, ahead int) {
		each := a.Broadcast(Mem{Base: x, Disp: 4 * ahead})
		for i := range vectors {
			VFMADD231PS(Mem{Base: w, Disp: i * a.Bytes}, each, acc[t][i])
		}
		ADDQ(stride, w)
	}
	const unroll = 4
	steps := max(turns, unroll)
	Label("loop")
	CMPQ(k, I32(int32(steps)))
	JLT(LabelRef("rest"))
	for s := range steps {
		row(s%turns, s)
	}
	ADDQ(I32(int32(4*steps)), x)
	SUBQ(I32(int32(steps)), k)
	JMP(LabelRef("loop"))
	Label("rest")
	TESTQ(k, k)
	JZ(LabelRef("done"))
	row(0, 0)
	ADDQ(I8(4), x)
	DECQ(k)
	JMP(LabelRef("rest"))
	Label("done")
	for i := range vectors {
		for _, other := range acc[1:] {
			VADDPS(other[i], acc[0][i], acc[0][i])
		}
		VMOVUPS(acc[0][i], Mem{Base: dst, Disp: i * a.Bytes})
	}
	a.Return()
}
