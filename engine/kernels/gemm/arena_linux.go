package gemm

import "golang.org/x/sys/unix"

// mapHuge maps n zeroed bytes and asks for huge pages; nil if the system refuses.
func mapHuge(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	// Without huge pages the memory is the same, only slower.
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	return b
}

func unmap(b []byte) {
	if err := unix.Munmap(b); err != nil {
		panic("gemm: arena does not unmap: " + err.Error())
	}
}
