package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Byte offsets of conv.Strip's fields; a test in that package holds them true.
const (
	stripIn      = 0
	stripWeights = 8
	stripBias    = 16
	stripOut     = 24
	stripTap     = 32
	stripTaps    = 40
	stripPlane   = 48
	stripCount   = 56
	stripLo      = 64
	stripHi      = 68
	stripOuts    = 72
)

// stripOutputs are the numbers of output channels with kernels of their own:
// package conv indexes its table in this order.
var stripOutputs = []int{1, 2, 4, 8}

// mostVectors is the largest number of vectors of pixels in a tile.
const mostVectors = 8

// strip is a kernel of tiles of so many output channels and vectors of pixels.
// Registers: accumulators by channel, then a vector of inputs each, then a weight.
type strip struct {
	isa.ISA
	outs, vectors int
}

func (s *strip) fits() bool { return s.outs*s.vectors+s.vectors+1 <= s.Count }

func (s *strip) function() string { return fmt.Sprintf("strip%dx%d%s", s.outs, s.vectors, s.Title) }

func (s *strip) sum(o, v int) reg.VecPhysical    { return s.Reg(o*s.vectors + v) }
func (s *strip) input(v int) reg.VecPhysical     { return s.Reg(s.outs*s.vectors + v) }
func (s *strip) weight() reg.VecPhysical         { return s.Reg(s.outs*s.vectors + s.vectors) }
func (s *strip) at(base reg.Register, v int) Mem { return Mem{Base: base, Disp: v * s.Bytes} }

func (s *strip) generate() {
	TEXT(s.function(), attr.NOSPLIT, "func(s *byte)")
	p := Load(Param("s"), GP64())
	in, out, count := isa.Field(p, stripIn), isa.Field(p, stripOut), isa.Field(p, stripCount)
	Label("tile")
	for i := range s.outs * s.vectors {
		s.Zero(s.Reg(i))
	}
	tap, taps, w, x := isa.Field(p, stripTap), isa.Field(p, stripTaps), isa.Field(p, stripWeights), GP64()
	Label("tap")
	MOVQ(Mem{Base: tap}, x)
	ADDQ(in, x)
	for v := range s.vectors {
		VMOVUPS(s.at(x, v), s.input(v))
	}
	for o := range s.outs {
		VBROADCASTSS(Mem{Base: w, Disp: 4 * o}, s.weight())
		for v := range s.vectors {
			VFMADD231PS(s.input(v), s.weight(), s.sum(o, v))
		}
	}
	ADDQ(U8(8), tap)
	ADDQ(U8(uint8(4*s.outs)), w)
	DECQ(taps)
	JNZ(LabelRef("tap"))
	s.finish(p, out)
	ADDQ(I32(int32(s.vectors*s.Bytes)), in)
	ADDQ(I32(int32(s.vectors*s.Bytes)), out)
	DECQ(count)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// finish adds the bias, clamps and stores a tile.
func (s *strip) finish(p, out reg.Register) {
	bias, plane, to := isa.Field(p, stripBias), isa.Field(p, stripPlane), GP64()
	for o := range s.outs {
		VBROADCASTSS(Mem{Base: bias, Disp: 4 * o}, s.weight())
		for v := range s.vectors {
			VADDPS(s.weight(), s.sum(o, v), s.sum(o, v))
		}
	}
	lo, hi := s.weight(), s.input(0)
	VBROADCASTSS(Mem{Base: p, Disp: stripLo}, lo)
	VBROADCASTSS(Mem{Base: p, Disp: stripHi}, hi)
	MOVQ(out, to)
	for o := range s.outs {
		if 2*o > s.outs { // fewer would be another kernel's
			CMPQ(Mem{Base: p, Disp: stripOuts}, U8(uint8(o)))
			JLE(LabelRef("stored"))
		}
		for v := range s.vectors {
			VMAXPS(s.sum(o, v), lo, s.sum(o, v))
			VMINPS(s.sum(o, v), hi, s.sum(o, v))
			VMOVUPS(s.sum(o, v), s.at(to, v))
		}
		if o < s.outs-1 {
			ADDQ(plane, to)
		}
	}
	Label("stored")
}

// strips generates the kernels of planes, and writes their declarations and table.
func strips(out *bytes.Buffer, set isa.ISA) {
	var table bytes.Buffer
	for _, outs := range stripOutputs {
		fmt.Fprintf(&table, "\t{")
		for vectors := 1; vectors <= mostVectors; vectors++ {
			s := strip{set, outs, vectors}
			if !s.fits() {
				break
			}
			s.generate()
			fmt.Fprintf(&table, "%s, ", s.function())
			fmt.Fprintf(out, "//go:noescape\nfunc %s(s *Strip)\n\n", s.function())
		}
		fmt.Fprintf(&table, "},\n")
	}
	fmt.Fprintf(out, "// strips%s holds kernels by output channels and by vectors.\nvar strips%[1]s = [...][]func(*Strip){\n%s}\n\n", set.Title, table.String())
}
