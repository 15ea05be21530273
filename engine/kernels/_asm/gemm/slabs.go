package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// Kernels by parts go through B a slab of k at a time, which stays in the first
// cache: all jobs pass over a slab; their sums wait in memory for the one that
// follows. Some take B in binary32 and split it themselves: while the tiles multiply
// a slab, the vector units split the next. That memory is the stack, so that all of
// a worker's calls use the same.
const (
	slabChunks  = 4  // of k in a slab
	splitChunks = 2  // the same where slabs are split
	groupPairs  = 4  // of rows of B that are split beside the products of one chunk
	slabLines   = 12 // of the next panel that one chunk asks for
	splitLines  = 16 // the same where slabs are split

	partsOf     = 3
	chunkPairs  = 16
	chunkGroups = chunkPairs / groupPairs
	tallRows    = 16                    // of a job, at most
	sumsBytes   = tallRows * scratchRow // of a job
	mostJobs    = 16
)

// Byte offsets of what a kernel keeps on the stack.
const (
	keptSlab   = 8 * iota // parts of the present slab
	keptNext              // and of the next, where that is split
	keptSums              // of the first job
	keptSum               // of the present job
	keptChunks            // in the present slab
	keptLeft              // chunks after those
	keptGroups            // of pairs of rows still to be split
	keptTap               // offsets in A of the slab's chunks
	keptJobs              // how many
	keptFirst             // job
	keptBytes
)

// slabs is a kernel by parts under generation.
type slabs struct {
	amx
	chunks, lines int // in a slab, and that a chunk asks for
	kept          Mem
	from, to      reg.GPPhysical // B, and where its parts go; in the last slab C, and the residual
	half, upper   reg.VecPhysical
}

func (x amx) generateSlabs() {
	TEXT(x.function(), 0, "func(t *byte)")
	s := &slabs{amx: x, chunks: slabChunks, lines: slabLines, from: reg.R11, to: reg.R13, half: isa.AVX512.Reg(26), upper: isa.AVX512.Reg(27)}
	if x.splits {
		s.chunks, s.lines = splitChunks, splitLines
	}
	s.kept = AllocLocal(keptBytes + 64 + 2*s.slabBytes() + mostJobs*sumsBytes)
	Load(Param("t"), amxT)
	MOVQ(tileField(argState), amxState)
	isa.LDTILECFG(amxState)
	x.constants()
	s.begin()

	Label("slab")
	s.take()
	Label("job")
	s.loadSums()
	s.multiply()
	CMPQ(s.field(keptLeft), U8(0))
	JE(LabelRef("last"))
	s.keepSums()
	JMP(LabelRef("next"))
	Label("last")
	x.storeSums()
	x.checkSums()
	x.finish()
	Label("next")
	ADDQ(U8(jobSize), stateField(stateNext))
	ADDQ(I32(sumsBytes), s.field(keptSum))
	DECQ(stateField(stateCount))
	JNZ(LabelRef("job"))
	s.advance()

	isa.TILERELEASE()
	VZEROUPPER()
	RET()
}

// partBytes is the size of one part of a chunk, and slabBytes of the parts of a slab
// that is split.
func (x amx) partBytes() int { return chunkPairs * 64 * x.wide }

func (s *slabs) slabBytes() int {
	if !s.splits {
		return 0
	}
	return s.chunks * partsOf * s.partBytes()
}

func (s *slabs) field(at int) Mem { return s.kept.Offset(at) }

// keep makes a field what is at from.
func (s *slabs) keep(at int, from Mem) {
	MOVQ(from, reg.RCX)
	MOVQ(reg.RCX, s.field(at))
}

// begin sets what is kept, and splits the first slab.
func (s *slabs) begin() {
	r := reg.RCX
	LEAQ(s.field(keptBytes+63), r)
	ANDQ(I8(-64), r)
	for _, at := range []int{keptSlab, keptNext, keptSums} {
		MOVQ(r, s.field(at))
		if s.splits {
			ADDQ(I32(s.slabBytes()), r)
		}
	}
	s.keep(keptLeft, tileField(argTaps))
	s.keep(keptTap, tileField(argTap))
	s.keep(keptJobs, stateField(stateCount))
	s.keep(keptFirst, stateField(stateNext))
	if !s.splits {
		s.keep(keptSlab, tileField(argB))
		return
	}
	for _, c := range []struct {
		bits uint32
		to   reg.VecPhysical
	}{{0x8000, s.half}, {0xFFFF0000, s.upper}} {
		MOVL(U32(c.bits), r.As32())
		VPBROADCASTD(r.As32(), c.to)
	}
	MOVQ(tileField(argB), s.from)
	MOVQ(s.field(keptSlab), s.to)
	s.nextSlab()
	Label("first")
	s.splitGroup()
	JNZ(LabelRef("first"))
}

// nextSlab leaves in RCX how many of the chunks that are left a slab takes, and has
// those be split next.
func (s *slabs) nextSlab() {
	chunks, groups := reg.RCX, reg.RDX
	MOVQ(U32(uint32(s.chunks)), chunks)
	CMPQ(chunks, s.field(keptLeft))
	CMOVQGT(s.field(keptLeft), chunks)
	if !s.splits {
		return
	}
	IMUL3Q(U8(chunkGroups), chunks, groups)
	MOVQ(groups, s.field(keptGroups))
}

// take begins a slab, with the first job. Where it has been split, splitting goes
// on to the next.
func (s *slabs) take() {
	s.nextSlab()
	MOVQ(reg.RCX, s.field(keptChunks))
	SUBQ(reg.RCX, s.field(keptLeft))
	if s.splits {
		s.nextSlab()
		MOVQ(s.field(keptNext), s.to)
	}
	s.keep(keptSum, s.field(keptSums))
	MOVQ(s.field(keptFirst), reg.RCX)
	MOVQ(reg.RCX, stateField(stateNext))
	MOVQ(s.field(keptJobs), reg.RCX)
	MOVQ(reg.RCX, stateField(stateCount))
}

// advance goes on to the next slab, if there is one, and splits what the jobs have
// left of it.
func (s *slabs) advance() {
	if s.splits {
		Label("rest")
		CMPQ(s.field(keptGroups), U8(0))
		JE(LabelRef("split"))
		s.splitGroup()
		JMP(LabelRef("rest"))
		Label("split")
	}
	CMPQ(s.field(keptLeft), U8(0))
	JE(LabelRef("done"))
	chunks, one, other := reg.RCX, reg.RCX, reg.RDX
	MOVQ(s.field(keptChunks), chunks)
	if !s.splits {
		IMUL3Q(U32(uint32(partsOf*s.partBytes())), chunks, other)
		ADDQ(other, s.field(keptSlab))
	}
	SHLQ(U8(3), chunks)
	ADDQ(chunks, s.field(keptTap))
	if s.splits {
		MOVQ(s.field(keptSlab), one)
		MOVQ(s.field(keptNext), other)
		MOVQ(other, s.field(keptSlab))
		MOVQ(one, s.field(keptNext))
	}
	JMP(LabelRef("slab"))
	Label("done")
}

// loadSums loads a job's sums, zero for the first slab.
func (s *slabs) loadSums() {
	p, stride, right := reg.RCX, reg.RDX, reg.RSI
	MOVQ(tileField(argTap), p)
	CMPQ(p, s.field(keptTap))
	JNE(LabelRef("further"))
	s.zeroSums()
	JMP(LabelRef("loaded"))
	Label("further")
	MOVQ(s.field(keptSum), p)
	MOVQ(U32(scratchRow), stride)
	for v := range s.wide {
		LEAQ(Mem{Base: p, Disp: 64 * v}, right)
		isa.TILELOADD(right, stride, v)
	}
	Label("loaded")
}

// keepSums is the reverse.
func (s *slabs) keepSums() {
	to, stride := reg.RCX, reg.RDX
	MOVQ(s.field(keptSum), to)
	MOVQ(U32(scratchRow), stride)
	s.storeTiles(to, stride, reg.RBX)
}

// multiply adds a slab's products to a job's sums.
func (s *slabs) multiply() {
	chunks, tap := reg.RCX, reg.R9
	o := s.operands()
	o.load()
	CMPQ(s.field(keptLeft), U8(0))
	JNE(LabelRef("begun"))
	jobField(jobC, s.from)
	jobField(jobResidual, s.to)
	Label("begun")
	MOVQ(s.field(keptSlab), o.b)
	MOVQ(s.field(keptTap), tap)
	MOVQ(s.field(keptChunks), chunks)
	Label("chunk")
	jobField(jobA, o.a)
	ADDQ(Mem{Base: tap}, o.a)
	if s.splits {
		CMPQ(s.field(keptGroups), U8(0))
		JE(LabelRef("unsplit"))
		o.products(s.lines, groupPairs*s.wide, func(i int) { s.split(i/s.wide, i%s.wide) })
		s.endGroup()
		JMP(LabelRef("multiplied"))
		Label("unsplit")
	}
	CMPQ(s.field(keptLeft), U8(0))
	JE(LabelRef("asking"))
	o.products(s.lines, 0, nil)
	JMP(LabelRef("multiplied"))
	Label("asking")
	o.products(s.lines, tallRows/s.chunks, s.ask)
	Label("multiplied")
	ADDQ(I32(partsOf*s.partBytes()), o.b)
	ADDQ(I32(s.lines*64), o.ahead)
	ADDQ(U8(8), tap)
	DECQ(chunks)
	JNZ(LabelRef("chunk"))
	MOVQ(stateField(stateNext), chunks)
	MOVQ(o.ahead, Mem{Base: chunks, Disp: jobPrefetch})
}

// splitGroup splits a group of pairs of rows; the flags say whether it was the last.
func (s *slabs) splitGroup() {
	for i := range groupPairs * s.wide {
		s.split(i/s.wide, i%s.wide)
	}
	s.endGroup()
	CMPQ(s.field(keptGroups), U8(0))
}

// endGroup moves on to the next group; a chunk's parts follow each other.
func (s *slabs) endGroup() {
	row, next := 64*s.wide, reg.RDI
	ADDQ(I32(groupPairs*2*row), s.from)
	ADDQ(I32(groupPairs*row), s.to)
	DECQ(s.field(keptGroups))
	LEAQ(Mem{Base: s.to, Disp: (partsOf - 1) * s.partBytes()}, next)
	TESTQ(U32(chunkGroups-1), s.field(keptGroups))
	CMOVQEQ(next, s.to)
}

// split splits vector v of a pair of a group's rows.
func (s *slabs) split(pair, v int) {
	z := isa.AVX512.Reg
	row := 64 * s.wide
	for i := range 2 {
		VMOVUPS(Mem{Base: s.from, Disp: (2*pair+i)*row + 64*v}, z(i))
	}
	for part := range partsOf {
		of := [2]reg.VecPhysical{z(0), z(1)} // what is left of the numbers, which the last part is
		if part < partsOf-1 {
			of = [2]reg.VecPhysical{z(2), z(3)}
			for i := range 2 {
				VPADDD(s.half, z(i), of[i])
				VPANDD(s.upper, of[i], of[i])
				VSUBPS(of[i], z(i), z(i))
			}
		}
		VPSRLD(U8(16), of[0], of[0])
		VPORD(of[1], of[0], of[0])
		VMOVUPS(of[0], Mem{Base: s.to, Disp: part*s.partBytes() + pair*row + 64*v})
	}
}

// ask asks for a row of C and of the residual, which a job needs after its last
// slab.
func (s *slabs) ask(i int) {
	alone := fmt.Sprintf("alone%d", i)
	row := func(at reg.GPPhysical, pitch int) {
		for v := range s.wide {
			PREFETCHT0(Mem{Base: at, Disp: 64 * v})
		}
		ADDQ(tileField(pitch), at)
	}
	row(s.from, argLdc)
	TESTQ(s.to, s.to)
	JZ(LabelRef(alone))
	row(s.to, argLdr)
	Label(alone)
}
