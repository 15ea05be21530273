//go:build amd64 && !purego

package gemm

import "golang.org/x/sys/unix"

// Arguments of arch_prctl that ask for the use of AMX tile data, from the
// kernel's Documentation/arch/x86/xstate.rst.
const (
	archReqXcompPerm = 0x1023
	xfeatureTileData = 18
)

// amxGranted asks the system to let this process use tiles, as often as it is
// called; the answer stays the same.
func amxGranted() bool {
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archReqXcompPerm, xfeatureTileData, 0)
	return errno == 0
}
