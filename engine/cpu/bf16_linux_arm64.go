package cpu

import (
	"os"
	"slices"
)

// hasBF16 reads the flag from /proc/cpuinfo, which golang.org/x/sys/cpu does
// not carry. It is false if the file can't be read.
func hasBF16() bool {
	info := readProcessor(os.DirFS("/"))
	return slices.Contains(info.flags, "bf16")
}
