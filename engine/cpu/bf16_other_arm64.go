//go:build !linux && !darwin

package cpu

// hasBF16 is false where no way to ask is known.
func hasBF16() bool { return false }
