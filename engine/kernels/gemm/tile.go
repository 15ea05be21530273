package gemm

import (
	"math"
	"unsafe"

	"github.com/x448/float16"
)

// Tile is the argument of one kernel call. With A's row r of tap t at
// A + Tap[t] + r·Lda bytes, and B's k-th packed row of Width columns, it means
//
//	for r in 0..Rows, c in 0..Cols:
//	    C[r][c] = clamp(Bias[c] + Residual[r][c] + Σ over t, k of A[t][r][k] · B[t][k][c])
//
// The vector kernels have Rows and Width built in and add in an order of their
// own. Their generator in _asm/gemm knows the layout.
type Tile struct {
	Taps     int            // at least 1
	Tap      *int64         // byte offset of each tap's rows from A
	K        int            // k steps in a tap: elements, pairs in BF16; by parts, where taps are chunks of 32, one
	A        unsafe.Pointer // first element
	Lda      int            // bytes between rows
	B        unsafe.Pointer // packed panel
	C        unsafe.Pointer
	Ldc      int            // bytes
	Bias     unsafe.Pointer // Cols binary32 values, or nil
	Residual unsafe.Pointer // of C's type, or nil; may be C
	Ldr      int            // bytes
	Prefetch uintptr        // packed memory to fetch while working: a hint that need not be readable
	Lo, Hi   float32
	Cols     int // columns of C that exist: 1 to Width
	Odd      int // BF16: 1 if a tap has half a pair more than K; by parts: elements of the chunks that come from one tap

	Rows  int
	Width int
	state *amxState

	// Rows of A may be those of several lines, with others between them that
	// are not stored: a gap. Only tiles of a family that StepsOverGaps,
	// LeavesGapsOut or Folds may have one; without, Line and Left are 0.
	Line  int // rows of a line
	Gap   int // rows between two lines: 0 or more
	Left  int // rows of the first line in this tile, if it reaches into more
	SkipC int // bytes from where C's next row would lie to where the next line's does
	SkipR int // the same of the residual

	// Sparse thins the fetching out: a vector kernel fetches in those passes of
	// its main loop whose number of k steps left has no bit in common with it.
	Sparse int // a worker's tile shares no cache line with another's: it is three lines long
}

// Compute computes t, or puts it off for Finish to compute with others; what
// Load and the caller set for all tiles of a panel must stay until then.
func (t *Tile) Compute(routines []func(*Tile)) {
	if t.state != nil {
		t.state.add(t, routines)
		return
	}
	routines[t.Rows](t)
}

// Finish computes what Compute has put off.
func (t *Tile) Finish(routines []func(*Tile)) {
	if t.state != nil {
		t.state.flush(t, routines)
	}
}

// referenceTiles is routines for plain Go.
func referenceTiles(f Format, bf16Out bool) []func(*Tile) {
	switch {
	case f == FP32:
		return referenceFP32[:]
	case f == FP16:
		return referenceFP16[:]
	case bf16Out:
		return referenceBF16Out[:]
	}
	return referenceBF16[:]
}

var (
	referenceFP32    = [...]func(*Tile){nil, tileFP32, tileFP32, tileFP32, tileFP32}
	referenceFP16    = [...]func(*Tile){nil, tileFP16, tileFP16, tileFP16, tileFP16}
	referenceBF16    = [...]func(*Tile){nil, tileBF16, tileBF16, tileBF16, tileBF16}
	referenceBF16Out = [...]func(*Tile){nil, tileBF16Out, tileBF16Out, tileBF16Out, tileBF16Out}
)

func tileFP32(t *Tile)    { tileReference(t, FP32, false) }
func tileFP16(t *Tile)    { tileReference(t, FP16, false) }
func tileBF16(t *Tile)    { tileReference(t, BF16, false) }
func tileBF16Out(t *Tile) { tileReference(t, BF16, true) }

// tileReference is the loop of Tile's comment, a row at a time.
func tileReference(t *Tile, f Format, bf16Out bool) {
	taps := unsafe.Slice(t.Tap, t.Taps)
	var sums [32]float32
	for r := range t.Rows {
		acc := sums[:t.Width]
		clear(acc)
		if t.Bias != nil {
			copy(acc, unsafe.Slice((*float32)(t.Bias), t.Cols))
		}
		b := t.B
		for _, tap := range taps {
			a := unsafe.Add(t.A, int(tap)+r*t.Lda)
			switch f {
			case FP32:
				b = blocksFP32(acc, unsafe.Slice((*float32)(a), t.K), b)
			case FP16:
				b = rowFP16(acc, unsafe.Slice((*float32)(a), t.K), b)
			case BF16:
				b = rowBF16(acc, unsafe.Slice((*uint16)(a), 2*t.K+t.Odd), b)
			}
		}
		t.storeReference(r, acc[:t.Cols], bf16Out)
	}
}

// block is how many products plain Go sums up on their own before it adds them to a longer sum, whose rounding error is that much smaller.
const block = 32

func blocksFP32(acc, a []float32, b unsafe.Pointer) unsafe.Pointer {
	var sums [32]float32
	part := sums[:len(acc)]
	for len(a) > 0 {
		clear(part)
		n := min(len(a), block)
		b = rowFP32(part, a[:n], b)
		for j, x := range part {
			acc[j] += x
		}
		a = a[n:]
	}
	return b
}

func rowFP32(acc, a []float32, b unsafe.Pointer) unsafe.Pointer {
	for _, x := range a {
		for j, y := range unsafe.Slice((*float32)(b), len(acc)) {
			acc[j] += x * y
		}
		b = unsafe.Add(b, 4*len(acc))
	}
	return b
}

func rowFP16(acc, a []float32, b unsafe.Pointer) unsafe.Pointer {
	for _, x := range a {
		for j, y := range unsafe.Slice((*uint16)(b), len(acc)) {
			acc[j] += x * float16.Frombits(y).Float32()
		}
		b = unsafe.Add(b, 2*len(acc))
	}
	return b
}

func rowBF16(acc []float32, a []uint16, b unsafe.Pointer) unsafe.Pointer {
	for len(a) > 0 {
		pairs := unsafe.Slice((*[2]uint16)(b), len(acc))
		x0 := widen(a[0])
		for j := range pairs {
			acc[j] += x0 * widen(pairs[j][0])
		}
		if len(a) == 1 {
			a = nil
		} else {
			x1 := widen(a[1])
			for j := range pairs {
				acc[j] += x1 * widen(pairs[j][1])
			}
			a = a[2:]
		}
		b = unsafe.Add(b, 4*len(acc))
	}
	return b
}

func (t *Tile) storeReference(r int, acc []float32, bf16Out bool) {
	if bf16Out {
		c := unsafe.Slice((*uint16)(unsafe.Add(t.C, r*t.Ldc)), t.Cols)
		if t.Residual != nil {
			for j, x := range unsafe.Slice((*uint16)(unsafe.Add(t.Residual, r*t.Ldr)), t.Cols) {
				acc[j] += widen(x)
			}
		}
		for j, x := range acc {
			c[j] = narrow(clamp(x, t.Lo, t.Hi))
		}
		return
	}
	c := unsafe.Slice((*float32)(unsafe.Add(t.C, r*t.Ldc)), t.Cols)
	if t.Residual != nil {
		for j, x := range unsafe.Slice((*float32)(unsafe.Add(t.Residual, r*t.Ldr)), t.Cols) {
			acc[j] += x
		}
	}
	for j, x := range acc {
		c[j] = clamp(x, t.Lo, t.Hi)
	}
}

func clamp(x, lo, hi float32) float32 {
	if x < lo {
		x = lo
	}
	if x > hi {
		x = hi
	}
	return x
}

// widen converts bfloat16 to binary32.
func widen(x uint16) float32 { return math.Float32frombits(uint32(x) << 16) }

// narrow rounds binary32 to the nearest bfloat16, ties to even. NaN stays NaN.
func narrow(x float32) uint16 {
	bits := math.Float32bits(x)
	if x != x {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7FFF + bits>>16&1) >> 16)
}
