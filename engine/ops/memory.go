package ops

import "unsafe"

// memoryAlign is what memory that kernels work in is aligned to, in bytes: a cache line, and the widest vector.
const memoryAlign = 64

// hugePage is the size of the pages that large memory is asked to lie in, in bytes.
const hugePage = 2 << 20

// NewMemory makes n zeroed bytes that begin at a multiple of 64, in huge pages where there are many and the system has them.
func NewMemory(n int) []byte {
	if n == 0 {
		return nil
	}
	align := memoryAlign
	if n >= hugePage {
		align = hugePage
	}
	b := make([]byte, n+align)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (align - 1)
	b = b[skip : skip+n : skip+n]
	preferHugePages(b[:n&^(hugePage-1)])
	return b
}
