package isa

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// AVX512BF16 is AVX512 with the instructions that convert to bfloat16.
var AVX512BF16 = ISA{"avx512bf16", "AVX512BF16", 64, 32}

// Stream emits a loop that walks slices of n elements in step, a vector of
// lanes at a time. The last, partial vector neither reads nor writes past the
// end of any slice, and its lanes are computed as all others are.
type Stream struct {
	*Algebra
	n        reg.GPVirtual
	pointers []*Pointer
	bounce   Mem // stack room for a partial vector of short elements
	name     string
	labels   int
}

// Pointer is where a Stream stands in one slice.
type Pointer struct {
	at     reg.Register
	format Format
}

// From is a slice of p's format at the address in r, which the Stream does not
// advance.
func (p *Pointer) From(r reg.Register) *Pointer { return &Pointer{at: r, format: p.format} }

// Address copies the address at which p stands into a new register.
func (s *Stream) Address(p *Pointer) reg.GPVirtual {
	r := GP64()
	MOVQ(p.at, r)
	return r
}

// At says which vector of the current step is meant: so many vectors after the
// pointers, or the partial one.
type At struct {
	ahead   int
	partial bool
	mask    Predicate
}

// Partial reports whether only the first lanes count, and which.
func (at At) Partial() (Predicate, bool) { return at.mask, at.partial }

// Stream begins a loop over the elements that the function's parameter n counts.
func (a *Algebra) Stream() *Stream {
	return &Stream{Algebra: a, n: Load(Param("n"), GP64()).(reg.GPVirtual)}
}

// StreamOf begins a loop over as many elements as register n counts, and
// destroys n.
func (a *Algebra) StreamOf(n reg.GPVirtual) *Stream { return &Stream{Algebra: a, n: n} }

// Named gives the labels of a stream a prefix, where a function has several.
func (s *Stream) Named(name string) *Stream {
	s.name = name
	return s
}

// Slice adds the slice that the pointer parameter name begins.
func (s *Stream) Slice(name string, f Format) *Pointer {
	return s.Pointer(Load(Param(name), GP64()), f)
}

// Pointer adds the slice that begins at a register's address.
func (s *Stream) Pointer(at reg.Register, f Format) *Pointer {
	p := &Pointer{at: at, format: f}
	s.pointers = append(s.pointers, p)
	if f.Bytes() < 4 && !s.Wide() && s.bounce.Base == nil {
		s.bounce = AllocLocal(32)
	}
	return p
}

// Each emits the loop: body handles one vector, unroll of them per turn.
func (s *Stream) Each(unroll int, body func(at At)) {
	s.Together(unroll, func(ats []At) {
		for _, at := range ats {
			body(at)
		}
	})
}

// Together emits the loop: body handles as many vectors at once as it is given,
// which is unroll, or one.
func (s *Stream) Together(unroll int, body func(ats []At)) {
	loop, single, partial, done := s.label("loop"), s.label("single"), s.label("partial"), s.label("done")
	if unroll > 1 {
		Label(loop)
		CMPQ(s.n, I32(int32(unroll*s.Lanes())))
		JLT(LabelRef(single))
		ats := make([]At, unroll)
		for u := range ats {
			ats[u].ahead = u
		}
		body(ats)
		s.advance(unroll)
		JMP(LabelRef(loop))
	}
	Label(single)
	CMPQ(s.n, I32(int32(s.Lanes())))
	JLT(LabelRef(partial))
	body(make([]At, 1))
	s.advance(1)
	JMP(LabelRef(single))
	Label(partial)
	TESTQ(s.n, s.n)
	JZ(LabelRef(done))
	body([]At{{partial: true, mask: s.firstLanes()}})
	Label(done)
}

func (s *Stream) advance(vectors int) {
	for _, p := range s.pointers {
		ADDQ(I32(int32(vectors*s.Lanes()*p.format.Bytes())), p.at)
	}
	SUBQ(I32(int32(vectors*s.Lanes())), s.n)
}

// label is a name not yet used in the function.
func (s *Stream) label(what string) string {
	s.labels++
	return fmt.Sprintf("%s%s%d", s.name, what, s.labels)
}

// firstLanes holds in the first n lanes.
func (s *Stream) firstLanes() Predicate {
	const greater = 6
	count := s.New()
	if s.Wide() {
		k := K()
		VPBROADCASTD(s.n.As32(), count)
		VPCMPUD(U8(greater), s.lanes(), count, k)
		return k
	}
	x := XMM()
	VMOVD(s.n.As32(), x)
	VPBROADCASTD(x, count)
	VPCMPGTD(s.lanes(), count, count)
	return count
}

// lanes is each lane's number, in memory.
func (a *Algebra) lanes() Mem {
	const name = "lane_numbers"
	if a.defined[name] {
		return NewDataAddr(NewStaticSymbol(name), 0)
	}
	a.defined[name] = true
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(i)))
	}
	return m
}

// Load reads a vector of p's slice as FP32. Lanes past the end hold anything
// that is no trap.
func (s *Stream) Load(p *Pointer, at At) reg.VecVirtual {
	m := s.place(p, at)
	if at.partial && p.format.Bytes() < 4 && !s.Wide() {
		s.copyElements(m, s.bounce, p.format.Bytes())
		return p.format.load(s.Algebra, s.bounce, nil)
	}
	return p.format.load(s.Algebra, m, at.mask)
}

// Store writes a vector of FP32 to p's slice.
func (s *Stream) Store(p *Pointer, at At, v reg.VecVirtual) {
	m := s.place(p, at)
	if at.partial && p.format.Bytes() < 4 && !s.Wide() {
		p.format.store(s.Algebra, v, s.bounce, nil)
		s.copyElements(s.bounce, m, p.format.Bytes())
		return
	}
	p.format.store(s.Algebra, v, m, at.mask)
}

func (s *Stream) place(p *Pointer, at At) Mem {
	return Mem{Base: p.at, Disp: at.ahead * s.Lanes() * p.format.Bytes()}
}

// copyElements copies the n elements of a partial vector one by one.
func (s *Stream) copyElements(from, to Mem, bytes int) {
	i, e := GP64(), GP64()
	next := s.label("copy")
	XORQ(i, i)
	from.Index, from.Scale = i, uint8(bytes)
	to.Index, to.Scale = i, uint8(bytes)
	Label(next)
	if bytes == 1 {
		MOVB(from, e.As8())
		MOVB(e.As8(), to)
	} else {
		MOVW(from, e.As16())
		MOVW(e.As16(), to)
	}
	INCQ(i)
	CMPQ(i, s.n)
	JLT(LabelRef(next))
}
