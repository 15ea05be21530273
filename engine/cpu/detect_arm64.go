package cpu

import "golang.org/x/sys/cpu"

func detect() Features {
	a := &cpu.ARM64
	return collect(map[Features]bool{
		NEON:    true, // mandatory in the ABI that Go compiles for
		ASIMDHP: a.HasASIMDHP,
		ASIMDDP: a.HasASIMDDP,
		I8MM:    a.HasI8MM,
		BF16:    hasBF16(),
		SVE:     a.HasSVE,
	})
}
