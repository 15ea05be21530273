package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Byte offsets of quant.Tile's fields; a test in that package holds them true.
const (
	argTaps  = 0
	argTap   = 8
	argSteps = 16
	argA     = 24
	argLda   = 32
	argB     = 40
	argC     = 48
	argLdc   = 56
	argBias  = 64
	argScale = 72
	argLo    = 80
	argHi    = 84
	argZero  = 88
	argCols  = 96
)

// unroll is the number of steps in the main loop.
const unroll = 4

// tile is the state of one kernel under generation. Registers: sets × mr × nv
// accumulators, then nv of B, then those of A; tiles of words need one more for
// the product.
type tile struct {
	isa.ISA
	words  bool
	mr, nv int
	sets   int
	p, b   reg.Register
	rows   *isa.Rows
}

// generateTile writes C[mr][nv·lanes] = the requantized Σ over taps and k of A·B.
func generateTile(i isa.ISA, words bool, mr, nv int) {
	t := &tile{ISA: i, words: words, mr: mr, nv: nv, sets: 1}
	for !words && t.sets < unroll && mr*nv*t.sets < 10 && mr*nv*t.sets*2+nv+2 <= i.Count {
		t.sets *= 2
	}
	TEXT(tileName(i, words, mr, nv*i.Lanes()), attr.NOSPLIT, "func(t *byte)")
	t.p = Load(Param("t"), GP64())
	t.start()
	t.multiply()
	t.sumSets()
	t.finish()
	VZEROUPPER()
	RET()
}

func (t *tile) acc(set, row, v int) reg.VecPhysical { return t.Reg((set*t.mr+row)*t.nv + v) }

// free is the n-th register above the accumulators.
func (t *tile) free(n int) reg.VecPhysical { return t.Reg(t.sets*t.mr*t.nv + n) }

// start sets the sums to the bias.
func (t *tile) start() {
	bias := isa.Field(t.p, argBias)
	for v := range t.nv {
		VMOVUPS(Mem{Base: bias, Disp: v * t.Bytes}, t.acc(0, 0, v))
	}
	for set := range t.sets {
		for i := range t.mr {
			for v := range t.nv {
				switch {
				case set > 0:
					t.Zero(t.acc(set, i, v))
				case i > 0:
					VMOVAPS(t.acc(0, 0, v), t.acc(0, i, v))
				}
			}
		}
	}
}

// stepBytes is the size of one step of B: four k of every column.
func (t *tile) stepBytes() int {
	if t.words {
		return 2 * t.nv * t.Bytes
	}
	return t.nv * t.Bytes
}

// multiply runs all taps and steps.
func (t *tile) multiply() {
	t.b = isa.Field(t.p, argB)
	lda := isa.Field(t.p, argLda)
	tap := isa.Field(t.p, argTap)
	taps := isa.Field(t.p, argTaps)
	t.rows = isa.NewRows(t.mr, lda)
	k := GP64()

	Label("tap")
	MOVQ(Mem{Base: tap}, t.rows.First())
	ADDQ(Mem{Base: t.p, Disp: argA}, t.rows.First())
	t.rows.Start()
	MOVQ(Mem{Base: t.p, Disp: argSteps}, k)
	SUBQ(U8(unroll), k)
	JL(LabelRef("rest"))
	Label("loop")
	for u := range unroll {
		t.step(u, u%t.sets)
	}
	ADDQ(I32(int32(unroll*t.stepBytes())), t.b)
	t.rows.Advance(unroll * 4)
	SUBQ(U8(unroll), k)
	JGE(LabelRef("loop"))
	Label("rest")
	ADDQ(U8(unroll), k)
	JZ(LabelRef("done"))
	Label("single")
	t.step(0, 0)
	ADDQ(I32(int32(t.stepBytes())), t.b)
	t.rows.Advance(4)
	DECQ(k)
	JNZ(LabelRef("single"))
	Label("done")
	ADDQ(U8(8), tap)
	DECQ(taps)
	JNZ(LabelRef("tap"))
}

// step adds step u of the main loop to one set of sums.
func (t *tile) step(u, set int) {
	if t.words {
		t.stepWords(u)
		return
	}
	for v := range t.nv {
		VMOVUPS(Mem{Base: t.b, Disp: u*t.stepBytes() + v*t.Bytes}, t.free(v))
	}
	first := t.sets*t.mr*t.nv + t.nv
	for i := range t.mr {
		a := t.Reg(first + i%(t.Count-first))
		VPBROADCASTD(t.rows.At(i, u*4), a)
		for v := range t.nv {
			isa.VPDPBUSD(a, t.free(v), t.acc(set, i, v))
		}
	}
}

// stepWords is step in two halves of two k, with 16-bit factors.
func (t *tile) stepWords(u int) {
	a, product := t.free(t.nv), t.free(t.nv+1)
	for half := range 2 {
		for v := range t.nv {
			VMOVUPS(Mem{Base: t.b, Disp: u*t.stepBytes() + (half*t.nv+v)*t.Bytes}, t.free(v))
		}
		for i := range t.mr {
			if t.Bytes == 64 {
				VPBROADCASTW(t.rows.At(i, u*4+half*2), a.AsY())
				VPMOVZXBW(a.AsY(), a)
			} else {
				VPBROADCASTW(t.rows.At(i, u*4+half*2), a.AsX())
				VPMOVZXBW(a.AsX(), a)
			}
			for v := range t.nv {
				VPMADDWD(t.free(v), a, product)
				VPADDD(product, t.acc(0, i, v), t.acc(0, i, v))
			}
		}
	}
}

// sumSets folds all sets of sums into the first.
func (t *tile) sumSets() {
	for n := t.sets / 2; n > 0; n /= 2 {
		for set := range n {
			for i := range t.mr {
				for v := range t.nv {
					VPADDD(t.acc(set+n, i, v), t.acc(set, i, v), t.acc(set, i, v))
				}
			}
		}
	}
}

// finish stores the sums, or their requantized bytes where there are scales.
func (t *tile) finish() {
	c, ldc, cols, scale := isa.Field(t.p, argC), isa.Field(t.p, argLdc), isa.Field(t.p, argCols), isa.Field(t.p, argScale)
	q := newQuantizer(t.ISA, t.p, argLo, argHi, argZero, t.free(0), t.free(1), t.free(2))
	at := GP64()
	TESTQ(scale, scale)
	JZ(LabelRef("sums"))
	for v := range t.nv {
		MOVQ(c, at)
		q.vector(cols)
		VMOVUPS(Mem{Base: scale, Disp: v * t.Bytes}, t.free(3))
		for i := range t.mr {
			x := t.acc(0, i, v)
			VCVTDQ2PS(x, x)
			VMULPS(t.free(3), x, x)
			q.bytes(x)
		}
		q.store(at, ldc, v*t.Lanes(), t.mr, func(i int) reg.VecPhysical { return t.acc(0, i, v) })
		if v < t.nv-1 {
			SUBQ(U8(uint8(t.Lanes())), cols)
			JLE(LabelRef("end"))
		}
	}
	JMP(LabelRef("end"))
	Label("sums")
	for v := range t.nv {
		MOVQ(c, at)
		mask := sumsMask(t.ISA, cols, t.free(0))
		for i := range t.mr {
			storeSums(t.ISA, mask, t.acc(0, i, v), Mem{Base: at, Disp: v * t.Bytes})
			if i < t.mr-1 {
				ADDQ(ldc, at)
			}
		}
		if v < t.nv-1 {
			SUBQ(U8(uint8(t.Lanes())), cols)
			JLE(LabelRef("end"))
		}
	}
	Label("end")
}
