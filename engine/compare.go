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
	return compareFloats(g, w, want.Shape, tol), nil
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
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			if !math.IsInf(w, 0) && !math.IsNaN(w) {
				base += w * w
			}
			continue
		}
		e := math.Abs(g - w)
		if math.IsNaN(e) || math.IsInf(e, 0) {
			e = math.Inf(1)
			if math.IsNaN(g) || math.IsInf(g, 0) {
				d.Overflows++
			}
		}
		d.Largest = max(d.Largest, e)
		sum += e * e
		base += w * w
		over := e - tol.Atol - tol.Rtol*math.Abs(w)
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

// floats widens a numeric tensor. Integers beyond 2⁵³ lose their low bits.
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
	return widen(t.Bytes), nil // bool, uint8, and packed or coded types, which must be equal bit for bit
}

func widen[T float32 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](from []T) []float64 {
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
