//go:build !linux

package peak

func mapMemory(int) []byte { return nil }

func unmapMemory([]byte) { panic("peak: unmap of memory that was not mapped") }
