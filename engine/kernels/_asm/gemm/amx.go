package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Byte offsets of gemm.Tile's and gemm.tileState's fields.
const (
	argRows  = 120
	argState = 136

	stateChunks  = 64
	statePairs   = 72
	stateUpper   = 80
	stateStepB   = 88
	stateCount   = 96
	stateNext    = 104
	stateScratch = 128
	scratchRow   = 128  // bytes of a row of 32 sums
	scratchSize  = 4096 // of 32 rows
)

// amx is a kernel on AMX tiles: C of 16·tall rows and 16·wide columns at most,
// the row counts as the configuration says. Tiles: sums 0 to 3, A in 4 and 5, B
// in 6 and 7. A short kernel has a second set of sums for every other chunk of
// k, as a sum's latency is that of three products.
type amx struct {
	tall, wide int
	outBF      bool
}

var amxKernels = []amx{
	{1, 1, false}, {1, 2, false}, {2, 1, false}, {2, 2, false},
	{1, 1, true}, {1, 2, true}, {2, 1, true}, {2, 2, true},
}

// The kernel's registers.
var (
	amxT       = reg.RAX
	amxB       = reg.RBX
	amxB1      = reg.R11
	amxStrideB = reg.R8
	amxA       = reg.RSI
	amxA1      = reg.RDI
	amxLda     = reg.RDX
	amxChunks  = reg.RCX
	amxTap     = reg.R9
	amxTaps    = reg.R10
	amxState   = reg.R14
	amxAhead   = reg.R15
	amxStepA   = reg.R12
	amxLower   = reg.R13 // bytes from A's upper tile to its lower
)

func (x amx) function() string {
	name := "tileBF16"
	if x.outBF {
		name += "Out"
	}
	return fmt.Sprintf("%sAMX_%dx%d", name, 16*x.tall, 16*x.wide)
}

func field(off int, r reg.GPPhysical)      { MOVQ(Mem{Base: amxT, Disp: off}, r) }
func stateField(off int, r reg.GPPhysical) { MOVQ(Mem{Base: amxState, Disp: off}, r) }

func (x amx) generate() {
	TEXT(x.function(), attr.NOSPLIT, "func(t *byte)")
	Load(Param("t"), amxT)
	field(argState, amxState)
	isa.LDTILECFG(amxState)
	Label("tile")
	x.takeJob()
	for i := range 4 {
		isa.TILEZERO(i)
	}
	field(argLda, amxLda)
	field(argB, amxB)
	field(argTap, amxTap)
	field(argTaps, amxTaps)
	field(argPrefetch, amxAhead)
	stateField(stateUpper, amxLower)
	IMULQ(amxLda, amxLower)
	stateField(statePairs, amxStepA)
	SHLQ(U8(2), amxStepA)
	MOVQ(U32(uint32(64*x.wide)), amxStrideB)

	Label("tap")
	MOVQ(Mem{Base: amxTap}, amxA)
	ADDQ(Mem{Base: amxT, Disp: argA}, amxA)
	stateField(stateChunks, amxChunks)
	if x.tall == 1 {
		Label("chunks")
		x.chunk(0, 4)
		DECQ(amxChunks)
		JZ(LabelRef("next"))
		x.chunk(2, 5)
	} else {
		LEAQ(Mem{Base: amxA, Index: amxLower, Scale: 1}, amxA1)
		Label("chunks")
		x.tallChunk()
	}
	DECQ(amxChunks)
	JNZ(LabelRef("chunks"))
	Label("next")
	ADDQ(U8(8), amxTap)
	DECQ(amxTaps)
	JNZ(LabelRef("tap"))

	x.storeSums()
	x.finish()
	ADDQ(U8(jobSize), Mem{Base: amxState, Disp: stateNext})
	DECQ(Mem{Base: amxState, Disp: stateCount})
	JNZ(LabelRef("tile"))
	isa.TILERELEASE()
	VZEROUPPER()
	RET()
}

// jobSize is the size of an amxJob: four pointers.
const jobSize = 32

// takeJob sets the Tile's pointers to the next job's.
func (x amx) takeJob() {
	job, p := reg.RBX, reg.RCX
	stateField(stateNext, job)
	for i, to := range []int{argA, argC, argResidual, argPrefetch} {
		MOVQ(Mem{Base: job, Disp: 8 * i}, p)
		MOVQ(p, Mem{Base: amxT, Disp: to})
	}
}

// chunk adds one chunk of k to the sums from the given one on.
func (x amx) chunk(sum, a int) {
	isa.TILELOADD(amxA, amxLda, a)
	for v := range x.wide {
		x.loadB(v)
		isa.TDPBF16PS(a, 6+v, sum+v)
	}
	x.advance()
}

// tallChunk adds one chunk of k for both tiles of A.
func (x amx) tallChunk() {
	isa.TILELOADD(amxA, amxLda, 4)
	for v := range x.wide {
		x.loadB(v)
		isa.TDPBF16PS(4, 6+v, v)
	}
	isa.TILELOADD(amxA1, amxLda, 5)
	for v := range x.wide {
		isa.TDPBF16PS(5, 6+v, 2+v)
	}
	x.advance()
	ADDQ(amxStepA, amxA1)
}

func (x amx) loadB(v int) {
	if v == 0 {
		isa.TILELOADD(amxB, amxStrideB, 6)
		return
	}
	LEAQ(Mem{Base: amxB, Disp: 64}, amxB1)
	isa.TILELOADD(amxB1, amxStrideB, 7)
}

// advance moves A and B to the next chunk and fetches ahead.
func (x amx) advance() {
	ADDQ(amxStepA, amxA)
	ADDQ(Mem{Base: amxState, Disp: stateStepB}, amxB)
	lines := amxPrefetchLines
	for l := range lines {
		PREFETCHT1(Mem{Base: amxAhead, Disp: l * 64})
	}
	ADDQ(I32(int32(lines*64)), amxAhead)
}

// amxPrefetchLines is the number of cache lines that one chunk of k asks for.
const amxPrefetchLines = 8

// storeSums writes the tiles of sums to scratch: those of a tall kernel below
// each other, the two sets of a short one behind each other.
func (x amx) storeSums() {
	scratch, stride := amxB, amxStrideB
	LEAQ(Mem{Base: amxState, Disp: stateScratch}, scratch)
	MOVQ(U32(scratchRow), stride)
	x.storeTiles(0, scratch, stride)
	if x.tall == 2 {
		stateField(stateUpper, amxA)
		SHLQ(U8(7), amxA)
		ADDQ(amxA, scratch)
	} else {
		ADDQ(U32(scratchSize), scratch)
	}
	x.storeTiles(2, scratch, stride)
}

func (x amx) storeTiles(first int, to, stride reg.GPPhysical) {
	isa.TILESTORED(first, to, stride)
	if x.wide == 2 {
		LEAQ(Mem{Base: to, Disp: 64}, amxB1)
		isa.TILESTORED(first+1, amxB1, stride)
	}
}

// finish adds bias and residual to the rows in scratch, clamps and stores them.
func (x amx) finish() {
	z := isa.AVX512.Reg
	t := &tile{ISA: isa.AVX512, format: bf16, nv: x.wide}
	if x.outBF {
		t.format = bf16Half
	}
	ones, rows, from, c, ldc, res, ldr := reg.RCX, reg.RDX, reg.RBX, reg.RSI, reg.RDI, reg.R8, reg.R9
	field(argCols, rows)
	MOVQ(I32(-1), ones)
	BZHIQ(rows, ones, ones)
	for v := range x.wide {
		KMOVW(ones.As32(), mask(v))
		SHRQ(U8(16), ones)
	}
	lo, hi := z(4), z(5)
	VBROADCASTSS(Mem{Base: amxT, Disp: argLo}, lo)
	VBROADCASTSS(Mem{Base: amxT, Disp: argHi}, hi)
	field(argBias, res)
	for v := range x.wide {
		isa.AVX512.Zero(z(2 + v))
	}
	TESTQ(res, res)
	JZ(LabelRef("unbiased"))
	for v := range x.wide {
		VMOVUPS_Z(Mem{Base: res, Disp: 64 * v}, mask(v), z(2+v))
	}
	Label("unbiased")
	field(argRows, rows)
	field(argC, c)
	field(argLdc, ldc)
	field(argResidual, res)
	field(argLdr, ldr)
	LEAQ(Mem{Base: amxState, Disp: stateScratch}, from)
	bytes := t.columnBytes()
	Label("row")
	for v := range x.wide {
		VADDPS(Mem{Base: from, Disp: 64 * v}, z(2+v), z(v))
		if x.tall == 1 {
			VADDPS(Mem{Base: from, Disp: scratchSize + 64*v}, z(v), z(v))
		}
	}
	TESTQ(res, res)
	JZ(LabelRef("plain"))
	for v := range x.wide {
		m := Mem{Base: res, Disp: v * bytes}
		if x.outBF {
			VPMOVZXWD_Z(m, mask(v), z(6))
			VPSLLD(U8(16), z(6), z(6))
		} else {
			VMOVUPS_Z(m, mask(v), z(6))
		}
		VADDPS(z(6), z(v), z(v))
	}
	ADDQ(ldr, res)
	Label("plain")
	for v := range x.wide {
		clamp(z(v), lo, hi)
		m := Mem{Base: c, Disp: v * bytes}
		if x.outBF {
			isa.VCVTNEPS2BF16(z(v), z(v))
			VMOVDQU16(z(v).AsY(), mask(v), m)
		} else {
			VMOVUPS(z(v), mask(v), m)
		}
	}
	ADDQ(ldc, c)
	ADDQ(U8(scratchRow), from)
	DECQ(rows)
	JNZ(LabelRef("row"))
}
