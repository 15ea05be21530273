package peak

import "golang.org/x/sys/unix"

// mapMemory maps n bytes outside Go's heap and asks for huge pages, as packed
// weights do; nil if the system refuses.
func mapMemory(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	// Without huge pages the memory is the same, only slower.
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	return b
}

func unmapMemory(b []byte) {
	if err := unix.Munmap(b); err != nil {
		panic("peak: buffer does not unmap: " + err.Error())
	}
}
