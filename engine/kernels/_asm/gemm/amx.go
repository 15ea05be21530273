package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Byte offsets of gemm.Tile's, gemm.amxState's and gemm.amxJob's fields.
const (
	argState = 136
	argLine  = 144

	stateChunks  = 64
	statePairs   = 72
	stateBelow   = 80
	stateStepB   = 88
	stateCount   = 96
	stateNext    = 104
	stateDirect  = 120
	statePlane   = 128
	stateBias    = 192
	stateScratch = 320
	scratchRow   = 128 // bytes of a row of 32 sums

	jobA        = 0
	jobC        = 8
	jobResidual = 16
	jobPrefetch = 24
	jobLeft     = 32
	jobSpecial  = 40
	jobRows     = 48
	jobSize     = 56
)

// amx is a kernel on AMX tiles: C of 16·tall rows and 16·wide columns at most,
// the row counts as the configuration says. Tiles: sums 0 to 3, A in 4, B in 6, and
// where it is by parts, in 7. Few are in use at a time: where a core's two threads
// share what tiles are renamed to, each more that holds something slows all
// products down. It computes one job after the other.
type amx struct {
	tall, wide int
	outBF      bool
	parts      bool // binary32 by parts: see parts.go and slabs.go here
	splits     bool // of a B in binary32, which it splits
}

var amxKernels = []amx{
	{tall: 1, wide: 1}, {tall: 1, wide: 2}, {tall: 2, wide: 1}, {tall: 2, wide: 2},
	{tall: 1, wide: 1, outBF: true}, {tall: 1, wide: 2, outBF: true}, {tall: 2, wide: 1, outBF: true}, {tall: 2, wide: 2, outBF: true},
	{tall: 1, wide: 1, parts: true}, {tall: 1, wide: 2, parts: true},
	{tall: 1, wide: 1, splits: true}, {tall: 1, wide: 2, splits: true},
}

const (
	tileA = 4
	tileB = 6
)

// The registers that all parts of a kernel share.
var (
	amxT     = reg.RAX
	amxState = reg.R14

	amxLo = isa.AVX512.Reg(30)
	amxHi = isa.AVX512.Reg(31)

	allColumns = reg.K3 // mask of both vectors' 16-bit columns
)

func (x amx) function() string {
	name := "tileBF16"
	switch {
	case x.parts:
		name = "tileParts"
	case x.splits:
		name = "tileSlabs"
	}
	if x.outBF {
		name += "Out"
	}
	return fmt.Sprintf("%sAMX_%dx%d", name, 16*x.tall, 16*x.wide)
}

func tileField(off int) Mem  { return Mem{Base: amxT, Disp: off} }
func stateField(off int) Mem { return Mem{Base: amxState, Disp: off} }

// jobField loads a field of the present job.
func jobField(off int, r reg.GPPhysical) {
	MOVQ(stateField(stateNext), r)
	MOVQ(Mem{Base: r, Disp: off}, r)
}

func (x amx) generate() {
	if x.parts || x.splits {
		x.generateSlabs()
		return
	}
	TEXT(x.function(), attr.NOSPLIT, "func(t *byte)")
	Load(Param("t"), amxT)
	MOVQ(tileField(argState), amxState)
	isa.LDTILECFG(amxState)
	x.constants()
	Label("job")
	switch {
	case x.outBF:
		x.zeroSums()
		x.multiply("")
		x.storeSums()
		x.finish()
	default:
		CMPQ(stateField(stateDirect), U8(0))
		JE(LabelRef("indirect"))
		x.biasSums()
		x.multiply("direct")
		x.storeDirect()
		JMP(LabelRef("next"))
		Label("indirect")
		x.zeroSums()
		x.multiply("")
		x.storeSums()
		x.finish()
	}
	Label("next")
	ADDQ(U8(jobSize), stateField(stateNext))
	DECQ(stateField(stateCount))
	JNZ(LabelRef("job"))
	isa.TILERELEASE()
	VZEROUPPER()
	RET()
}

// bias is the register of a vector of the bias; there are zeros if there is none.
func (x amx) bias(v int) reg.VecPhysical { return isa.AVX512.Reg(28 + v) }

// constants sets masks, clamp, and bias, the latter in the state too.
func (x amx) constants() {
	ones, p := reg.RCX, reg.RDX
	MOVQ(I32(-1), ones)
	MOVQ(tileField(argCols), p)
	BZHIQ(p, ones, ones)
	KMOVD(ones.As32(), allColumns)
	for v := range x.wide {
		KMOVW(ones.As32(), mask(v))
		SHRQ(U8(16), ones)
	}
	VBROADCASTSS(tileField(argLo), amxLo)
	VBROADCASTSS(tileField(argHi), amxHi)
	for v := range x.wide {
		isa.AVX512.Zero(x.bias(v))
	}
	MOVQ(tileField(argBias), p)
	TESTQ(p, p)
	JZ(LabelRef("unbiased"))
	for v := range x.wide {
		VMOVUPS_Z(Mem{Base: p, Disp: 64 * v}, mask(v), x.bias(v))
	}
	Label("unbiased")
	for v := range x.wide {
		VMOVUPS(x.bias(v), stateField(stateBias+64*v))
	}
}

func (x amx) zeroSums() {
	for i := range 2 * x.tall {
		isa.TILEZERO(i)
	}
}

// biasSums loads the bias into each row of the sums.
func (x amx) biasSums() {
	p, same := reg.RCX, reg.RDX
	XORQ(same, same)
	for v := range x.wide {
		LEAQ(stateField(stateBias+64*v), p)
		for i := range x.tall {
			isa.TILELOADD(p, same, 2*i+v)
		}
	}
}

// multiply adds all chunks of k of all taps to the sums. Its labels end in suffix.
func (x amx) multiply(suffix string) {
	a, lower, lda, stepA := reg.RSI, reg.RDI, reg.RDX, reg.R12
	b, right, strideB := reg.RBX, reg.R11, reg.R8
	chunks, tap, taps, below, ahead := reg.RCX, reg.R9, reg.R10, reg.R13, reg.R15
	MOVQ(tileField(argLda), lda)
	MOVQ(tileField(argB), b)
	MOVQ(tileField(argTap), tap)
	MOVQ(tileField(argTaps), taps)
	jobField(jobPrefetch, ahead)
	MOVQ(stateField(statePairs), stepA)
	SHLQ(U8(2), stepA)
	MOVQ(U32(uint32(64*x.wide)), strideB)
	MOVQ(stateField(stateBelow), below)
	IMULQ(lda, below)

	Label("tap" + suffix)
	jobField(jobA, a)
	ADDQ(Mem{Base: tap}, a)
	LEAQ(Mem{Base: a, Index: below, Scale: 1}, lower)
	MOVQ(stateField(stateChunks), chunks)
	Label("chunk" + suffix)
	isa.TILELOADD(a, lda, tileA)
	isa.TILELOADD(b, strideB, tileB)
	isa.TDPBF16PS(tileA, tileB, 0)
	if x.wide == 2 {
		LEAQ(Mem{Base: b, Disp: 64}, right)
		isa.TILELOADD(right, strideB, tileB)
		isa.TDPBF16PS(tileA, tileB, 1)
	}
	if x.tall == 2 {
		isa.TILELOADD(lower, lda, tileA)
		ADDQ(stepA, lower)
		if x.wide == 2 {
			isa.TDPBF16PS(tileA, tileB, 3)
			isa.TILELOADD(b, strideB, tileB)
		}
		isa.TDPBF16PS(tileA, tileB, 2)
	}
	ADDQ(stepA, a)
	ADDQ(stateField(stateStepB), b)
	for l := range amxPrefetchLines {
		PREFETCHT1(Mem{Base: ahead, Disp: l * 64})
	}
	ADDQ(I32(int32(amxPrefetchLines*64)), ahead)
	DECQ(chunks)
	JNZ(LabelRef("chunk" + suffix))
	ADDQ(U8(8), tap)
	DECQ(taps)
	JNZ(LabelRef("tap" + suffix))
}

// amxPrefetchLines is the number of cache lines that one chunk of k asks for.
const amxPrefetchLines = 8

// storeSums writes the tiles of sums to scratch.
func (x amx) storeSums() {
	to, stride, below := reg.RCX, reg.RDX, reg.RBX
	LEAQ(stateField(stateScratch), to)
	MOVQ(U32(scratchRow), stride)
	MOVQ(stateField(stateBelow), below)
	SHLQ(U8(7), below)
	x.storeTiles(to, stride, below)
}

// storeDirect writes the tiles of sums to C.
func (x amx) storeDirect() {
	to, stride, below := reg.RCX, reg.RDX, reg.RBX
	jobField(jobC, to)
	MOVQ(tileField(argLdc), stride)
	MOVQ(stateField(stateBelow), below)
	IMULQ(stride, below)
	x.storeTiles(to, stride, below)
}

// storeTiles writes the tiles of sums, the lower ones below bytes on.
func (x amx) storeTiles(to, stride, below reg.GPPhysical) {
	right := reg.RSI
	for i := range x.tall {
		if i > 0 {
			ADDQ(below, to)
		}
		isa.TILESTORED(2*i, to, stride)
		if x.wide == 2 {
			LEAQ(Mem{Base: to, Disp: 64}, right)
			isa.TILESTORED(2*i+1, right, stride)
		}
	}
}

// finish adds bias and residual to the rows in scratch, clamps and stores them;
// at the end of a line it steps over a gap.
func (x amx) finish() {
	from, rows, c, ldc, res, ldr, left := reg.RBX, reg.RCX, reg.RSI, reg.RDI, reg.R8, reg.R9, reg.R10
	LEAQ(stateField(stateScratch), from)
	jobField(jobRows, rows)
	jobField(jobC, c)
	MOVQ(tileField(argLdc), ldc)
	jobField(jobResidual, res)
	MOVQ(tileField(argLdr), ldr)
	jobField(jobLeft, left)
	Label("row")
	for v := range x.wide {
		VADDPS(Mem{Base: from, Disp: 64 * v}, x.bias(v), isa.AVX512.Reg(v))
	}
	TESTQ(res, res)
	JZ(LabelRef("alone"))
	x.addResidual(res)
	ADDQ(ldr, res)
	Label("alone")
	x.clampRow()
	x.storeRow(c)
	ADDQ(ldc, c)
	ADDQ(U8(scratchRow), from)
	DECQ(rows)
	JZ(LabelRef("next"))
	DECQ(left)
	JNZ(LabelRef("row"))

	gap := left
	MOVQ(tileField(argGap), gap)
	SUBQ(gap, rows)
	SHLQ(U8(7), gap)
	ADDQ(gap, from)
	ADDQ(tileField(argSkipC), c)
	MOVQ(tileField(argLine), left)
	TESTQ(res, res)
	JZ(LabelRef("row"))
	ADDQ(tileField(argSkipR), res)
	JMP(LabelRef("row"))
}

func (x amx) addResidual(res reg.GPPhysical) {
	z, wide := isa.AVX512.Reg, isa.AVX512.Reg(2)
	for v := range x.wide {
		if x.outBF {
			VPMOVZXWD_Z(Mem{Base: res, Disp: 32 * v}, mask(v), wide)
			VPSLLD(U8(16), wide, wide)
		} else {
			VMOVUPS_Z(Mem{Base: res, Disp: 64 * v}, mask(v), wide)
		}
		VADDPS(wide, z(v), z(v))
	}
}

// clampRow is clamp without the halves that change nothing: besides the
// products these are most of the work.
func (x amx) clampRow() {
	z := isa.AVX512.Reg
	CMPL(tileField(argLo), U32(0xFF800000))
	JE(LabelRef("raised"))
	for v := range x.wide {
		VMAXPS(z(v), amxLo, z(v))
	}
	Label("raised")
	CMPL(tileField(argHi), U32(0x7F800000))
	JE(LabelRef("lowered"))
	for v := range x.wide {
		VMINPS(z(v), amxHi, z(v))
	}
	Label("lowered")
}

func (x amx) storeRow(c reg.GPPhysical) {
	z := isa.AVX512.Reg
	switch {
	case x.outBF && x.wide == 2:
		isa.VCVTNE2PS2BF16(z(0), z(1), z(0))
		VMOVDQU16(z(0), allColumns, Mem{Base: c})
	case x.outBF:
		isa.VCVTNEPS2BF16(z(0), z(0))
		VMOVDQU16(z(0).AsY(), allColumns, Mem{Base: c})
	default:
		for v := range x.wide {
			VMOVUPS(z(v), mask(v), Mem{Base: c, Disp: 64 * v})
		}
	}
}
