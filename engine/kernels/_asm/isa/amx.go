package isa

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// TDPBUSD emits dst += a·b over fours of unsigned bytes of a and signed bytes of
// b, summed in int32: VEX.128.66.0F38.W0 5E 11:rrr:bbb.
func TDPBUSD(a, b, dst int) { vex(vex66, 0x5E, b, 0, 0, 0xC0|dst<<3|a) }

// Prefixes of the AMX instructions, as VEX.pp.
const (
	vex66 = 1
	vexF3 = 2
	vexF2 = 3
)

// LDTILECFG emits the load of the tile configuration at base: VEX.128.NP.0F38.W0 49 /0.
func LDTILECFG(base reg.GPPhysical) {
	vex(0, 0x49, 0, 0, number(base), 0x04|0<<3, 0x20|number(base)&7)
}

// TILERELEASE emits the return of all tiles to their initial state: VEX.128.NP.0F38.W0 49 C0.
func TILERELEASE() { vex(0, 0x49, 0, 0, 0, 0xC0) }

// TILEZERO emits tile = 0: VEX.128.F2.0F38.W0 49 11:rrr:000.
func TILEZERO(tile int) { vex(vexF2, 0x49, 0, 0, 0, 0xC0|tile<<3) }

// TILELOADD emits the load of a tile whose rows lie at base, stride bytes apart:
// VEX.128.F2.0F38.W0 4B !(11):rrr:100.
func TILELOADD(base, stride reg.GPPhysical, tile int) {
	vex(vexF2, 0x4B, 0, number(stride), number(base), 0x04|tile<<3, number(stride)&7<<3|number(base)&7)
}

// TILESTORED emits the reverse of TILELOADD: VEX.128.F3.0F38.W0 4B !(11):rrr:100.
func TILESTORED(tile int, base, stride reg.GPPhysical) {
	vex(vexF3, 0x4B, 0, number(stride), number(base), 0x04|tile<<3, number(stride)&7<<3|number(base)&7)
}

// TDPBF16PS emits dst += a·b over pairs of bfloat16, summed in FP32:
// VEX.128.F3.0F38.W0 5C 11:rrr:bbb.
func TDPBF16PS(a, b, dst int) { vex(vexF3, 0x5C, b, 0, 0, 0xC0|dst<<3|a) }

// number is a general register's as instructions encode it.
func number(r reg.GPPhysical) int { return int(r.ID().Index()) }

// vex emits a three-byte VEX instruction of opcode map 0F38 with its ModRM and
// SIB bytes. Base must not be RBP or R13, which mean something else there.
func vex(prefix, opcode, v, index, base int, rest ...int) {
	if len(rest) > 1 && base&7 == 5 {
		panic("isa: base register needs a displacement")
	}
	inverted := func(n int) int { return 1 - n>>3&1 }
	bytes := []int{0xC4, 1<<7 | inverted(index)<<6 | inverted(base)<<5 | 2, (^v&15)<<3 | prefix, opcode}
	for _, b := range append(bytes, rest...) {
		Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []Op{U8(uint8(b))}})
	}
}
