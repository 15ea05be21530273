package cpu

import "golang.org/x/sys/cpu"

// bitAVX512FP16 is CPUID.(EAX=7,ECX=0):EDX[23] (Intel SDM, volume 2A, CPUID).
const bitAVX512FP16 = 1 << 23

func detect() Features {
	x := &cpu.X86
	avx512 := x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512DQ
	tiles := avx512 && x.HasAMXTile && tilesEnabled() && tilesGranted()
	return collect(map[Features]bool{
		AVX2:       x.HasAVX2,
		FMA:        x.HasFMA && x.HasAVX,
		F16C:       x.HasF16C && x.HasAVX,
		AVX512:     avx512,
		AVX512VNNI: avx512 && x.HasAVX512VNNI,
		AVX512BF16: avx512 && x.HasAVX512BF16,
		AVX512FP16: avx512 && leaf7EDX()&bitAVX512FP16 != 0,
		AVXVNNI:    x.HasAVX2 && x.HasAVXVNNI,
		AMXINT8:    tiles && x.HasAMXInt8,
		AMXBF16:    tiles && x.HasAMXBF16,
	})
}
