package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// v is a vector register.
type v = reg.VecVirtual

// partials is the number of running results of a reduction.
const partials = 4

func passes(f *file, set isa.ISA) {
	maxScaled(f, set, "maxScaled", "(x *float32, n int, scale float32) float32", false)
	maxScaled(f, set, "maxMasked", "(x, mask *float32, n int, scale float32) float32", true)
	expScaled(f, set, "expScaled", "(dst, x *float32, n int, scale, shift float32) float32", false)
	expScaled(f, set, "expMasked", "(dst, x, mask *float32, n int, scale, shift float32) float32", true)
	expSum(f, set)
	addSum(f, set)
	deviation(f, set)
	standardize(f, set, "standardize", "*float32", isa.Float32, true)
	standardize(f, set, "standardizeUnbiased", "*float32", isa.Float32, false)
}

// scores reads x·scale, plus mask if there is one.
type scores struct {
	*isa.Stream
	x, mask *isa.Pointer
	scale   v
}

func newScores(s *isa.Stream, masked bool) scores {
	t := scores{Stream: s, x: s.Slice("x", isa.Float32), scale: s.Parameter("scale")}
	if masked {
		t.mask = s.Slice("mask", isa.Float32)
	}
	return t
}

func (t scores) load(at isa.At) v {
	x := t.Load(t.x, at)
	if t.mask == nil {
		return t.Mul(x, t.scale)
	}
	return t.MulAdd(x, t.scale, t.Load(t.mask, at))
}

func maxScaled(f *file, set isa.ISA, name, signature string, masked bool) {
	a := f.begin(set, name, signature)
	s := a.Stream()
	t := newScores(s, masked)
	p := a.Largest(partials)
	s.Each(partials, func(at isa.At) { p.Take(at, t.load(at)) })
	a.ReturnScalar(p.Scalar())
}

func expScaled(f *file, set isa.ISA, name, signature string, masked bool) {
	a := f.begin(set, name, signature)
	s := a.Stream()
	t := newScores(s, masked)
	dst := s.Slice("dst", isa.Float32)
	shift := a.Parameter("shift")
	p := a.Sums(1)
	s.Each(1, func(at isa.At) {
		e := a.Exp(a.Sub(t.load(at), shift))
		s.Store(dst, at, e)
		p.Take(at, within(a, at, e))
	})
	a.ReturnScalar(p.Scalar())
}

func expSum(f *file, set isa.ISA) {
	a := f.begin(set, "expSum", "(x *float32, n int, shift float32) float32")
	s := a.Stream()
	x := s.Slice("x", isa.Float32)
	shift := a.Parameter("shift")
	p := a.Sums(1)
	s.Each(1, func(at isa.At) { p.Take(at, within(a, at, a.Exp(a.Sub(s.Load(x, at), shift)))) })
	a.ReturnScalar(p.Scalar())
}

func addSum(f *file, set isa.ISA) {
	a := f.begin(set, "addSum", "(dst, a, b *float32, n int) float32")
	s := a.Stream()
	dst, x, y := s.Slice("dst", isa.Float32), s.Slice("a", isa.Float32), s.Slice("b", isa.Float32)
	p := a.Sums(partials)
	s.Each(partials, func(at isa.At) {
		sum := a.Add(s.Load(x, at), s.Load(y, at))
		s.Store(dst, at, sum)
		p.Take(at, sum)
	})
	a.ReturnScalar(p.Scalar())
}

func deviation(f *file, set isa.ISA) {
	a := f.begin(set, "deviation", "(x *float32, n int, mean float32) float32")
	s := a.Stream()
	x := s.Slice("x", isa.Float32)
	mean := a.Parameter("mean")
	p := a.Sums(partials)
	s.Each(partials, func(at isa.At) {
		d := within(a, at, a.Sub(s.Load(x, at), mean))
		VFMADD231PS(d, d, p.Running(at))
	})
	a.ReturnScalar(p.Scalar())
}

// standardize generates (x-mean)·inverse·scale, plus bias if there is one.
func standardize(f *file, set isa.ISA, name, to string, format isa.Format, biased bool) {
	signature := "(dst " + to + ", x, scale *float32, n int, mean, inverse float32)"
	if biased {
		signature = "(dst " + to + ", x, scale, bias *float32, n int, mean, inverse float32)"
	}
	a := f.begin(set, name, signature)
	s := a.Stream()
	dst, x, scale := s.Slice("dst", format), s.Slice("x", isa.Float32), s.Slice("scale", isa.Float32)
	var bias *isa.Pointer
	if biased {
		bias = s.Slice("bias", isa.Float32)
	}
	mean, inverse := a.Parameter("mean"), a.Parameter("inverse")
	s.Each(2, func(at isa.At) {
		y := a.Mul(a.Sub(s.Load(x, at), mean), inverse)
		if biased {
			y = a.MulAdd(y, s.Load(scale, at), s.Load(bias, at))
		} else {
			y = a.Mul(y, s.Load(scale, at))
		}
		s.Store(dst, at, y)
	})
	a.Return()
}

// within is x, with zero in the lanes past the end.
func within(a *isa.Algebra, at isa.At, x v) v {
	if lanes, partial := at.Partial(); partial {
		return a.Select(lanes, x, a.Nought())
	}
	return x
}
