//go:build amd64 && !purego

package gemm

import "unsafe"

// compiled says that this build holds the vector kernels of families.
const compiled = true

// compiledTiles returns the generated routines by height.
func compiledTiles(of family, f Format, width int, bf16Out bool) []func(*Tile) {
	switch of {
	case amx:
		return amxTiles(width, bf16Out)
	case amxParts:
		if width == 32 {
			return amxParts32[:]
		}
		return amxParts16[:]
	case amxSlabs:
		if width == 32 {
			return amxSlabs32[:]
		}
		return amxSlabs16[:]
	}
	type key struct {
		family
		Format
		width   int
		bf16Out bool
	}
	switch (key{of, f, width, bf16Out}) {
	case key{avx512, FP32, 32, false}:
		return tilesFP32AVX512x32[:]
	case key{avx512, FP32, 16, false}:
		return tilesFP32AVX512x16[:]
	case key{avx512, FP16, 32, false}:
		return tilesFP16AVX512x32[:]
	case key{avx512, FP16, 16, false}:
		return tilesFP16AVX512x16[:]
	case key{avx512, BF16, 32, false}:
		return tilesBF16AVX512x32[:]
	case key{avx512, BF16, 16, false}:
		return tilesBF16AVX512x16[:]
	case key{avx512, BF16, 32, true}:
		return tilesBF16OutAVX512x32[:]
	case key{avx512, BF16, 16, true}:
		return tilesBF16OutAVX512x16[:]
	case key{avx2, FP32, 16, false}:
		return tilesFP32AVX2x16[:]
	case key{avx2, FP16, 16, false}:
		return tilesFP16AVX2x16[:]
	}
	panic("gemm: no tiles compiled for " + f.String())
}

// transposeLanes is how many rows transposeVector takes at a time; 0 for none.
func transposeLanes(f family) int {
	switch f {
	case avx512, amx, amxParts, amxSlabs:
		return 16
	case avx2:
		return 8
	}
	return 0
}

// transposeVector is transposeReference for transposeLanes rows and blocks times
// as many k.
func transposeVector(f family, dst unsafe.Pointer, dstStride int, src unsafe.Pointer, srcStride, blocks int) {
	if f != avx2 {
		transposeAVX512(dst, dstStride, src, srcStride, blocks)
		return
	}
	transposeAVX2(dst, dstStride, src, srcStride, blocks)
}

// interleaveColumns is how many columns interleaveVector takes; 0 for none.
func interleaveColumns(f family) int {
	if f == avx512 || f == amx || f == amxParts {
		return 32
	}
	return 0
}

// interleaveVector writes dst[i][column][0, 1] of the rows 2i and 2i+1 of src, for
// so many pairs of rows of interleaveColumns columns; the stride is in bytes.
func interleaveVector(dst, src unsafe.Pointer, stride, pairs int) {
	interleaveAVX512(dst, src, stride, pairs)
}

// splits says whether this build has splitVector.
const splits = true

// splitVector is splitReference on processors with AVX512_BF16.
func splitVector(dst unsafe.Pointer, plane int, src unsafe.Pointer, n, width int) {
	splitAVX512(dst, plane, src, n, width)
}

// amxTiles returns the AMX routines by height.
func amxTiles(width int, bf16Out bool) []func(*Tile) {
	switch {
	case width == 32 && bf16Out:
		return amxOut32[:]
	case width == 32:
		return amx32[:]
	case bf16Out:
		return amxOut16[:]
	}
	return amx16[:]
}

var (
	amx32      = amxHeights(tileBF16AMX_16x32, tileBF16AMX_32x32)
	amx16      = amxHeights(tileBF16AMX_16x16, tileBF16AMX_32x16)
	amxOut32   = amxHeights(tileBF16OutAMX_16x32, tileBF16OutAMX_32x32)
	amxParts32 = amxHeights(tilePartsAMX_16x32, nil)
	amxParts16 = amxHeights(tilePartsAMX_16x16, nil)
	amxSlabs32 = amxHeights(tileSlabsAMX_16x32, nil)
	amxSlabs16 = amxHeights(tileSlabsAMX_16x16, nil)
	amxOut16   = amxHeights(tileBF16OutAMX_16x16, tileBF16OutAMX_32x16)
)

// amxHeights lists a routine for up to 16 rows, then one for up to 32.
func amxHeights(short, tall func(*Tile)) (list [2*amxRows + 1]func(*Tile)) {
	for rows := 1; rows <= 2*amxRows; rows++ {
		list[rows] = tall
		if rows <= amxRows {
			list[rows] = short
		}
	}
	return list
}
