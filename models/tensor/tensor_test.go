package tensor_test

import (
	"math"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/models/tensor"
)

func TestDTypeNamesRoundTrip(t *testing.T) {
	for d := tensor.Float32; d.Known(); d++ {
		got, err := tensor.ParseDType(d.String())
		if err != nil || got != d {
			t.Errorf("ParseDType(%q) = %v, %v", d.String(), got, err)
		}
		if d != tensor.String && d.Bits() == 0 {
			t.Errorf("%v has no size", d)
		}
	}
	if _, err := tensor.ParseDType("undefined"); err == nil {
		t.Error("undefined was accepted")
	}
}

func TestPackedSizes(t *testing.T) {
	for _, c := range []struct {
		d       tensor.DType
		n, want int
	}{{tensor.Int4, 3, 2}, {tensor.Uint2, 5, 2}, {tensor.Float32, 3, 12}, {tensor.Bool, 3, 3}, {tensor.Complex128, 1, 16}} {
		if got := c.d.Bytes(c.n); got != c.want {
			t.Errorf("%v.Bytes(%d) = %d, want %d", c.d, c.n, got, c.want)
		}
	}
}

func TestShape(t *testing.T) {
	if got := (tensor.Shape{1 << 40, 1 << 40}).Elements(); got != math.MaxInt {
		t.Errorf("overflow gave %d", got)
	}
	if got := (tensor.Shape{1 << 40, 1 << 40, 0}).Elements(); got != 0 {
		t.Errorf("zero-size gave %d", got)
	}
	if got := (tensor.Shape{1, tensor.Unknown, 3}).String(); got != "1x?x3" {
		t.Errorf("String = %q", got)
	}
	if got := (tensor.Shape{2, 3, 4}).Strides(); got[0] != 12 || got[1] != 4 || got[2] != 1 {
		t.Errorf("Strides = %v", got)
	}
}

// TestAligned views elements that begin at an odd address.
func TestAligned(t *testing.T) {
	whole := tensor.New(tensor.Float32, tensor.Shape{4})
	if got := tensor.Aligned(whole); &got.Bytes[0] != &whole.Bytes[0] {
		t.Error("an aligned tensor was copied")
	}
	odd := tensor.Tensor{DType: tensor.Float32, Shape: tensor.Shape{2}, Bytes: whole.Bytes[1:9]}
	copy(odd.Bytes, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40})
	if got := tensor.Data[float32](tensor.Aligned(odd)); !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("elements at an odd address are %v, want 1 and 2", got)
	}
}

func TestBFloat16RoundsToNearestEven(t *testing.T) {
	for _, c := range []struct {
		in   uint32
		want uint16
	}{
		{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81},
		{0x7f800000, 0x7f80}, {0x7f7fffff, 0x7f80}, {0x7f800001, 0x7fc0}, {0xff800001, 0xffc0},
	} {
		if got := tensor.BFloat16Bits(math.Float32frombits(c.in)); got != c.want {
			t.Errorf("%08x -> %04x, want %04x", c.in, got, c.want)
		}
	}
}
