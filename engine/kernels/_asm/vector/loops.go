package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// storage is a format that elementwise loops read and write.
type storage struct {
	isa.Format
	suffix string // of names
	goType string
	unroll int // at most
}

var (
	float32s  = storage{isa.Float32, "", "*float32", cheap}
	bfloat16s = storage{isa.BFloat16, "BF16", "*uint16", 2}
)

// cheap is the unrolling of loops that do little but load and store.
const cheap = 4

func elementwise(f *file) {
	for _, set := range f.Of(isa.AVX512, isa.AVX2, isa.NEON) {
		maps(f, set, float32s)
		for _, op := range scalarOperations {
			scalar(f, set, op.name, op.of)
		}
		axpy(f, set)
		scaleShift(f, set)
		for _, r := range relations {
			compare(f, set, r.name, r.of)
		}
		for _, r := range relations {
			compareScalar(f, set, r.name, r.of)
		}
		choose(f, set)
		chooseScalar(f, set)
	}
}

func bfloat16(f *file) {
	for _, set := range f.Of(isa.AVX512BF16, isa.AVX512, isa.AVX2, isa.NEON) {
		maps(f, set, bfloat16s)
		convert(f, set, "toBF16", "*uint16", isa.BFloat16, "*float32", isa.Float32)
		convert(f, set, "fromBF16", "*float32", isa.Float32, "*uint16", isa.BFloat16)
	}
}

// maps generates every unary, parametric and binary operation over a storage.
func maps(f *file, set isa.ISA, s storage) {
	for _, op := range unaryOperations {
		unary(f, set, s, op)
	}
	for _, op := range paramOperations {
		param(f, set, s, op.name, op.of)
	}
	for _, op := range binaryOperations {
		binary(f, set, s, op.name, op.of)
	}
}

func unary(f *file, set isa.ISA, in storage, op unaryOperation) {
	a := f.begin(set, "unary"+in.suffix, op.name, isa.LowerFirst(op.name)+in.suffix, "(dst, x "+in.goType+", n int)")
	s := a.Stream()
	dst, x := s.Slice("dst", in), s.Slice("x", in)
	s.Each(min(op.unroll, in.unroll), func(at isa.At) { s.Store(dst, at, op.of(a, s.Load(x, at))) })
	a.Return()
}

func param(f *file, set isa.ISA, in storage, name string, of func(a *isa.Algebra, x, alpha, beta v) v) {
	a := f.begin(set, "param"+in.suffix, name, isa.LowerFirst(name)+in.suffix, "(dst, x "+in.goType+", n int, alpha, beta float32)")
	s := a.Stream()
	dst, x := s.Slice("dst", in), s.Slice("x", in)
	alpha, beta := a.Parameter("alpha"), a.Parameter("beta")
	s.Each(2, func(at isa.At) { s.Store(dst, at, of(a, s.Load(x, at), alpha, beta)) })
	a.Return()
}

func binary(f *file, set isa.ISA, in storage, name string, of func(a *isa.Algebra, x, y Op) v) {
	a := f.begin(set, "binary"+in.suffix, name, isa.LowerFirst(name)+in.suffix, "(dst, a, b "+in.goType+", n int)")
	s := a.Stream()
	dst, x, y := s.Slice("dst", in), s.Slice("a", in), s.Slice("b", in)
	s.Each(in.unroll, func(at isa.At) { s.Store(dst, at, of(a, s.Load(x, at), s.Load(y, at))) })
	a.Return()
}

func scalar(f *file, set isa.ISA, name string, of func(a *isa.Algebra, x, s Op) v) {
	a := f.begin(set, "scalar", name, isa.LowerFirst(name), "(dst, x *float32, n int, s float32)")
	s := a.Stream()
	dst, x := s.Slice("dst", isa.Float32), s.Slice("x", isa.Float32)
	constant := a.Parameter("s")
	s.Each(cheap, func(at isa.At) { s.Store(dst, at, of(a, s.Load(x, at), constant)) })
	a.Return()
}

// compare stores 1 where a relation holds, else 0.
func compare(f *file, set isa.ISA, name string, of func(a *isa.Algebra, x, y Op) isa.Predicate) {
	a := f.begin(set, "compare", name, isa.LowerFirst(name), "(dst *bool, a, b *float32, n int)")
	s := a.Stream()
	dst, x, y := s.Slice("dst", isa.Uint8), s.Slice("a", isa.Float32), s.Slice("b", isa.Float32)
	s.Each(2, func(at isa.At) {
		s.Store(dst, at, a.Select(of(a, s.Load(x, at), s.Load(y, at)), a.Const(1), a.Nought()))
	})
	a.Return()
}

func compareScalar(f *file, set isa.ISA, name string, of func(a *isa.Algebra, x, y Op) isa.Predicate) {
	a := f.begin(set, "compareScalar", name, isa.LowerFirst(name)+"Scalar", "(dst *bool, x *float32, n int, s float32)")
	s := a.Stream()
	dst, x := s.Slice("dst", isa.Uint8), s.Slice("x", isa.Float32)
	constant := a.Parameter("s")
	s.Each(2, func(at isa.At) { s.Store(dst, at, a.Select(of(a, s.Load(x, at), constant), a.Const(1), a.Nought())) })
	a.Return()
}

// choose moves bits, whatever they mean.
func choose(f *file, set isa.ISA) {
	a := f.begin(set, "choose", "", "choose", "(dst *float32, cond *bool, a, b *float32, n int)")
	s := a.Stream()
	dst, cond, x, y := s.Slice("dst", isa.Float32), s.Slice("cond", isa.Uint8), s.Slice("a", isa.Float32), s.Slice("b", isa.Float32)
	s.Each(2, func(at isa.At) {
		yes := a.Compare(s.Load(cond, at), isa.GreaterThan, a.Nought())
		s.Store(dst, at, a.Select(yes, s.Load(x, at), s.Load(y, at)))
	})
	a.Return()
}

// chooseScalar puts s where cond is when, which is 0 or 1, and leaves x elsewhere.
func chooseScalar(f *file, set isa.ISA) {
	a := f.begin(set, "chooseScalar", "", "chooseScalar", "(dst *float32, cond *bool, x *float32, n int, when, s float32)")
	s := a.Stream()
	dst, cond, x := s.Slice("dst", isa.Float32), s.Slice("cond", isa.Uint8), s.Slice("x", isa.Float32)
	when, constant := a.Parameter("when"), a.Parameter("s")
	s.Each(2, func(at isa.At) {
		instead := a.Compare(s.Load(cond, at), isa.Equal, when)
		s.Store(dst, at, a.Select(instead, constant, s.Load(x, at)))
	})
	a.Return()
}

func axpy(f *file, set isa.ISA) {
	a := f.begin(set, "axpy", "", "axpy", "(y, x *float32, n int, alpha float32)")
	s := a.Stream()
	y, x := s.Slice("y", isa.Float32), s.Slice("x", isa.Float32)
	alpha := a.Parameter("alpha")
	s.Each(cheap, func(at isa.At) { s.Store(y, at, a.MulAdd(s.Load(x, at), alpha, s.Load(y, at))) })
	a.Return()
}

// scaleShift walks rows of n elements; rows is at least 1.
func scaleShift(f *file, set isa.ISA) {
	a := f.begin(set, "scaleShift", "", "scaleShift", "(dst, x, scale, bias *float32, n, rows int)")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	rows := Load(Param("rows"), GP64())
	Label("row")
	s := a.Stream()
	to, from := s.Pointer(copyOf(dst), isa.Float32), s.Pointer(copyOf(x), isa.Float32)
	scale, bias := s.Slice("scale", isa.Float32), s.Slice("bias", isa.Float32)
	s.Each(2, func(at isa.At) {
		s.Store(to, at, a.MulAdd(s.Load(from, at), s.Load(scale, at), s.Load(bias, at)))
	})
	n := Load(Param("n"), GP64())
	LEAQ(Mem{Base: dst, Index: n, Scale: 4}, dst)
	LEAQ(Mem{Base: x, Index: n, Scale: 4}, x)
	DECQ(rows)
	JNZ(LabelRef("row"))
	a.Return()
}

func copyOf(r reg.Register) reg.Register {
	c := GP64()
	MOVQ(r, c)
	return c
}
