package gemm

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// TestGapsLeftOut holds a tile of two lines to what two tiles of a line each do.
func TestGapsLeftOut(t *testing.T) {
	const k, gap, pitch, skip = 7, 3, 11, 5 // elements, rows, elements, elements
	for _, kernel := range Kernels() {
		var lefts []int
		for left := 1; left < kernel.MR; left++ {
			if kernel.LeavesGapsOut() || kernel.Folds() && 2*left == kernel.MR {
				lefts = append(lefts, left)
			}
		}
		if len(lefts) == 0 {
			continue
		}
		t.Run(kernel.String(), func(t *testing.T) {
			runnable(t, kernel)
			r := rand.New(rand.NewPCG(7, 8))
			rows, routines := kernel.MR, kernel.routines(kernel.NR, false)
			a, b, residual := randoms(r, (rows+gap)*pitch), make([]float32, k*kernel.NR), randoms(r, rows*(kernel.NR+skip))
			for _, x := range [][]float32{a, b} {
				for j := range x {
					x[j] = math.Float32frombits(0x3c003c00 | r.Uint32()&0x00ff00ff) // small numbers in every format
				}
			}
			bias, tap := randoms(r, kernel.NR), int64(0)
			for i := range 4 * len(lefts) {
				var got [2][]float32
				for way := range got {
					c := slices.Repeat([]float32{77}, rows*(kernel.NR+skip))
					got[way] = c
					x := Tile{Taps: 1, Tap: &tap, K: k, Lda: 4 * pitch, Ldc: 4 * kernel.NR, Ldr: 4 * kernel.NR, Lo: -1, Hi: 1, Sparse: sparsest, Width: kernel.NR,
						A: unsafe.Pointer(&a[0]), B: unsafe.Pointer(&b[0]), C: unsafe.Pointer(&c[0]), Bias: unsafe.Pointer(&bias[0]), Prefetch: uintptr(unsafe.Pointer(&b[0])),
						Rows: rows, Left: lefts[i/4], Gap: gap, SkipC: 4 * skip, SkipR: -4, Cols: kernel.NR - i%2}
					if i&2 != 0 {
						x.Residual = unsafe.Pointer(&residual[1])
					}
					if way == 0 {
						x.Compute(routines)
						continue
					}
					second := x
					x.Rows, x.Left = x.Left, 0
					second.Rows, second.Left = rows-x.Rows, 0
					second.A = unsafe.Add(x.A, (x.Rows+gap)*x.Lda)
					second.C = unsafe.Add(x.C, x.Rows*x.Ldc+x.SkipC)
					if x.Residual != nil {
						second.Residual = unsafe.Add(x.Residual, x.Rows*x.Ldr+x.SkipR)
					}
					x.Compute(routines)
					second.Compute(routines)
				}
				for j, x := range got[0] {
					if want := got[1][j]; !(math.Abs(float64(x-want)) <= 1e-5) {
						t.Fatalf("case %d: element %d of C is %v, as two tiles %v", i, j, x, want)
					}
				}
			}
		})
	}
}
