package engine

import (
	"fmt"
	"math"

	"github.com/x448/float16"

	"github.com/eiplan/eiplan/models/tensor"
)

// Tolerance says how far a result may be from what is expected. Where RMS is 0, every element must hold |got − want| ≤ Atol + Rtol·|want|; else the
// relative RMS error must not exceed RMS. Integers, booleans and strings must be equal either way, and NaN and infinities stand in the same places.
type Tolerance struct{ Rtol, Atol, RMS float64 }

// ToleranceOf is the tolerance for outputs of a type that were computed in that type throughout.
func ToleranceOf(d tensor.DType) Tolerance {
	switch d {
	case tensor.Float64:
		return Tolerance{Rtol: 1e-3, Atol: 1e-7}
	case tensor.Float16:
		return Tolerance{Rtol: 5e-3, Atol: 1e-3}
	case tensor.BFloat16:
		return Tolerance{Rtol: 2e-2, Atol: 1e-2}
	}
	return Tolerance{Rtol: 1e-3, Atol: 1e-5}
}

// Difference is how far one tensor is from another.
type Difference struct {
	RelativeRMS float64 // √(Σ(got−want)² / Σwant²); 0 for equal tensors, +Inf where only want is all zeros
	Largest     float64 // the largest absolute error
	Overflows   int     // elements that are NaN or infinite in got alone
	Rows, Same  int     // rows along the last axis, and how many have their largest element at the same place; 0 where rows have one element
	Within      bool    // the tolerance holds
	Worst       int     // index of the element that is the furthest out of the tolerance
	Got, Want   float64 // that element
}

// Compare measures got against want. Tensors of other types or shapes are an error.
func Compare(got, want tensor.Tensor, tol Tolerance) (Difference, error) {
	if got.DType != want.DType || !got.Shape.Equal(want.Shape) {
		return Difference{}, fmt.Errorf("got %v, want %v", got, want)
	}
	if want.DType == tensor.String {
		return compareStrings(got.Strings, want.Strings), nil
	}
	g, err := floats(got)
	if err != nil {
		return Difference{}, err
	}
	w, err := floats(want)
	if err != nil {
		return Difference{}, err
	}
	if !want.DType.Float() {
		tol = Tolerance{}
	}
	d := compareFloats(g, w, want.Shape, tol)
	if i := differs64(got, want); d.Within && i >= 0 { // by less than a float64 shows
		d.Within, d.Worst, d.Got, d.Want = false, i, g[i], w[i]
	}
	return d, nil
}

// differs64 is the first place where two tensors of 64-bit integers differ; -1 where they do not, or are of another type.
func differs64(a, b tensor.Tensor) int {
	if a.DType != tensor.Int64 && a.DType != tensor.Uint64 {
		return -1
	}
	x, y := tensor.Data[uint64](tensor.Aligned(a)), tensor.Data[uint64](tensor.Aligned(b))
	for i := range y {
		if x[i] != y[i] {
			return i
		}
	}
	return -1
}

func compareStrings(got, want []string) Difference {
	d := Difference{Within: true}
	for i := range want {
		if got[i] != want[i] && d.Within {
			d.Within, d.Worst = false, i
		}
	}
	return d
}

func compareFloats(got, want []float64, shape tensor.Shape, tol Tolerance) Difference {
	d := Difference{Within: true}
	var sum, base, worst float64
	for i, w := range want {
		g := got[i]
		if finite(w) {
			base += w * w
		}
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			continue
		}
		e, over := math.Inf(1), math.Inf(1)
		switch {
		case finite(g) && finite(w):
			e = math.Abs(g - w)
			over = e - tol.Atol - tol.Rtol*math.Abs(w)
		case finite(w):
			d.Overflows++
		}
		d.Largest = max(d.Largest, e)
		sum += e * e
		if tol.RMS > 0 {
			over = e
		}
		if over > worst {
			worst, d.Worst, d.Got, d.Want = over, i, g, w
			d.Within = d.Within && tol.RMS > 0
		}
	}
	if sum > 0 {
		d.RelativeRMS = math.Sqrt(sum / base)
	}
	if tol.RMS > 0 {
		d.Within = d.RelativeRMS <= tol.RMS
	}
	if n := len(shape); n > 0 && shape[n-1] > 1 && len(want) > 0 {
		d.Rows, d.Same = sameTop(got, want, shape[n-1])
	}
	return d
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// sameTop counts rows, and those whose largest element is at the same place in both.
func sameTop(got, want []float64, width int) (rows, same int) {
	for at := 0; at < len(want); at += width {
		rows++
		if largest(got[at:at+width]) == largest(want[at:at+width]) {
			same++
		}
	}
	return rows, same
}

func largest(row []float64) int {
	at := 0
	for i, v := range row {
		if v > row[at] {
			at = i
		}
	}
	return at
}

// floats widens a numeric tensor; of types of at most eight bits that Go does not have, the codes. Integers beyond 2⁵³ lose their low bits.
func floats(t tensor.Tensor) ([]float64, error) {
	t = tensor.Aligned(t)
	switch t.DType {
	case tensor.Float32:
		return widen(tensor.Data[float32](t)), nil
	case tensor.Float64:
		return tensor.Data[float64](t), nil
	case tensor.Int8:
		return widen(tensor.Data[int8](t)), nil
	case tensor.Int16:
		return widen(tensor.Data[int16](t)), nil
	case tensor.Int32:
		return widen(tensor.Data[int32](t)), nil
	case tensor.Int64:
		return widen(tensor.Data[int64](t)), nil
	case tensor.Uint16:
		return widen(tensor.Data[uint16](t)), nil
	case tensor.Uint32:
		return widen(tensor.Data[uint32](t)), nil
	case tensor.Uint64:
		return widen(tensor.Data[uint64](t)), nil
	case tensor.Float16:
		return convert(t, func(b uint16) float64 { return float64(float16.Frombits(b).Float32()) }), nil
	case tensor.BFloat16:
		return convert(t, func(b uint16) float64 { return float64(tensor.FromBFloat16(b)) }), nil
	}
	if t.DType.Bits() > 8 || t.DType.Bits() == 0 {
		return nil, fmt.Errorf("%v cannot be compared", t.DType)
	}
	return codes(t), nil
}

// codes are the elements of a type of at most eight bits as unsigned numbers, which must be equal bit for bit; but NaN, for which float8e5m2 has several
// codes, is NaN.
func codes(t tensor.Tensor) []float64 {
	bits := t.DType.Bits()
	to := make([]float64, t.Len())
	for i := range to {
		code := t.Bytes[i*bits/8] >> (i * bits % 8) & uint8(1<<bits-1)
		to[i] = float64(code)
		if t.DType == tensor.Float8E5M2 && code&0x7f > 0x7c {
			to[i] = math.NaN()
		}
	}
	return to
}

func widen[T float32 | int8 | int16 | int32 | int64 | uint16 | uint32 | uint64](from []T) []float64 {
	to := make([]float64, len(from))
	for i, v := range from {
		to[i] = float64(v)
	}
	return to
}

func convert(t tensor.Tensor, one func(uint16) float64) []float64 {
	from := tensor.Data[uint16](t)
	to := make([]float64, len(from))
	for i, v := range from {
		to[i] = one(v)
	}
	return to
}
