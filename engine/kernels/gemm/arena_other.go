//go:build !linux

package gemm

func mapHuge(int) []byte { return nil }

func unmap([]byte) {}
