package isa

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Algebra emits one lane-wise FP32 operation per call on registers under avo's
// allocation and returns the register of the result, so that a generator reads
// as the formula it computes. An Op operand is a register or memory. One
// Algebra serves one assembly file: it owns the file's constants.
type Algebra struct {
	ISA
	defined map[string]bool
}

// NewAlgebra returns the algebra of an instruction set.
func NewAlgebra(i ISA) *Algebra { return &Algebra{ISA: i, defined: map[string]bool{}} }

// For returns the algebra of another instruction set over the same constants.
func (a *Algebra) For(i ISA) *Algebra { return &Algebra{ISA: i, defined: a.defined} }

// Wide reports whether vectors have 512 bits and predicates registers of their own.
func (a *Algebra) Wide() bool { return a.Bytes == 64 }

// New allocates a vector register.
func (a *Algebra) New() reg.VecVirtual {
	switch a.Bytes {
	case 64:
		return ZMM()
	case 32:
		return YMM()
	}
	return XMM()
}

// Splat is one 32-bit pattern in every lane: an operand, in memory, of an
// Algebra's operations.
type Splat struct{ Mem }

// Const is v in every lane.
func (a *Algebra) Const(v float32) Splat { return a.Bits(math.Float32bits(v)) }

// Bits is the pattern b in every lane. The file holds as much of it as AVX2
// needs; AVX-512 repeats a single element, which lies in one cache line, while
// the linker would not align 64 bytes.
func (a *Algebra) Bits(b uint32) Splat {
	name := fmt.Sprintf("lanes_%08x", b)
	if a.defined[name] {
		return Splat{NewDataAddr(NewStaticSymbol(name), 0)}
	}
	a.defined[name] = true
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := 0; i < 8; i++ {
		DATA(4*i, U32(b))
	}
	return Splat{m}
}

// emitter is a constructor of instructions: operands in Go's order.
type emitter func(ops ...Op)

// emit adds an instruction whose operand source may be a Splat, which the
// second form repeats.
func (a *Algebra) emit(plain, repeating emitter, source Op, others ...Op) {
	form := plain
	if c, ok := source.(Splat); ok {
		source = c.Mem
		if a.Wide() {
			form = repeating
		}
	}
	form(append([]Op{source}, others...)...)
}

// Parameter is the function's float32 parameter of that name in every lane.
func (a *Algebra) Parameter(name string) reg.VecVirtual {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return a.Broadcast(p.Addr)
}

// Broadcast is the float32 at m in every lane.
func (a *Algebra) Broadcast(m Mem) reg.VecVirtual {
	r := a.New()
	VBROADCASTSS(m, r)
	return r
}

// Move copies x into a register of its own.
func (a *Algebra) Move(x Op) reg.VecVirtual {
	r := a.New()
	switch x := x.(type) {
	case Splat:
		VBROADCASTSS(x.Mem, r)
	case Mem:
		VMOVUPS(x, r)
	default:
		VMOVAPS(x, r)
	}
	return r
}

// Nought is zero in every lane. It is VXORPS because avo knows that one to read
// nothing.
func (a *Algebra) Nought() reg.VecVirtual {
	r := a.New()
	VXORPS(r, r, r)
	return r
}

// three emits a non-destructive instruction whose Intel order is r, x, y.
func (a *Algebra) three(plain, repeating emitter, x, y Op) reg.VecVirtual {
	r := a.New()
	a.emit(plain, repeating, y, x, r)
	return r
}

// Add is x + y. Of two operands only y may be a Splat or memory, here
// and below.
func (a *Algebra) Add(x, y Op) reg.VecVirtual { return a.three(VADDPS, VADDPS_BCST, x, y) }

// Sub is x - y.
func (a *Algebra) Sub(x, y Op) reg.VecVirtual { return a.three(VSUBPS, VSUBPS_BCST, x, y) }

// Mul is x·y.
func (a *Algebra) Mul(x, y Op) reg.VecVirtual { return a.three(VMULPS, VMULPS_BCST, x, y) }

// Div is x/y.
func (a *Algebra) Div(x, y Op) reg.VecVirtual { return a.three(VDIVPS, VDIVPS_BCST, x, y) }

// Greater is x when x > y, else y: y when either is NaN or both are zero.
func (a *Algebra) Greater(x, y Op) reg.VecVirtual { return a.three(VMAXPS, VMAXPS_BCST, x, y) }

// Lesser is x when x < y, else y: y when either is NaN or both are zero.
func (a *Algebra) Lesser(x, y Op) reg.VecVirtual { return a.three(VMINPS, VMINPS_BCST, x, y) }

// And is the bitwise x & y.
func (a *Algebra) And(x, y Op) reg.VecVirtual { return a.three(VANDPS, VANDPS_BCST, x, y) }

// Or is the bitwise x | y.
func (a *Algebra) Or(x, y Op) reg.VecVirtual { return a.three(VORPS, VORPS_BCST, x, y) }

// Xor is the bitwise x ^ y.
func (a *Algebra) Xor(x, y Op) reg.VecVirtual { return a.three(VXORPS, VXORPS_BCST, x, y) }

// IntAdd is x + y in 32-bit integers.
func (a *Algebra) IntAdd(x, y Op) reg.VecVirtual { return a.three(VPADDD, VPADDD_BCST, x, y) }

// IntSub is x - y in 32-bit integers.
func (a *Algebra) IntSub(x, y Op) reg.VecVirtual { return a.three(VPSUBD, VPSUBD_BCST, x, y) }

// Sqrt is √x.
func (a *Algebra) Sqrt(x Op) reg.VecVirtual {
	r := a.New()
	VSQRTPS(x, r)
	return r
}

// MulAdd is x·y + z, rounded once. It uses x up; z may be a Splat.
func (a *Algebra) MulAdd(x reg.VecVirtual, y, z Op) reg.VecVirtual {
	a.emit(VFMADD213PS, VFMADD213PS_BCST, z, y, x)
	return x
}

// SubMul is x - y·z, rounded once. It uses x up; z may be a Splat.
func (a *Algebra) SubMul(x reg.VecVirtual, y, z Op) reg.VecVirtual {
	a.emit(VFNMADD231PS, VFNMADD231PS_BCST, z, y, x)
	return x
}

// Horner is the polynomial c[0] + c[1]·x + c[2]·x² + …
func (a *Algebra) Horner(x Op, c []float32) reg.VecVirtual {
	r := a.Move(a.Const(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		a.MulAdd(r, x, a.Const(c[i]))
	}
	return r
}

// Rounding selects an integral neighbour as VROUNDPS and VRNDSCALEPS encode it,
// without the inexact exception.
type Rounding uint8

// The directions of rounding.
const (
	ToEven Rounding = 8 + iota
	Down
	Up
)

// Integral is x rounded to an integer, as a float.
func (a *Algebra) Integral(x Op, to Rounding) reg.VecVirtual {
	r := a.New()
	if a.Wide() {
		VRNDSCALEPS(U8(to), x, r)
	} else {
		VROUNDPS(U8(to), x, r)
	}
	return r
}

// Shift is x moved by n bits within 32: left when n > 0, else right, filled
// with zeros.
func (a *Algebra) Shift(x Op, n int) reg.VecVirtual {
	r := a.New()
	if n > 0 {
		VPSLLD(U8(n), x, r)
	} else {
		VPSRLD(U8(-n), x, r)
	}
	return r
}

// Predicate is one condition per lane: a mask register, or a vector whose sign
// bits count where there is none.
type Predicate reg.Register

// Relation compares as VCMPPS encodes it.
type Relation uint8

// The relations. On NaN, Unordered and NotLess are true, the others false. Ordered is the reverse of Unordered.
const (
	Equal       Relation = 0x00
	LessThan    Relation = 0x11
	Unordered   Relation = 0x03
	Ordered     Relation = 0x07
	NotLess     Relation = 0x15
	AtLeast     Relation = 0x1d
	GreaterThan Relation = 0x1e
)

// Compare is "x relation y" in each lane.
func (a *Algebra) Compare(x Op, relation Relation, y Op) Predicate {
	var r reg.Register = a.New()
	if a.Wide() {
		r = K()
	}
	a.emit(
		func(ops ...Op) { VCMPPS(append([]Op{U8(relation)}, ops...)...) },
		func(ops ...Op) { VCMPPS_BCST(append([]Op{U8(relation)}, ops...)...) }, y, x, r)
	return r
}

// Select is yes where p holds, else no; yes may be a Splat.
func (a *Algebra) Select(p Predicate, yes, no Op) reg.VecVirtual {
	r := a.New()
	if a.Wide() {
		a.emit(VBLENDMPS, VBLENDMPS_BCST, yes, no, p, r)
		return r
	}
	blend := func(ops ...Op) { VBLENDVPS(p, ops[0], ops[1], ops[2]) }
	a.emit(blend, nil, yes, no, r)
	return r
}

// Replace puts x into r's lanes where p holds.
func (a *Algebra) Replace(r reg.VecVirtual, p Predicate, x Op) {
	if a.Wide() {
		VBLENDMPS(x, r, p, r)
	} else {
		VBLENDVPS(p, x, r, r)
	}
}

// NaNs notes in which lanes any of several vectors was NaN.
type NaNs struct {
	*Algebra
	none Predicate      // of mask registers: where none was
	last reg.VecVirtual // elsewhere: the last one
}

// NaNs begins with none.
func (a *Algebra) NaNs() *NaNs {
	nought := a.Nought()
	if a.Wide() {
		return &NaNs{Algebra: a, none: a.Compare(nought, Ordered, nought)}
	}
	return &NaNs{Algebra: a, last: nought}
}

// Note adds a vector.
func (n *NaNs) Note(x reg.VecVirtual) {
	if n.Wide() {
		VCMPPS(U8(Ordered), x, x, n.none, n.none)
	} else {
		n.Replace(n.last, n.Compare(x, Unordered, x), x)
	}
}

// Over is NaN where one was, else x.
func (n *NaNs) Over(x reg.VecVirtual) reg.VecVirtual {
	if n.Wide() {
		return n.Select(n.none, x, n.Move(n.Bits(0x7fc00000)))
	}
	return n.Select(n.Compare(n.last, Unordered, n.last), n.last, x)
}

// Abs is |x|.
func (a *Algebra) Abs(x Op) reg.VecVirtual { return a.And(x, a.Bits(0x7fffffff)) }

// Sign is the sign bit of x, all else zero.
func (a *Algebra) Sign(x Op) reg.VecVirtual { return a.And(x, a.Bits(0x80000000)) }

// Larger is x when x > y or x is NaN, else y.
func (a *Algebra) Larger(x, y Op) reg.VecVirtual {
	return a.Select(a.Compare(x, Unordered, x), x, a.Greater(x, y))
}

// Smaller is x when x < y or x is NaN, else y.
func (a *Algebra) Smaller(x, y Op) reg.VecVirtual {
	return a.Select(a.Compare(x, Unordered, x), x, a.Lesser(x, y))
}

// Clamp is x held in [low, high]; NaN stays NaN.
func (a *Algebra) Clamp(x, low, high Op) reg.VecVirtual {
	return a.Lesser(high, a.Greater(low, x))
}
