package vector

import (
	"math"
	"testing"

	"github.com/eiplan/eiplan/engine/kernels/fence"
)

// everyUint16 is all bit patterns of a 16-bit format.
func everyUint16() []uint16 {
	x := make([]uint16, 1<<16)
	for i := range x {
		x[i] = uint16(i)
	}
	return x
}

// manyFloats is evenly spaced bit patterns, and all that lie at or next to a
// tie between neighbours of a 16-bit format.
func manyFloats() []float32 {
	var x []float32
	for bits := uint64(0); bits < 1<<32; bits += 16381 {
		x = append(x, math.Float32frombits(uint32(bits)))
	}
	for h := range uint32(1 << 16) {
		for _, low := range []uint32{0, 0x7fff, 0x8000, 0x8001, 0xffff} {
			x = append(x, math.Float32frombits(h<<16|low))
		}
		for _, low := range []uint32{0x0fff, 0x1000, 0x1001} { // ties of binary16
			x = append(x, math.Float32frombits(h<<16|low))
		}
	}
	return x
}

func TestConversionsOfEveryPattern(t *testing.T) {
	shorts, floats := everyUint16(), manyFloats()
	reference := Reference()
	eachVariant(t, func(t *testing.T, f *Funcs) {
		sameBits(t, "FromBF16", shorts, f.FromBF16, reference.FromBF16)
		sameBits(t, "FromF16", shorts, f.FromF16, reference.FromF16)
		sameBits(t, "ToBF16", floats, f.ToBF16, reference.ToBF16)
		sameBits(t, "ToF16", floats, f.ToF16, reference.ToF16)
	})
}

func TestConversionsOfEveryLength(t *testing.T) {
	reference := Reference()
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths {
			x := mixture(n, 20)
			sameBits(t, "FromBF16", halves(x), f.FromBF16, reference.FromBF16)
			sameBits(t, "FromF16", halves(x), f.FromF16, reference.FromF16)
			sameBits(t, "ToBF16", x, f.ToBF16, reference.ToBF16)
			sameBits(t, "ToF16", x, f.ToF16, reference.ToF16)
			sameBits(t, "FromInt32", integers[int32](x, 1), f.FromInt32, reference.FromInt32)
			sameBits(t, "FromInt64", integers[int64](x, 1<<31), f.FromInt64, reference.FromInt64)
		}
	})
}

// integers makes integers of x's bits, so of all magnitudes.
func integers[T int32 | int64](x []float32, factor T) []T {
	n := make([]T, len(x))
	for i, v := range x {
		n[i] = T(int32(math.Float32bits(v)))*factor + T(i)
	}
	return n
}

// sameBits compares a conversion with its reference, bit for bit, in fenced
// memory.
func sameBits[S, D float32 | uint16 | int32 | int64 | uint8 | int8](t *testing.T, name string, x []S, convert, reference func(dst []D, x []S)) {
	t.Helper()
	want := make([]D, len(x))
	reference(want, x)
	got := fence.Slice[D](t, len(x))
	convert(got, fence.Copy(t, x))
	for i := range want {
		if got[i] != want[i] && (got[i] == got[i] || want[i] == want[i]) || bitsOf(got[i]) != bitsOf(want[i]) {
			t.Fatalf("%s of %d: at %d, of %v: got %v, want %v", name, len(x), i, x[i], got[i], want[i])
		}
	}
}

func bitsOf(v any) uint32 {
	if f, ok := v.(float32); ok {
		return math.Float32bits(f)
	}
	return 0
}

func TestRoundBF16(t *testing.T) {
	for _, c := range []struct {
		reason string
		in     uint32
		want   uint16
	}{
		{"a tie goes to even, down", 0x3f808000, 0x3f80},
		{"a tie goes to even, up", 0x3f818000, 0x3f82},
		{"beyond a tie goes up", 0x3f808001, 0x3f81},
		{"the largest rounds to infinity", 0x7f7fffff, 0x7f80},
		{"infinity stays", 0xff800000, 0xff80},
		{"a signalling NaN becomes quiet", 0x7f800001, 0x7fc0},
		{"NaN keeps sign and upper payload", 0xffa50000, 0xffe5},
		{"a denormal number becomes zero", 0x007fffff, 0x0000},
		{"and keeps its sign", 0x807fffff, 0x8000},
		{"the least normal number stays", 0x00800000, 0x0080},
	} {
		if got := RoundBF16(math.Float32frombits(c.in)); got != c.want {
			t.Errorf("%s: %#x became %#x, want %#x", c.reason, c.in, got, c.want)
		}
	}
}

func TestQuantize(t *testing.T) {
	reference := Reference()
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range lengths {
			for _, scale := range []float32{1, 0.1, 0.0078125, 3} {
				for _, zero := range []uint8{0, 7, 128, 255} {
					signed := int8(zero)
					x := mixture(n, 21)
					sameBits(t, "QuantizeUint8", x,
						func(dst []uint8, x []float32) { f.QuantizeUint8(dst, x, scale, zero) },
						func(dst []uint8, x []float32) { reference.QuantizeUint8(dst, x, scale, zero) })
					sameBits(t, "QuantizeInt8", x,
						func(dst []int8, x []float32) { f.QuantizeInt8(dst, x, scale, signed) },
						func(dst []int8, x []float32) { reference.QuantizeInt8(dst, x, scale, signed) })
				}
			}
		}
	})
}

func TestQuantizeAsONNX(t *testing.T) {
	x := []float32{0, 2, 3, 1000, -254, -1000}
	want := []uint8{128, 129, 130, 255, 1, 0} // ONNX QuantizeLinear's own example
	eachVariant(t, func(t *testing.T, f *Funcs) {
		got := make([]uint8, len(x))
		f.QuantizeUint8(got, x, 2, 128)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("QuantizeLinear(%g, 2, 128) = %d, want %d", x[i], got[i], want[i])
			}
		}
	})
}

func TestDequantize(t *testing.T) {
	reference := Reference()
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range append(lengths, 256) {
			unsigned, signed := make([]uint8, n), make([]int8, n)
			for i := range n {
				unsigned[i], signed[i] = uint8(i*7), int8(i*7)
			}
			sameBits(t, "DequantizeUint8", unsigned,
				func(dst []float32, x []uint8) { f.DequantizeUint8(dst, x, 0.3, 200) },
				func(dst []float32, x []uint8) { reference.DequantizeUint8(dst, x, 0.3, 200) })
			sameBits(t, "DequantizeInt8", signed,
				func(dst []float32, x []int8) { f.DequantizeInt8(dst, x, 0.3, -100) },
				func(dst []float32, x []int8) { reference.DequantizeInt8(dst, x, 0.3, -100) })
		}
	})
}
