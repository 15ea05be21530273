//go:build !purego

package cpu

// leaf7EDX returns EDX of CPUID leaf 7, subleaf 0. The caller has seen AVX-512,
// so the leaf exists.
func leaf7EDX() uint32

// xcr0 returns the low half of extended control register 0: the register
// states that the operating system saves. The caller has seen AVX-512, so
// XGETBV may be used.
func xcr0() uint32

// tilesEnabled reports whether the operating system saves AMX tiles: XCR0[17]
// (tile configuration) and XCR0[18] (tile data).
func tilesEnabled() bool {
	const tiles = 1<<17 | 1<<18
	return xcr0()&tiles == tiles
}
