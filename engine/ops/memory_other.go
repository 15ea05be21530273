//go:build !linux

package ops

func preferHugePages([]byte) {}
