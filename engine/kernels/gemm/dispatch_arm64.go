//go:build !purego

package gemm

import "unsafe"

// compiled says that this build holds the vector kernels of families.
const compiled = true

// compiledTiles returns the generated routines by height.
func compiledTiles(_ family, f Format, _ int, bf16Out bool) []func(*Tile) {
	switch {
	case f == FP32:
		return tilesFP32NEONx16[:]
	case f == FP16:
		return tilesFP16NEONx16[:]
	case bf16Out:
		return tilesBF16OutNEONx16[:]
	}
	return tilesBF16NEONx16[:]
}

// transposeLanes is how many rows transposeVector takes at a time; 0 for none.
func transposeLanes(f family) int {
	if f == neon {
		return 4
	}
	return 0
}

// transposeVector is transposeReference for transposeLanes rows and blocks times
// as many k.
func transposeVector(_ family, dst unsafe.Pointer, dstStride int, src unsafe.Pointer, srcStride, blocks int) {
	transposeNEON(dst, dstStride, src, srcStride, blocks)
}

// interleaveColumns is how many columns interleaveVector takes; 0 for none.
func interleaveColumns(family) int { return 0 }

func interleaveVector(unsafe.Pointer, unsafe.Pointer, int, int) {
	panic("gemm: no interleaving compiled")
}

// splits says whether this build has splitVector.
const splits = false

func splitVector(unsafe.Pointer, int, unsafe.Pointer, int, int) {
	panic("gemm: no splitting compiled")
}
