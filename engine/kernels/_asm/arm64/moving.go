package arm64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// movingVerbs are those that load, store, convert and permute vectors.
var movingVerbs = map[string]verb{
	"VMOVUPS": whole("FMOVQ"), "VMOVAPS": whole("FMOVQ"), "VMOVDQU": whole("FMOVQ"),
	"VMOVQ": whole("FMOVD"), "VMOVSS": whole("FMOVS"), "MOVSS": whole("FMOVS"),
	"VMOVD":        moveLane,
	"VBROADCASTSS": broadcast,
	"VPBROADCASTD": broadcast,
	"VMASKMOVPS":   masked,

	"VCVTPH2PS":  extend("FMOVD", fcvtl),
	"VPMOVZXWD":  extend("FMOVD", uxtl),
	"VPMOVZXBD":  extend("FMOVS", uxtlByte, uxtl),
	"VPMOVSXBD":  extend("FMOVS", sxtlByte, sxtl),
	"VCVTPS2PH":  func(s *speller, ops []operand.Op) { s.reduce(fcvtn, ops[1], ops[2]) },
	"BFCVTN":     func(s *speller, ops []operand.Op) { s.reduce(bfcvtn, ops[0], ops[1]) },
	"VPACKUSDW":  pack(narrow, narrow2),
	"VPACKUSWB":  pack(bytes, bytes2),
	"VUNPCKLPS":  three(zip1),
	"VUNPCKHPS":  three(zip2),
	"VUNPCKLPD":  three(zip1Pairs),
	"VUNPCKHPD":  three(zip2Pairs),
	"VPUNPCKLWD": three(zip1Words), "VPUNPCKHWD": three(zip2Words),
	"VPUNPCKLDQ": three(zip1), "VPUNPCKHDQ": three(zip2),
	"VPUNPCKLQDQ": three(zip1Pairs), "VPUNPCKHQDQ": three(zip2Pairs),
	"VPERMILPS": permute,
}

// whole spells a load, store or copy of as many bytes as opcode moves.
func whole(opcode string) verb {
	return func(s *speller, ops []operand.Op) {
		from, to := ops[0], ops[1]
		if m, is := from.(operand.Mem); is {
			s.emit(opcode, s.memory(m), register(to).f())
			return
		}
		if m, is := to.(operand.Mem); is {
			s.emit(opcode, register(from).f(), s.memory(m))
			return
		}
		s.copy(register(from), register(to))
	}
}

// moveLane spells VMOVD: the first lane, from or to a general register or memory.
func moveLane(s *speller, ops []operand.Op) {
	if isRegister(ops[0]) && isRegister(ops[1]) {
		s.emit("FMOVS", general(ops[0]), register(ops[1]).f())
		return
	}
	whole("FMOVS")(s, ops)
}

// broadcast spells the copy of one lane, of memory or a register of either
// kind, into all.
func broadcast(s *speller, ops []operand.Op) {
	to := register(ops[1])
	if m, is := ops[0].(operand.Mem); is {
		s.emit("FMOVS", s.memory(m), to.f())
		s.word(duplicateLane, to, to)
		return
	}
	if isGeneral(ops[0]) {
		s.word(duplicate, to, vector(number(ops[0].(reg.Register))))
		return
	}
	s.word(duplicateLane, to, register(ops[0]))
}

// masked spells VMASKMOVPS, a load or store of the lanes whose mask is set. If
// all are, it is a plain one.
func masked(s *speller, ops []operand.Op) {
	const lanes = 4
	partial, done := s.label("partial"), s.label("whole")
	at, isLoad := ops[0].(operand.Mem)
	mask, value := register(ops[1]), ops[2]
	if !isLoad {
		at, value = ops[2].(operand.Mem), ops[0]
	}
	x, bits := register(value), s.free()
	if isLoad && x == mask {
		mask = s.free()
		s.copy(x, mask)
	}
	lane := func(opcode string, operands func(lane string) []string) {
		for i := range lanes {
			next := s.label("lane")
			s.emit("VMOV", fmt.Sprintf("%s.S[%d]", mask.v(), i), valueScratch)
			s.emit("CBZW", valueScratch, next)
			s.emit(opcode, operands(fmt.Sprintf("%s.S[%d]", x.v(), i))...)
			s.place(next)
			if i < lanes-1 {
				s.emit("ADD", "$4", addressScratch)
			}
		}
	}
	base := "(" + addressScratch + ")"
	s.addressOf(at)
	s.word(uminv, bits, mask)
	s.emit("FMOVS", bits.f(), valueScratch)
	s.emit("CBZW", valueScratch, partial)
	if isLoad {
		s.emit("FMOVQ", base, x.f())
		s.emit("B", done)
		s.place(partial)
		s.word(eor, x, x, x)
		lane("VLD1", func(l string) []string { return []string{base, l} })
	} else {
		s.emit("FMOVQ", x.f(), base)
		s.emit("B", done)
		s.place(partial)
		lane("VST1", func(l string) []string { return []string{l, base} })
	}
	s.place(done)
}

// addressOf puts an address into the scratch register.
func (s *speller) addressOf(m operand.Mem) {
	if at := s.memory(m); at != "("+addressScratch+")" {
		s.emit("MOVD", "$"+at, addressScratch)
	}
}

// extend spells a load of short elements and the steps that make them long.
func extend(load string, steps ...encoding) verb {
	return func(s *speller, ops []operand.Op) {
		from, to := ops[0], register(ops[1])
		x := to
		if m, is := from.(operand.Mem); is {
			s.emit(load, s.memory(m), to.f())
		} else {
			x = register(from)
		}
		for _, e := range steps {
			s.word(e, to, x)
			x = to
		}
	}
}

// reduce spells a conversion to four short elements, stored or in a register.
func (s *speller) reduce(e encoding, from, to operand.Op) {
	m, is := to.(operand.Mem)
	if !is {
		s.word(e, register(to), register(from))
		return
	}
	short := s.free()
	s.word(e, short, register(from))
	s.emit("FMOVD", short.f(), s.memory(m))
}

// pack spells the saturated halves of x, then those of y, of operands y, x, r.
func pack(low, high encoding) verb {
	return func(s *speller, ops []operand.Op) {
		halves := s.free()
		s.word(low, halves, register(ops[1]))
		s.word(high, halves, register(ops[0]))
		s.copy(halves, register(ops[2]))
	}
}

// permute spells the exchanges that folding four lanes needs.
func permute(s *speller, ops []operand.Op) {
	const swapPairs, swapNeighbours = 0b01_00_11_10, 0b10_11_00_01
	x, r := register(ops[1]), register(ops[2])
	switch order := constant(ops[0]); order {
	case swapPairs:
		s.word(swapHalf, r, x, x)
	case swapNeighbours:
		s.word(swapLanes, r, x)
	default:
		panic(fmt.Sprintf("arm64: %s: permutation %#b", s.function, order))
	}
}

func isGeneral(op operand.Op) bool {
	r, is := op.(reg.Register)
	return is && r.Kind() == reg.KindGP
}
