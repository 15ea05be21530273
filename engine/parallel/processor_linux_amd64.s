//go:build !purego

#include "textflag.h"

// func extendedFeatures() (highest, edx uint32)
TEXT ·extendedFeatures(SB), NOSPLIT, $0-8
	MOVL $0x80000000, AX
	CPUID
	MOVL AX, highest+0(FP)
	MOVL $0x80000001, AX
	CPUID
	MOVL DX, edx+4(FP)
	RET

// func auxiliary() uint32
TEXT ·auxiliary(SB), NOSPLIT, $0-4
	RDTSCP
	MOVL CX, ret+0(FP)
	RET
