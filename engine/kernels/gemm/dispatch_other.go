//go:build (!amd64 && !arm64) || purego

package gemm

import "unsafe"

// compiled says that this build holds no vector kernels.
const compiled = false

func compiledTiles(family, Format, int, bool) []func(*Tile) {
	panic("gemm: no tiles compiled")
}

func transposeLanes(family) int { return 0 }

func transposeVector(family, unsafe.Pointer, int, unsafe.Pointer, int, int) {
	panic("gemm: no transposition compiled")
}

func interleaveColumns(family) int { return 0 }

func interleaveVector(unsafe.Pointer, unsafe.Pointer, int, int) {
	panic("gemm: no interleaving compiled")
}

// splits says whether this build has splitVector.
const splits = false

func splitVector(unsafe.Pointer, int, unsafe.Pointer, int, int) {
	panic("gemm: no splitting compiled")
}
