package cpu

import "golang.org/x/sys/unix"

// What the kernel tells a program of its processor, which golang.org/x/sys/cpu
// does not carry (Linux, include/uapi/linux/auxvec.h and
// arch/arm64/include/uapi/asm/hwcap.h).
const (
	auxHWCAP2  = 26
	hwcap2BF16 = 1 << 14
)

// hasBF16 reads the flag; a program that the kernel tells nothing has none.
func hasBF16() bool {
	vector, err := unix.Auxv()
	if err != nil {
		return false
	}
	for _, entry := range vector {
		if entry[0] == auxHWCAP2 {
			return entry[1]&hwcap2BF16 != 0
		}
	}
	return false
}
