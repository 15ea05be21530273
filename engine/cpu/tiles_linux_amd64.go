package cpu

import "golang.org/x/sys/unix"

// What arch_prctl is asked for, from the kernel's Documentation/arch/x86/xstate.rst.
const (
	archReqXcompPerm = 0x1023
	xfeatureTileData = 18
)

// tilesGranted asks the system to let this process use AMX tiles, in all its
// threads. A first use without leave is a fatal signal. Asking again is cheap
// and gets the same answer.
//
// The kernel grants tiles only if each thread's alternate signal stack has room
// for them in a signal's frame, and then saves them there: Go's is large enough,
// so a preemption signal does not disturb tiles.
func tilesGranted() bool {
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archReqXcompPerm, xfeatureTileData, 0)
	return errno == 0
}
