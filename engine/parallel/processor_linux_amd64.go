//go:build !purego

package parallel

// extendedFeatures returns the highest extended leaf of CPUID, and EDX of leaf 0x80000001.
func extendedFeatures() (highest, edx uint32)

// auxiliary returns IA32_TSC_AUX, by RDTSCP. Linux keeps the thread's processor there, and above twelve bits its node.
func auxiliary() uint32

// locator returns a function that tells which processor the calling thread runs on, counted from 0, within nanoseconds.
func locator() func() int {
	const rdtscp = 1 << 27
	if highest, edx := extendedFeatures(); highest < 0x80000001 || edx&rdtscp == 0 {
		return nowhere
	}
	return func() int { return int(auxiliary() & 0xfff) }
}
