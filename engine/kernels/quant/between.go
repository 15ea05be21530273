package quant

import (
	"unsafe"

	"github.com/eiplan/eiplan/engine/cpu"
)

// Funcs holds the kernels of one variant that are no products of matrices. It is
// immutable and may be shared.
type Funcs struct {
	Variant    string
	lanes      int // of a vector of int32
	window     func(*Window)
	affine     func(*Affine)
	maximum    func(*Maximum)
	requantize func(*Requantize)
	interleave func(*Planes)
}

// Variant is what is known of an implementation, on every architecture.
type Variant struct {
	Name  string
	Needs cpu.Features
}

// Variants lists the assembled variants, best first, whether or not this build
// holds them. The reference is not among them.
func Variants() []Variant {
	return []Variant{{"avx512", cpu.AVX512}, {"avx2", cpu.AVX2 | cpu.FMA}}
}

// For returns the best variant that a machine with the given features can run
// and that this build holds. It never returns nil.
func For(features cpu.Features) *Funcs {
	for _, v := range Variants() {
		if features.Has(v.Needs) {
			if f := assembled(v.Name); f != nil {
				return f
			}
		}
	}
	return Reference()
}

// Reference returns the variant in plain Go.
func Reference() *Funcs {
	return &Funcs{"generic", 16, windowReference, affineReference, maximumReference, requantizeReference, interleaveReference}
}

// Affine is the argument of
//
//	for i in 0..N: Dst[i] = Zero + round(clamp((A[i]−ZeroA)·ScaleA + (B[i]−ZeroB)·ScaleB, Lo, Hi))
//
// without the second product where B is nil. Dst may be A or B. The generator in
// _asm/quant knows the layout.
type Affine struct {
	dst, a, b      unsafe.Pointer
	n              int
	ScaleA, ScaleB float32
	ZeroA, ZeroB   int32
	lo, hi         float32
	zero           int32
}

// NewAffine is one whose results become bytes as out says.
func NewAffine(out Bytes) Affine {
	var a Affine
	a.lo, a.hi, a.zero = out.bounds()
	return a
}

// Affine computes with p's numbers on dst, a and b; b may be nil.
func (f *Funcs) Affine(p *Affine, dst, a, b []uint8) {
	p.n = len(dst) &^ (f.lanes - 1)
	if len(a) < len(dst) || b != nil && len(b) < len(dst) {
		panic("quant: operands of an affine function are too short")
	}
	at := func(s []uint8) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }
	p.dst, p.a, p.b = at(dst), at(a), at(b)
	if p.n > 0 {
		f.affine(p)
	}
	if rest := len(dst) - p.n; rest > 0 {
		p.dst, p.a = unsafe.Add(p.dst, p.n), unsafe.Add(p.a, p.n)
		if p.b != nil {
			p.b = unsafe.Add(p.b, p.n)
		}
		p.n = rest
		affineReference(p)
	}
}

func affineReference(p *Affine) {
	dst, a := unsafe.Slice((*uint8)(p.dst), p.n), unsafe.Slice((*uint8)(p.a), p.n)
	if p.b == nil {
		for i, x := range a {
			dst[i] = toByte(float32(int32(x)-p.ZeroA)*p.ScaleA, p.lo, p.hi, p.zero)
		}
		return
	}
	for i, y := range unsafe.Slice((*uint8)(p.b), p.n) {
		x := float32(int32(a[i])-p.ZeroA) * p.ScaleA
		dst[i] = toByte(fused(float32(int32(y)-p.ZeroB), p.ScaleB, x), p.lo, p.hi, p.zero)
	}
}

// fused is x·y + z rounded once: the product is exact in binary64, x being of few bits, and so is its sum with z but for extreme scales.
func fused(x, y, z float32) float32 { return float32(float64(x)*float64(y) + float64(z)) }

// Maximum is the argument of
//
//	for i in 0..Count, k in 0..N: Dst[i·DstStep+k] = max(Dst[i·DstStep+k], Src[i·SrcStep+k])
//
// The generator in _asm/quant knows the layout.
type Maximum struct {
	dst, src         unsafe.Pointer
	count, n         int
	dstStep, srcStep int
}

// Maximum raises count runs of n bytes of dst, dstStep apart, to those of src.
func (f *Funcs) Maximum(m *Maximum, dst, src []uint8, count, n, dstStep, srcStep int) {
	if count < 1 || n < 1 {
		return
	}
	_, _ = dst[(count-1)*dstStep+n-1], src[(count-1)*srcStep+n-1]
	*m = Maximum{unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), count, n, dstStep, srcStep}
	if n%16 != 0 {
		maximumReference(m)
		return
	}
	f.maximum(m)
}

func maximumReference(m *Maximum) {
	for i := range m.count {
		dst := unsafe.Slice((*uint8)(unsafe.Add(m.dst, i*m.dstStep)), m.n)
		for k, x := range unsafe.Slice((*uint8)(unsafe.Add(m.src, i*m.srcStep)), m.n) {
			dst[k] = max(dst[k], x)
		}
	}
}

// Requantize is the argument of the last part of Tile's loop: rows of sums become
// rows of bytes. The generator in _asm/quant knows the layout.
type Requantize struct {
	src, dst         unsafe.Pointer
	srcStep, dstStep int // bytes
	rows, cols       int
	scale            unsafe.Pointer // padded to whole vectors
	lo, hi           float32
	zero             int32
}

func requantizeReference(r *Requantize) {
	scale := unsafe.Slice((*float32)(r.scale), r.cols)
	for i := range r.rows {
		dst := unsafe.Slice((*uint8)(unsafe.Add(r.dst, i*r.dstStep)), r.cols)
		for j, x := range unsafe.Slice((*int32)(unsafe.Add(r.src, i*r.srcStep)), r.cols) {
			dst[j] = toByte(float32(x)*scale[j], r.lo, r.hi, r.zero)
		}
	}
}

// Planes is the argument of
//
//	for i in 0..N, c in 0..4: Dst[4·i+c] = Zero + round(clamp(Plane[c][i]/Scale, Lo, Hi))
//
// The generator in _asm/quant knows the layout.
type Planes struct {
	dst    unsafe.Pointer
	n      int
	scale  float32
	lo, hi float32
	zero   int32
	planes [4]unsafe.Pointer
}

// NewPlanes divides by scale; the quotients become bytes as out says.
func NewPlanes(scale float32, out Bytes) Planes {
	p := Planes{scale: scale}
	p.lo, p.hi, p.zero = out.bounds()
	return p
}

// Interleave writes pixels of four bytes from n numbers of each of up to four
// planes, pitch elements apart; what stands for planes that are not there has no
// meaning.
func (f *Funcs) Interleave(p *Planes, dst []uint8, src []float32, planes, pitch, n int) {
	_, _ = dst[4*n-1], src[(planes-1)*pitch+n-1]
	whole := n &^ (f.lanes - 1)
	for _, part := range [2]struct {
		from, n int
		run     func(*Planes)
	}{{0, whole, f.interleave}, {whole, n - whole, interleaveReference}} {
		if part.n == 0 {
			continue
		}
		p.dst, p.n = unsafe.Pointer(&dst[4*part.from]), part.n
		for c := range p.planes {
			p.planes[c] = unsafe.Pointer(&src[min(c, planes-1)*pitch+part.from])
		}
		part.run(p)
	}
}

func interleaveReference(p *Planes) {
	dst := unsafe.Slice((*uint8)(p.dst), 4*p.n)
	for c, plane := range p.planes {
		for i, x := range unsafe.Slice((*float32)(plane), p.n) {
			dst[4*i+c] = toByte(x/p.scale, p.lo, p.hi, p.zero)
		}
	}
}

// Pick is a channel to copy.
type Pick struct{ To, From int }

// PickChannels copies channels of pixels to others of as many pixels, each pitch bytes apart.
func PickChannels(dst, src []uint8, pixels, dstPitch, srcPitch int, picks []Pick) {
	for x := range pixels {
		d, s := dst[x*dstPitch:], src[x*srcPitch:]
		for _, p := range picks {
			d[p.To] = s[p.From]
		}
	}
}
