package gemm

import (
	"math"
	"unsafe"
)

// A binary32 number x is the sum of three bfloat16 numbers, each of which is what
// the ones before it leave of x, rounded to nearest:
//
//	high = bf16(x)    middle = bf16(x − high)    low = x − high − middle
//
// as the three significands of 8 bits and their signs hold the 24 bits of x's. A
// product of two numbers then is nine products, of which a kernel by parts sums
// the six largest in binary32, on tiles that multiply bfloat16:
//
//	high·high + (high·middle + middle·high) + (high·low + middle·middle + low·high)
//
// Rounding to nearest bounds middle by 2⁻⁸ and low by 2⁻¹⁷ of the power of two at
// or below |x|, so the three products left out come to at most 2·2⁻²⁵ + 2⁻³⁴ of
// |x·y|: 2⁻²⁴, which is what rounding the one product to binary32 may cost. The
// sums themselves round as binary32 does, but on partial sums of 16 products. (The
// scheme is Henry, Tang and Heinecke's, Leveraging the bfloat16 Artificial
// Intelligence Datatype For Higher-Precision Computations, 2019, section III.)
//
// Tiles take parts below 2⁻¹²⁶ for zero: that is an error of up to 2⁻¹²⁵·(|x|+|y|)
// for each product, besides the above. Products and sums below 2⁻¹²⁶ are lost,
// too. What is not finite does not survive the sums, nor need what comes near the
// largest number: where the sums of a tile are not all finite, the tile is
// computed again from numbers put together from their parts, which is exact.
const partsOf = 3

// partsChunk is how many k a kernel by parts takes at a time; taps are padded to
// multiples.
const partsChunk = 2 * amxPairs

// greatestBF16 is the largest number whose high part is finite.
var greatestBF16 = math.Float32frombits(0x7F7F0000)

// parts splits x. What is not finite is all in the high part.
func parts(x float32) (high, middle, low uint16) {
	if x-x != 0 {
		high = uint16(math.Float32bits(x) >> 16)
		if x != x {
			high |= 0x40
		}
		return high, 0, 0
	}
	high = narrow(min(max(x, -greatestBF16), greatestBF16))
	x -= widen(high)
	middle = narrow(x)
	return high, middle, narrow(x - widen(middle))
}

// whole puts a number together from its parts.
func whole(high, middle, low uint16) float32 { return widen(high) + (widen(middle) + widen(low)) }

// splitReference writes the parts of n numbers, and zeros after them up to width.
func splitReference(dst unsafe.Pointer, plane int, src unsafe.Pointer, n, width int) {
	high := unsafe.Slice((*uint16)(dst), width)
	middle := unsafe.Slice((*uint16)(unsafe.Add(dst, plane)), width)
	low := unsafe.Slice((*uint16)(unsafe.Add(dst, 2*plane)), width)
	for i, x := range unsafe.Slice((*float32)(src), n) {
		high[i], middle[i], low[i] = parts(x)
	}
	clear(high[n:])
	clear(middle[n:])
	clear(low[n:])
}

// Parts is where numbers lie, split for a kernel that Splits: rows of bfloat16,
// the middle parts Plane bytes after the high parts, the low parts after those.
type Parts struct {
	At    unsafe.Pointer
	Plane int
}

// Put splits n numbers and stores them, and zeros up to width, at an offset in
// bytes. Both must be of as many blocks of 32. It is for processors
// that have a kernel that Splits.
func (p Parts) Put(offset int, src unsafe.Pointer, n, width int) {
	dst := unsafe.Add(p.At, offset)
	if splits {
		splitVector(dst, p.Plane, src, n, width)
		return
	}
	splitReference(dst, p.Plane, src, n, width)
}

// Splits reports whether k's tiles read A in parts: in place of binary32 rows,
// Tile's A points to the high parts, its Lda and taps are theirs, and where they
// lie is given to the tile by SetParts. A tile may read up to 62 bytes after a
// tap's row, which must not be what splits of no number are.
func (k Kernel) Splits() bool { return k.family == amxParts || k.slabs() }

// slabs reports whether k reads B in binary32 and splits it slab by slab.
func (k Kernel) slabs() bool { return k.family == amxSlabs }

// Overshoot is how many rows k's tiles may read, and not use, after the last of A.
func (k Kernel) Overshoot() int {
	if k.slabs() {
		return amxRows - 1
	}
	return 0
}

// TapList is the list of taps for p's tiles, of offsets of those that p was packed
// with: by parts, those of their chunks.
func (p *Panels) TapList(taps []int64) []int64 {
	if !p.kernel.Splits() {
		return taps
	}
	var list []int64
	for _, tap := range taps {
		for k := 0; k < p.k; k += partsChunk {
			list = append(list, tap+int64(2*k))
		}
	}
	return list
}

// SetParts says how far apart the parts of t's A are, and how many rows the tallest
// of a call's tiles has: by slabs, shorter ones are computed along with it.
func (t *Tile) SetParts(p Parts, rows int) { t.state.plane, t.state.tallest = p.Plane, rows }

// PartsWidth is the number of elements that a row of k takes in parts.
func PartsWidth(k int) int { return (k + partsChunk - 1) &^ (partsChunk - 1) }

// tileParts is the loop of Tile's comment on operands in parts: the products of
// whole numbers. Odd is the number of elements that exist of the chunks that come
// from one tap.
func tileParts(t *Tile, plane int, slabs bool) {
	taps := unsafe.Slice(t.Tap, t.Taps)
	var sums [32]float32
	one, left := *t, t.Left
	one.Rows = 1
	for r := 0; ; {
		acc := sums[:t.Width]
		clear(acc)
		if t.Bias != nil {
			copy(acc, unsafe.Slice((*float32)(t.Bias), t.Cols))
		}
		for i, tap := range taps {
			a := unsafe.Add(t.A, int(tap)+r*t.Lda)
			k := min(t.Odd-i*partsChunk%PartsWidth(t.Odd), partsChunk)
			if slabs {
				rowSlab(acc, a, plane, k, unsafe.Add(t.B, i*partsChunk*t.Width*4))
			} else {
				rowParts(acc, a, plane, k, unsafe.Add(t.B, i*partsChunk*t.Width*partsOf*2))
			}
		}
		one.storeReference(0, acc[:t.Cols], false)
		r++
		lines := 0
		if left--; left == 0 {
			r += t.Gap
			left, lines = t.Line, 1
		}
		if r >= t.Rows {
			return
		}
		one.advance(1, lines)
	}
}

// advance moves t's C and residual on by rows and ends of lines.
func (t *Tile) advance(rows, lines int) {
	t.C = unsafe.Add(t.C, rows*t.Ldc+lines*t.SkipC)
	if t.Residual != nil {
		t.Residual = unsafe.Add(t.Residual, rows*t.Ldr+lines*t.SkipR)
	}
}

// rowSlab adds a row's products of a chunk, of which k elements exist, by a B in
// binary32.
func rowSlab(acc []float32, a unsafe.Pointer, plane, k int, b unsafe.Pointer) {
	var row [partsChunk]float32
	for i := range k {
		row[i] = wholeAt(a, plane, i)
	}
	blocksFP32(acc, row[:k], b)
}

// wholeAt puts element i of a row together from its parts.
func wholeAt(a unsafe.Pointer, plane, i int) float32 {
	at := func(part int) uint16 { return *(*uint16)(unsafe.Add(a, part*plane+2*i)) }
	return whole(at(0), at(1), at(2))
}

// rowParts is rowSlab by a B in parts.
func rowParts(acc []float32, a unsafe.Pointer, plane, k int, b unsafe.Pointer) {
	width := len(acc)
	n := partsChunk * width
	at := func(i int) uint16 { return *(*uint16)(unsafe.Add(b, 2*i)) }
	var sums [32]float32
	part := sums[:width]
	for i := range k {
		x := wholeAt(a, plane, i)
		for j := range part {
			e := i/2*2*width + 2*j + i%2
			part[j] += x * whole(at(e), at(e+n), at(e+2*n))
		}
	}
	for j, x := range part {
		acc[j] += x
	}
}
