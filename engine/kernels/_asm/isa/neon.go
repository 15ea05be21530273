package isa

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// FMLAElement emits dst += x·y[n], one of four FP32 lanes of y.
func FMLAElement(n int, y, x, dst reg.VecPhysical) { element("FMLAELEMENT", n, y, x, dst) }

// BFDOTElement emits dst += x·y[n], pairs of bfloat16 summed in FP32, of which y
// holds four. It needs FEAT_BF16.
func BFDOTElement(n int, y, x, dst reg.VecPhysical) { element("BFDOTELEMENT", n, y, x, dst) }

func element(verb string, n int, y, x, dst reg.VecPhysical) {
	Instruction(&ir.Instruction{
		Opcode:   verb,
		Operands: []Op{U8(uint8(n)), y, x, dst},
		Inputs:   []Op{y, x, dst},
		Outputs:  []Op{dst},
	})
}

// BFCVTN emits dst = bfloat16(src), rounded to nearest even, in the lower half.
// It needs FEAT_BF16.
func BFCVTN(src, dst reg.VecPhysical) {
	Instruction(&ir.Instruction{Opcode: "BFCVTN", Operands: []Op{src, dst}, Inputs: []Op{src}, Outputs: []Op{dst}})
}
