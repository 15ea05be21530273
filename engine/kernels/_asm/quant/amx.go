package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Byte offsets of quant.tiles's fields; a test in that package holds them true.
const (
	stateCount      = 64
	stateChunks     = 72
	stateChunkBytes = 80
	stateStepB      = 88
	stateTaps       = 96
	stateTap        = 104
	stateLda        = 112
	stateB          = 120
	stateLower      = 128
	stateLowerSums  = 136
	stateBias       = 144
	stateSums       = 152
	stateA          = 160

	jobSums = 32 * 32 * 4 // bytes of the sums of one job
)

// amx is a kernel on AMX tiles: sums of 16·tall rows and 16·wide columns at
// most. Tiles: sums 0 to 3, A in 4 and 5, B in 6 and 7.
type amx struct{ tall, wide int }

func (x amx) function() string { return fmt.Sprintf("tilesAMX_%dx%d", 16*x.tall, 16*x.wide) }

func (x amx) generate() {
	s, job, sums := reg.R14, reg.R15, reg.RAX
	field := func(off int) Mem { return Mem{Base: s, Disp: off} }
	TEXT(x.function(), attr.NOSPLIT, "func(s *byte)")
	Load(Param("s"), s)
	isa.LDTILECFG(s)
	LEAQ(field(stateA), job)
	MOVQ(field(stateSums), sums)
	rowBytes, p, zero := reg.R8, reg.RCX, reg.RDX
	MOVQ(U32(uint32(64*x.wide)), rowBytes)

	Label("job")
	XORQ(zero, zero)
	MOVQ(field(stateBias), p)
	for v := range x.wide {
		if v > 0 {
			ADDQ(U8(64), p)
		}
		for i := range x.tall {
			isa.TILELOADD(p, zero, 2*i+v)
		}
	}
	a, lower, lda := reg.RSI, reg.RDI, reg.R12
	b, right, chunks, tap, taps := reg.RBX, reg.R11, reg.RCX, reg.R9, reg.R10
	MOVQ(field(stateLda), lda)
	MOVQ(field(stateB), b)
	MOVQ(field(stateTap), tap)
	MOVQ(field(stateTaps), taps)
	Label("tap")
	MOVQ(Mem{Base: job}, a)
	ADDQ(Mem{Base: tap}, a)
	MOVQ(a, lower)
	ADDQ(field(stateLower), lower)
	MOVQ(field(stateChunks), chunks)
	Label("chunk")
	isa.TILELOADD(a, lda, 4)
	isa.TILELOADD(b, rowBytes, 6)
	isa.TDPBUSD(4, 6, 0)
	if x.wide == 2 {
		LEAQ(Mem{Base: b, Disp: 64}, right)
		isa.TILELOADD(right, rowBytes, 7)
		isa.TDPBUSD(4, 7, 1)
	}
	if x.tall == 2 {
		isa.TILELOADD(lower, lda, 5)
		ADDQ(field(stateChunkBytes), lower)
		for v := range x.wide {
			isa.TDPBUSD(5, 6+v, 2+v)
		}
	}
	ADDQ(field(stateChunkBytes), a)
	ADDQ(field(stateStepB), b)
	DECQ(chunks)
	JNZ(LabelRef("chunk"))
	ADDQ(U8(8), tap)
	DECQ(taps)
	JNZ(LabelRef("tap"))

	MOVQ(sums, p)
	for i := range x.tall {
		if i > 0 {
			ADDQ(field(stateLowerSums), p)
		}
		isa.TILESTORED(2*i, p, rowBytes)
		if x.wide == 2 {
			LEAQ(Mem{Base: p, Disp: 64}, right)
			isa.TILESTORED(2*i+1, right, rowBytes)
		}
	}
	ADDQ(U32(jobSums), sums)
	ADDQ(U8(8), job)
	DECQ(field(stateCount))
	JNZ(LabelRef("job"))
	isa.TILERELEASE()
	RET()
}
