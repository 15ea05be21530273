package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Byte offsets of normalize.Block's fields; a test in that package holds them true.
const (
	blockX     = 0
	blockLdx   = 8
	blockP     = 16
	blockLdp   = 24
	blockMask  = 32
	blockLdm   = 40
	blockMax   = 48
	blockSum   = 56
	blockRows  = 64
	blockSeen  = 72
	blockStep  = 80
	blockMost  = 88
	blockWidth = 96
	blockScale = 104
	blockMoved = 112 // copies of what moves from row to row: no pointers to the collector
)

// moving lists the fields that move from row to row.
var moving = [...]int{blockX, blockP, blockMask, blockMax, blockSum, blockRows, blockSeen}

// moved is where the copy of a field lies.
func moved(field int) int {
	for i, f := range moving {
		if f == field {
			return blockMoved + 8*i
		}
	}
	panic("normalize: a field that does not move")
}

// blocks generates the work of softmax on a block of rows, with float32 and
// bfloat16 results.
func blocks(f *file) {
	for _, masked := range []bool{false, true} {
		name := "exponentiate"
		if masked {
			name += "Masked"
		}
		for _, set := range f.Of(isa.AVX512, isa.NEON) {
			exponentiate(f, set, name, isa.Float32, masked)
		}
		for _, set := range f.Of(isa.AVX512BF16, isa.NEON) {
			exponentiate(f, set, name+"BF16", isa.BFloat16, masked)
		}
	}
	for _, set := range f.Of(isa.AVX512, isa.NEON) {
		scaleRows(f, set, "scale", isa.Float32)
	}
	for _, set := range f.Of(isa.AVX512BF16, isa.NEON) {
		scaleRows(f, set, "scaleBF16", isa.BFloat16)
	}
}

// block is a function under generation whose argument is a Block.
type block struct {
	*isa.Algebra
	t      reg.Register
	format isa.Format
	masked bool
}

func field(t reg.Register, offset int) Mem { return Mem{Base: t, Disp: offset} }

// load reads a field into a register of its own.
func (b *block) load(offset int) reg.GPVirtual {
	r := GP64()
	MOVQ(field(b.t, offset), r)
	return r
}

// begin copies what moves, and begins the first row.
func (b *block) begin() {
	for _, f := range moving {
		MOVQ(b.load(f), field(b.t, moved(f)))
	}
	Label("row")
}

// next goes on to the next row, if there is one.
func (b *block) next() {
	for _, f := range []struct{ of, by int }{{blockX, blockLdx}, {blockP, blockLdp}, {blockMask, blockLdm}, {blockSeen, blockStep}} {
		ADDQ(b.load(f.by), field(b.t, moved(f.of)))
	}
	ADDQ(U8(4), field(b.t, moved(blockMax)))
	ADDQ(U8(4), field(b.t, moved(blockSum)))
	DECQ(field(b.t, moved(blockRows)))
	JNZ(LabelRef("row"))
	b.Return()
}

// scores begins a walk along x and the mask of the row.
func (b *block) scores(name string, count reg.GPVirtual) scores {
	n := GP64()
	MOVQ(count, n)
	s := b.StreamOf(n).Named(name)
	t := scores{Stream: s, x: s.Pointer(b.load(moved(blockX)), isa.Float32), scale: b.Broadcast(field(b.t, blockScale))}
	if b.masked {
		t.mask = s.Pointer(b.load(moved(blockMask)), isa.Float32)
	}
	return t
}

// exponentiate generates, for each row: max = the larger of max and that of
// t = x·scale + mask; p = exp(t-max), zeros after the row's end up to the width;
// sum = Σ p.
func exponentiate(f *file, set isa.ISA, name string, format isa.Format, masked bool) {
	a := f.begin(set, name, "(b *byte)")
	b := &block{a, Load(Param("b"), GP64()), format, masked}
	b.begin()
	count, zero := b.load(moved(blockSeen)), GP64()
	XORQ(zero, zero)
	TESTQ(count, count)
	CMOVQLT(zero, count)
	most := b.load(blockMost)
	CMPQ(count, most)
	CMOVQGT(most, count)

	t := b.scores("max", count)
	low := a.Const(float32(math.Inf(-1)))
	top := a.Partials(partials, low, VMAXPS)
	t.Each(partials, func(at isa.At) {
		x := t.load(at)
		if lanes, partial := at.Partial(); partial {
			x = a.Select(lanes, x, a.Move(low))
		}
		top.Take(at, x)
	})
	place := b.load(moved(blockMax))
	highest := top.Scalar()
	before := XMM()
	VMOVSS(Mem{Base: place}, before)
	VMAXSS(highest.AsX(), before, before)
	VMOVSS(before, Mem{Base: place})
	shift := a.New()
	VBROADCASTSS(before, shift)
	shift = a.Select(a.Compare(shift, isa.Equal, low), a.Const(0), shift)

	t = b.scores("exp", count)
	dst := t.Pointer(b.load(moved(blockP)), format)
	total := a.Sums(2)
	t.Together(2, func(ats []isa.At) {
		var e []v
		for _, at := range ats {
			e = append(e, within(a, at, a.Exp(a.Sub(t.load(at), shift))))
		}
		for i, at := range ats {
			if _, partial := at.Partial(); partial {
				at = isa.At{} // the rest of the vector is within the width
			}
			t.Store(dst, at, e[i])
			total.Take(at, e[i])
		}
	})
	VMOVSS(total.Scalar().AsX(), Mem{Base: b.load(moved(blockSum))})
	b.clear(count)

	b.next()
}

// scaleRows generates p = x·sum for Most elements of each row.
func scaleRows(f *file, set isa.ISA, name string, format isa.Format) {
	a := f.begin(set, name, "(b *byte)")
	b := &block{a, Load(Param("b"), GP64()), format, false}
	b.begin()
	s := a.StreamOf(b.load(blockMost))
	x, dst := s.Pointer(b.load(moved(blockX)), isa.Float32), s.Pointer(b.load(moved(blockP)), format)
	factor := a.Broadcast(Mem{Base: b.load(moved(blockSum))})
	s.Each(4, func(at isa.At) { s.Store(dst, at, a.Mul(s.Load(x, at), factor)) })
	b.next()
}

// clear zeroes the row's vectors of P from the first after count elements to the width.
func (b *block) clear(count reg.GPVirtual) {
	lanes := b.Lanes()
	at, end, dst := GP64(), b.load(blockWidth), b.load(moved(blockP))
	LEAQ(Mem{Base: count, Disp: lanes - 1}, at)
	ANDQ(I32(int32(-lanes)), at)
	nought := b.Nought()
	Label("clear")
	CMPQ(at, end)
	JGE(LabelRef("cleared"))
	m := Mem{Base: dst, Index: at, Scale: uint8(b.format.Bytes())}
	switch {
	case b.format.Bytes() == 4:
		VMOVUPS(nought, m)
	case b.Wide():
		VMOVUPS(nought.AsY(), m)
	default:
		VMOVQ(nought, m)
	}
	ADDQ(I32(int32(lanes)), at)
	JMP(LabelRef("clear"))
	Label("cleared")
}
