package tensor

import (
	"math"

	"github.com/x448/float16"
)

// BFloat16Bits rounds to the nearest bfloat16, ties to even; a NaN stays one (quiet).
func BFloat16Bits(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// FromBFloat16 widens a bfloat16; it is exact.
func FromBFloat16(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// Float16Bits rounds to the nearest IEEE half, ties to even.
func Float16Bits(f float32) uint16 { return float16.Fromfloat32(f).Bits() }

// FromFloat16 widens an IEEE half; it is exact.
func FromFloat16(b uint16) float32 { return float16.Frombits(b).Float32() }
