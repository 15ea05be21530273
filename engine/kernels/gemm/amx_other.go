//go:build !linux || !amd64 || purego

package gemm

// amxGranted says that this build does not use tiles.
func amxGranted() bool { return false }
