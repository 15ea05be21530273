package vector

import (
	"encoding/binary"
	"math"
	"testing"
)

// FuzzVariants feeds any float32 pattern to every operation of every variant.
func FuzzVariants(f *testing.F) {
	for _, v := range specials {
		f.Add(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)), uint8(17))
	}
	f.Fuzz(func(t *testing.T, pattern []byte, n uint8) {
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], y[i] = floatAt(pattern, i), floatAt(pattern, i+1)
		}
		eachVariant(t, func(t *testing.T, variant *Funcs) {
			for _, c := range floatCalls() {
				checkCall(t, variant, c, [][]float32{x, y}[:c.count], floatDistance(c.scale))
			}
			for _, c := range bfloat16Calls() {
				checkCall(t, variant, c, [][]uint16{halves(x), halves(y)}[:c.count], bfloat16Distance(c.scale))
			}
			sameBits(t, "ToBF16", x, variant.ToBF16, toBF16)
			sameBits(t, "ToF16", x, variant.ToF16, toF16)
		})
	})
}

// floatAt reads the i-th float32 of a pattern that repeats for ever.
func floatAt(pattern []byte, i int) float32 {
	var b [4]byte
	for k := range b {
		if len(pattern) > 0 {
			b[k] = pattern[(4*i+k)%len(pattern)]
		}
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b[:]))
}
