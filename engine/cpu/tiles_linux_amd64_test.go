//go:build !purego

package cpu

import (
	"os"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestTilesAreGranted compares Detect with what the kernel says of processor
// and process.
func TestTilesAreGranted(t *testing.T) {
	const archGetXcompPerm = 0x1022
	has := Detect().Has(AMXBF16)
	var granted uint64
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archGetXcompPerm, uintptr(unsafe.Pointer(&granted)), 0)
	permitted := errno == 0 && granted>>xfeatureTileData&1 != 0
	flags := readProcessor(os.DirFS("/")).flags
	if want := permitted && slices.Contains(flags, "amx_bf16"); has != want {
		t.Errorf("Detect says %v of AMX; leave to use tiles is %v, the processor's flags are %v", has, permitted, flags)
	}
}
