package arm64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectorVerbs are those that compute on vectors.
var vectorVerbs = map[string]verb{
	"VADDPS": three(fadd), "VSUBPS": three(fsub), "VMULPS": three(fmul), "VDIVPS": three(fdiv),
	"VANDPS": three(and), "VORPS": three(orr), "VXORPS": three(eor),
	"VPADDD": three(add), "VPSUBD": three(sub), "VPCMPGTD": three(cmgt),
	"VMAXPS": func(s *speller, ops []operand.Op) { s.extreme(ops, func(x, y vector) (vector, vector) { return x, y }) },
	"VMAXSS": func(s *speller, ops []operand.Op) { s.extreme(ops, func(x, y vector) (vector, vector) { return x, y }) },
	"VMINPS": func(s *speller, ops []operand.Op) { s.extreme(ops, func(x, y vector) (vector, vector) { return y, x }) },

	"VFMADD231PS":  accumulate(fmla),
	"VFNMADD231PS": accumulate(fmls),
	"VFMADD213PS":  multiplyAdd,
	"FMLAELEMENT":  byElement(fmlaElement),
	"BFDOTELEMENT": byElement(bfdotElement),

	"VSQRTPS": two(fsqrt), "VCVTPS2DQ": two(fcvtns), "VCVTDQ2PS": two(scvtf),
	"VROUNDPS": func(s *speller, ops []operand.Op) {
		direction := map[int64]encoding{8: frintn, 9: frintm, 10: frintp}
		two(direction[constant(ops[0])])(s, ops[1:])
	},
	"VPSLLD": shift(shl), "VPSRLD": shift(ushr), "VPSRAD": shift(sshr),

	"VCMPPS":    compare,
	"VBLENDVPS": blend,
}

// register is the number of a vector register.
func register(op operand.Op) vector { return vector(number(op.(reg.Register))) }

// free is a vector register that nothing needs until the next instruction.
func (s *speller) free() vector {
	for n := range s.taken {
		if !s.taken[n] {
			s.taken[n] = true
			return vector(n)
		}
	}
	panic("arm64: " + s.function + ": out of vector registers")
}

// source is a vector operand in a register, loaded into one if it is memory.
func (s *speller) source(op operand.Op) vector {
	m, is := op.(operand.Mem)
	if !is {
		return register(op)
	}
	v := s.free()
	s.emit("FMOVQ", s.memory(m), v.f())
	return v
}

// copy is to = from.
func (s *speller) copy(from, to vector) {
	if from != to {
		s.emit("VMOV", from.v()+".B16", to.v()+".B16")
	}
}

// three spells r = x ∘ y, of operands y, x, r.
func three(e encoding) verb {
	return func(s *speller, ops []operand.Op) {
		s.word(e, register(ops[2]), register(ops[1]), s.source(ops[0]))
	}
}

// two spells r = f(x), of operands x, r.
func two(e encoding) verb {
	return func(s *speller, ops []operand.Op) { s.word(e, register(ops[1]), s.source(ops[0])) }
}

func shift(e encoding) verb {
	return func(s *speller, ops []operand.Op) {
		two(e.shiftedBy(constant(ops[0])))(s, ops[1:])
	}
}

// accumulate spells r = r ± x·y, of operands y, x, r.
func accumulate(e encoding) verb {
	return func(s *speller, ops []operand.Op) {
		s.word(e, register(ops[2]), register(ops[1]), s.source(ops[0]))
	}
}

// multiplyAdd spells x = x·y + z, of operands z, y, x.
func multiplyAdd(s *speller, ops []operand.Op) {
	x, y, sum := register(ops[2]), register(ops[1]), s.source(ops[0])
	if isRegister(ops[0]) {
		z := sum
		sum = s.free()
		s.copy(z, sum)
	}
	s.word(fmla, sum, x, y)
	s.copy(sum, x)
}

// byElement spells r = r + x·y[n], of operands n, y, x, r.
func byElement(e encoding) verb {
	return func(s *speller, ops []operand.Op) {
		s.word(e.element(constant(ops[0])), register(ops[3]), register(ops[2]), register(ops[1]))
	}
}

// extreme spells r = x if the first that order gives is greater, else y, of
// operands y, x, r. FMAX and FMIN differ at NaN and at zeros of unlike sign.
func (s *speller) extreme(ops []operand.Op, order func(x, y vector) (vector, vector)) {
	r, x, y := register(ops[2]), register(ops[1]), s.source(ops[0])
	greater, lesser := order(x, y)
	mask := r
	if r == x || r == y {
		mask = s.free()
	}
	s.word(fcmgt, mask, greater, lesser)
	switch r {
	case x:
		s.word(bif, r, y, mask)
	case y:
		s.word(bit, r, x, mask)
	default:
		s.word(bsl, r, x, y)
	}
}

// compare spells "x relation y", of operands relation, y, x, r.
func compare(s *speller, ops []operand.Op) {
	const equal, lessThan, unordered, notLess, atLeast, greaterThan = 0x00, 0x11, 0x03, 0x15, 0x1d, 0x1e
	r, x, y := register(ops[3]), register(ops[2]), s.source(ops[1])
	switch relation := constant(ops[0]); relation {
	case equal:
		s.word(fcmeq, r, x, y)
	case lessThan, notLess:
		s.word(fcmgt, r, y, x)
		if relation == notLess {
			s.word(not, r, r)
		}
	case greaterThan:
		s.word(fcmgt, r, x, y)
	case atLeast:
		s.word(fcmge, r, x, y)
	case unordered:
		other := y
		if x != y {
			other = s.free()
			s.word(fcmeq, other, y, y)
		}
		s.word(fcmeq, r, x, x)
		if x != y {
			s.word(and, r, r, other)
		}
		s.word(not, r, r)
	default:
		panic(fmt.Sprintf("arm64: %s: comparison %#x", s.function, relation))
	}
}

// blend spells r = yes where the mask's sign bit is set, else no, of operands
// mask, yes, no, r.
func blend(s *speller, ops []operand.Op) {
	mask, yes, no, r := register(ops[0]), s.source(ops[1]), register(ops[2]), register(ops[3])
	all := s.free()
	s.word(cmlt0, all, mask)
	s.word(bsl, all, yes, no)
	s.copy(all, r)
}
