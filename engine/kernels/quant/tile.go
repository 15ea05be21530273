package quant

import (
	"math"
	"unsafe"
)

// Tile is the argument of one kernel call. With A's row r of tap t at
// A + Tap[t] + r·Lda bytes, unsigned, and B's step s of Width columns, signed, it
// means
//
//	for r in 0..Rows, c in 0..Cols:
//	    sum = Bias[c] + Σ over t, k < 4·Steps of A[t][r][k] · B[t][k][c]
//	    C[r][c] = Zero + round(clamp(sum·Scale[c], Lo, Hi))
//
// in bytes, or where Scale is nil the sum itself, in int32. Rows and Width are
// built into vector kernels. Bias and Scale have Width elements. The generator in
// _asm/quant knows the layout.
type Tile struct {
	Taps   int
	Tap    *int64 // byte offsets
	Steps  int    // of four k, in a tap
	A      unsafe.Pointer
	Lda    int
	B      unsafe.Pointer
	C      unsafe.Pointer
	Ldc    int
	Bias   unsafe.Pointer
	Scale  unsafe.Pointer
	Lo, Hi float32
	Zero   int32
	Cols   int
	Rows   int
	Width  int
	_      [8]byte // a worker's tile shares no cache line with another's
}

// tileReference is the loop of Tile's comment.
func tileReference(t *Tile) {
	var sums [32]int32
	bias := unsafe.Slice((*int32)(t.Bias), t.Width)
	for r := range t.Rows {
		acc := sums[:t.Width]
		copy(acc, bias)
		b := t.B
		for _, tap := range unsafe.Slice(t.Tap, t.Taps) {
			a := unsafe.Slice((*uint8)(unsafe.Add(t.A, int(tap)+r*t.Lda)), 4*t.Steps)
			for len(a) > 0 {
				for j, y := range unsafe.Slice((*[4]int8)(b), t.Width) {
					acc[j] += int32(a[0])*int32(y[0]) + int32(a[1])*int32(y[1]) + int32(a[2])*int32(y[2]) + int32(a[3])*int32(y[3])
				}
				b = unsafe.Add(b, 4*t.Width)
				a = a[4:]
			}
		}
		to := unsafe.Add(t.C, r*t.Ldc)
		if t.Scale == nil {
			copy(unsafe.Slice((*int32)(to), t.Cols), acc)
			continue
		}
		scale := unsafe.Slice((*float32)(t.Scale), t.Width)
		for j, c := 0, unsafe.Slice((*uint8)(to), t.Cols); j < len(c); j++ {
			c[j] = toByte(float32(acc[j])*scale[j], t.Lo, t.Hi, t.Zero)
		}
	}
}

// toByte is zero + round(clamp(x, lo, hi)), ties to even; NaN counts as lo.
func toByte(x, lo, hi float32, zero int32) uint8 {
	if x != x {
		x = lo
	}
	return uint8(int32(math.RoundToEven(float64(min(max(x, lo), hi)))) + zero)
}
