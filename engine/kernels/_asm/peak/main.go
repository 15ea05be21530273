// Command peak generates the loops of engine/kernels/peak.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// loads is the number of vectors that a round of reading adds up.
const loads = 8

func main() {
	ConstraintExpr("amd64")
	ConstraintExpr("!purego")
	multiplyAdd(isa.AVX512, 24)
	multiplyAdd(isa.AVX2, 12)
	convertMultiplyAdd(isa.AVX512, 24)
	convertMultiplyAdd(isa.AVX2, 12)
	dotBFloat16(24)
	tileBFloat16()
	read(isa.AVX512)
	read(isa.AVX2)
	Generate()
}

// multiplicands returns the last two registers, which no loop accumulates in.
func multiplicands(set isa.ISA) (x, y reg.VecPhysical) {
	return set.Reg(set.Count - 1), set.Reg(set.Count - 2)
}

// multiplyAdd emits a loop of independent fused multiply-adds, one of 1·1 to an
// accumulator and round, enough of them to hide the instruction's latency.
func multiplyAdd(set isa.ISA, accumulators int) {
	begin(set, "fma", "FP32 fused multiply-adds", accumulators)
	x, y := multiplicands(set)
	VBROADCASTSS(isa.Float("one"+set.Title, 1), x)
	VMOVAPS(x, y)
	rounds(func() {
		for i := range accumulators {
			VFMADD231PS(x, y, set.Reg(i))
		}
	})
	end(set, accumulators)
}

// convertMultiplyAdd is multiplyAdd with two vectors a round widened from
// binary16 first, as in a tile that is two vectors of stored weights wide.
func convertMultiplyAdd(set isa.ISA, accumulators int) {
	begin(set, "half", "FP32 fused multiply-adds on widened binary16", accumulators)
	x, y := multiplicands(set)
	ones := GLOBL("halves"+set.Title, attr.RODATA|attr.NOPTR)
	for i := range set.Lanes() {
		DATA(2*i, U16(0x3c00)) // 1 in binary16
	}
	VBROADCASTSS(isa.Float("floatOne"+set.Title, 1), x)
	rounds(func() {
		for i := range accumulators {
			if i%(accumulators/2) == 0 {
				VCVTPH2PS(ones, y)
			}
			VFMADD231PS(x, y, set.Reg(i))
		}
	})
	end(set, accumulators)
}

// dotBFloat16 is multiplyAdd with two products of bfloat16 to a lane.
func dotBFloat16(accumulators int) {
	set := isa.AVX512
	begin(set, "dot", "bfloat16 dot products", accumulators)
	x, y := multiplicands(set)
	ones := GLOBL("bfloat16Ones", attr.RODATA|attr.NOPTR)
	DATA(0, U32(0x3f803f80)) // 1 in bfloat16, twice
	VBROADCASTSS(ones, x)
	VMOVAPS(x, y)
	rounds(func() {
		for i := range accumulators {
			isa.VDPBF16PS(x, y, set.Reg(i))
		}
	})
	end(set, accumulators)
}

// tileBFloat16 emits a loop of products of AMX tiles of ones: four tiles of sums,
// as many as a kernel has, each from one of two tiles of A and one of two of B.
// Each sum grows by the pairs of a row, so that it is exact as far as the others.
func tileBFloat16() {
	const rows, row = 16, 64
	set := isa.AVX512
	TEXT("tileAMX", 0, "func(rounds int, sums *[16]float32)")
	Pragma("noescape")
	Doc("tileAMX runs its loop of bfloat16 tile products rounds times and stores the sums of its accumulators by lane.")
	config := GLOBL("tiles", attr.RODATA|attr.NOPTR)
	DATA(0, U8(1)) // palette
	for tile := range 8 {
		DATA(16+2*tile, U16(row))
	}
	for tile := range 8 {
		DATA(48+tile, U8(rows))
	}
	DATA(56, U64(0)) // tiles that there are not
	ones := GLOBL("tileOnes", attr.RODATA|attr.NOPTR)
	for i := range row / 4 {
		DATA(4*i, U32(0x3f803f80)) // 1 in bfloat16, twice
	}
	at, stride := reg.RAX, reg.RCX
	LEAQ(config, at)
	isa.LDTILECFG(at)
	LEAQ(ones, at)
	XORQ(stride, stride)
	for tile := 4; tile < 8; tile++ {
		isa.TILELOADD(at, stride, tile)
	}
	rounds(func() {
		for sum := range 4 {
			isa.TDPBF16PS(4+sum/2, 6+sum%2, sum)
		}
	})
	room := AllocLocal(rows * row)
	LEAQ(room, at)
	MOVQ(U32(row), stride)
	set.Zero(set.Reg(0))
	for sum := range 4 {
		isa.TILESTORED(sum, at, stride)
		for i := range rows {
			VADDPS(room.Offset(i*row), set.Reg(0), set.Reg(0))
		}
	}
	isa.TILERELEASE()
	VMOVUPS(set.Reg(0), Mem{Base: Load(Param("sums"), GP64())})
	VZEROUPPER()
	RET()
}

// begin starts a function with its accumulators at zero.
func begin(set isa.ISA, what, operation string, accumulators int) {
	name := what + set.Title
	TEXT(name, attr.NOSPLIT, "func(rounds int, sums *[16]float32)")
	Pragma("noescape")
	Doc(name + " runs its loop of " + operation + " rounds times and stores the sums of its accumulators by lane.")
	for i := range accumulators {
		set.Zero(set.Reg(i))
	}
}

// rounds repeats body parameter "rounds" times, at least once.
func rounds(body func()) {
	n := Load(Param("rounds"), GP64())
	Label("round")
	body()
	DECQ(n)
	JNZ(LabelRef("round"))
}

// end adds the accumulators up and stores the lanes of the sum.
func end(set isa.ISA, accumulators int) {
	for i := 1; i < accumulators; i++ {
		VADDPS(set.Reg(i), set.Reg(0), set.Reg(0))
	}
	sums := Load(Param("sums"), GP64())
	VMOVUPS(set.Reg(0), Mem{Base: sums})
	VZEROUPPER()
	RET()
}

// read emits a loop of independent loads of full vectors, added up so that a
// test can tell that each was read once.
func read(set isa.ISA) {
	TEXT("read"+set.Title, attr.NOSPLIT, "func(memory *byte, rounds int, sums *[8]uint64)")
	Pragma("noescape")
	Doc("read" + set.Title + " adds up rounds times 8 vectors of 64-bit words of memory by lane.")
	at := Load(Param("memory"), GP64())
	for i := range loads {
		set.Zero(set.Reg(i))
	}
	rounds(func() {
		for i := range loads {
			VPADDQ(Mem{Base: at, Disp: i * set.Bytes}, set.Reg(i), set.Reg(i))
		}
		ADDQ(U32(loads*set.Bytes), at)
	})
	for i := 1; i < loads; i++ {
		VPADDQ(set.Reg(i), set.Reg(0), set.Reg(0))
	}
	sums := Load(Param("sums"), GP64())
	VMOVUPS(set.Reg(0), Mem{Base: sums})
	VZEROUPPER()
	RET()
}
