package isa

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Format is how a slice stores what registers hold as FP32.
type Format interface {
	// Bytes is the size of one element.
	Bytes() int

	// load reads a vector; a mask, if not nil, says which lanes may be read.
	load(a *Algebra, m Mem, mask Predicate) reg.VecVirtual

	// store writes a vector; a mask, if not nil, says which lanes to write.
	store(a *Algebra, v reg.VecVirtual, m Mem, mask Predicate)
}

type float32Format struct{}

// Float32 stores FP32.
var Float32 Format = float32Format{}

func (float32Format) Bytes() int { return 4 }

func (float32Format) load(a *Algebra, m Mem, mask Predicate) reg.VecVirtual {
	r := a.New()
	switch {
	case mask == nil:
		VMOVUPS(m, r)
	case a.Wide():
		VMOVUPS_Z(m, mask, r)
	default:
		VMASKMOVPS(m, mask, r)
	}
	return r
}

func (float32Format) store(a *Algebra, v reg.VecVirtual, m Mem, mask Predicate) {
	switch {
	case mask == nil:
		VMOVUPS(v, m)
	case a.Wide():
		VMOVUPS(v, mask, m)
	default:
		VMASKMOVPS(v, mask, m)
	}
}

type int32Format struct{ float32Format }

// Int32 stores integers, read as FP32 rounded to nearest. It can't be stored to.
var Int32 Format = int32Format{}

func (int32Format) load(a *Algebra, m Mem, mask Predicate) reg.VecVirtual {
	r := Float32.load(a, m, mask)
	VCVTDQ2PS(r, r)
	return r
}

type bfloat16Format struct{}

// BFloat16 stores the upper half of FP32, rounded to nearest even.
var BFloat16 Format = bfloat16Format{}

func (bfloat16Format) Bytes() int { return 2 }

func (bfloat16Format) load(a *Algebra, m Mem, mask Predicate) reg.VecVirtual {
	r := a.New()
	if mask == nil {
		VPMOVZXWD(m, r)
	} else {
		VPMOVZXWD_Z(m, mask, r)
	}
	return a.Shift(r, 16)
}

func (bfloat16Format) store(a *Algebra, v reg.VecVirtual, m Mem, mask Predicate) {
	if a.Name == AVX512BF16.Name {
		VMOVAPS(v, reg.Z31)
		VCVTNEPS2BF16(reg.Z31, reg.Z30)
		storeHalf(reg.Y30, m, mask)
		return
	}
	a.storeWords(a.roundBFloat16(v), m, mask)
}

// roundBFloat16 does in integers what VCVTNEPS2BF16 does, result in the lower
// half of each lane: ties to even, denormal numbers to zero, NaN made quiet.
func (a *Algebra) roundBFloat16(v reg.VecVirtual) reg.VecVirtual {
	upper := a.Shift(v, -16)
	odd := a.And(upper, a.Bits(1))
	r := a.Shift(a.IntAdd(a.IntAdd(v, odd), a.Bits(0x7fff)), -16)
	r = a.Select(a.Compare(a.Abs(v), LessThan, a.Const(0x1p-126)), a.And(upper, a.Bits(0x8000)), r)
	return a.Select(a.Compare(v, Unordered, v), a.Or(upper, a.Bits(0x0040)), r)
}

// storeWords writes the lower 16 bits of each lane, whose upper are zero.
func (a *Algebra) storeWords(v reg.VecVirtual, m Mem, mask Predicate) {
	if a.Wide() {
		words := YMM()
		VPMOVDW(v, words)
		storeHalf(words, m, mask)
		return
	}
	VPACKUSDW(v, v, v)
	if a.Lanes() == 4 {
		VMOVQ(v, m)
		return
	}
	VPERMQ(U8(0b1000), v, v)
	VMOVDQU(v.AsX(), m)
}

// storeHalf writes 16 words.
func storeHalf(words reg.Register, m Mem, mask Predicate) {
	if mask == nil {
		VMOVUPS(words, m)
	} else {
		VMOVDQU16(words, mask, m)
	}
}

type float16Format struct{}

// Float16 stores IEEE binary16, rounded to nearest even.
var Float16 Format = float16Format{}

func (float16Format) Bytes() int { return 2 }

func (float16Format) load(a *Algebra, m Mem, mask Predicate) reg.VecVirtual {
	r := a.New()
	if mask == nil {
		VCVTPH2PS(m, r)
	} else {
		VCVTPH2PS_Z(m, mask, r)
	}
	return r
}

func (float16Format) store(a *Algebra, v reg.VecVirtual, m Mem, mask Predicate) {
	const nearestEven = 0
	switch {
	case mask == nil:
		VCVTPS2PH(U8(nearestEven), v, m)
	default:
		VCVTPS2PH(U8(nearestEven), v, mask, m)
	}
}

type byteFormat struct{ signed bool }

// Uint8 and Int8 store integers; what is stored must be integral and in range.
var (
	Uint8 Format = byteFormat{false}
	Int8  Format = byteFormat{true}
)

func (byteFormat) Bytes() int { return 1 }

func (f byteFormat) load(a *Algebra, m Mem, mask Predicate) reg.VecVirtual {
	r := a.New()
	switch {
	case mask == nil && f.signed:
		VPMOVSXBD(m, r)
	case mask == nil:
		VPMOVZXBD(m, r)
	case f.signed:
		VPMOVSXBD_Z(m, mask, r)
	default:
		VPMOVZXBD_Z(m, mask, r)
	}
	VCVTDQ2PS(r, r)
	return r
}

func (f byteFormat) store(a *Algebra, v reg.VecVirtual, m Mem, mask Predicate) {
	integers := a.New()
	VCVTPS2DQ(v, integers)
	if a.Wide() {
		if mask == nil {
			VPMOVDB(integers, m)
		} else {
			VPMOVDB(integers, mask, m)
		}
		return
	}
	integers = a.And(integers, a.Bits(0xff))
	VPACKUSDW(integers, integers, integers)
	if a.Lanes() == 4 {
		VPACKUSWB(integers, integers, integers)
		VMOVD(integers, m)
		return
	}
	VPERMQ(U8(0b1000), integers, integers)
	VPACKUSWB(integers.AsX(), integers.AsX(), integers.AsX())
	VMOVQ(integers.AsX(), m)
}
