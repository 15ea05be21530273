package vector

import (
	"math"

	"github.com/x448/float16"
)

// RoundBF16 rounds to the nearest bfloat16, ties to even; see Funcs.ToBF16.
func RoundBF16(x float32) uint16 {
	const exponent, quiet = 0x7f800000, 0x0040
	b := math.Float32bits(x)
	switch {
	case x != x:
		return uint16(b>>16) | quiet
	case b&exponent == 0:
		return uint16(b>>16) & 0x8000
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// WidenBF16 returns the float32 of a bfloat16, exactly.
func WidenBF16(x uint16) float32 { return math.Float32frombits(uint32(x) << 16) }

func toBF16(dst []uint16, x []float32) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = RoundBF16(v)
	}
}

func fromBF16(dst []float32, x []uint16) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = WidenBF16(v)
	}
}

func toF16(dst []uint16, x []float32) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = float16.Fromfloat32(v).Bits()
	}
}

func fromF16(dst []float32, x []uint16) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = float16.Frombits(v).Float32()
	}
}

// quantize returns saturate(round(x/scale) + zero) in [low, high], ties to
// even; low for NaN.
func quantize(x, scale float32, zero, low, high int32) int32 {
	q := math.RoundToEven(float64(x/scale)) + float64(zero)
	if !(q > float64(low)) {
		return low
	}
	return int32(min(q, float64(high)))
}

func quantizeUint8(dst []uint8, x []float32, scale float32, zero uint8) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = uint8(quantize(v, scale, int32(zero), 0, math.MaxUint8))
	}
}

func quantizeInt8(dst []int8, x []float32, scale float32, zero int8) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = int8(quantize(v, scale, int32(zero), math.MinInt8, math.MaxInt8))
	}
}

func dequantizeUint8(dst []float32, x []uint8, scale float32, zero uint8) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = float32(int32(v)-int32(zero)) * scale
	}
}

func dequantizeInt8(dst []float32, x []int8, scale float32, zero int8) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = float32(int32(v)-int32(zero)) * scale
	}
}

func fromInt32(dst []float32, x []int32) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = float32(v)
	}
}

func fromInt64(dst []float32, x []int64) {
	sameLength(len(dst), len(x))
	for i, v := range x {
		dst[i] = float32(v)
	}
}
