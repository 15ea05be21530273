package ops_test

import (
	"math"
	"testing"

	"github.com/eiplan/eiplan/models/tensor"
)

// pairings are shapes of two operands of a row of 37 elements, and of rows with one for all in either.
var pairings = map[string][2]tensor.Shape{
	"both full":          {{3, 37}, {3, 37}},
	"the second one":     {{3, 37}, {1}},
	"the first one":      {{1}, {3, 37}},
	"both one":           {{1}, {1, 1}},
	"one for each row":   {{3, 37}, {3, 1}},
	"one row for all":    {{37}, {3, 37}},
	"a row and a column": {{3, 1}, {1, 37}},
}

// varied is numbers that meet each other often, and NaN and infinities among them where a type has such.
func varied(t *testing.T, d tensor.DType, s tensor.Shape, step int) tensor.Tensor {
	t.Helper()
	list := make([]float64, s.Elements())
	for i := range list {
		list[i] = float64((i*step + step) % 7)
		switch {
		case d.Float() && i%11 == 3:
			list[i] = math.NaN()
		case d.Float() && i%13 == 5:
			list[i] = math.Inf(1 - i%2*2)
		case d == tensor.Bool:
			list[i] = float64((i*step + step) % 7 % 2)
		}
	}
	return castTo(t, d, tensor.From(tensor.Float64, s, list))
}

// places are where the elements of a broadcast result come from in an operand.
func places(out, s tensor.Shape) []int {
	at := make([]int, out.Elements())
	own, all := s.Strides(), out.Strides()
	for i := range at {
		for axis, d := range s {
			if d != 1 {
				k := len(out) - len(s) + axis
				at[i] += i / all[k] % out[k] * own[axis]
			}
		}
	}
	return at
}

func TestComparisonsOfEveryPairing(t *testing.T) {
	relations := map[string]func(a, b float64) bool{
		"Equal":          func(a, b float64) bool { return a == b },
		"Greater":        func(a, b float64) bool { return a > b },
		"GreaterOrEqual": func(a, b float64) bool { return a >= b },
		"Less":           func(a, b float64) bool { return a < b },
		"LessOrEqual":    func(a, b float64) bool { return a <= b },
	}
	for d := tensor.Float32; d.Known(); d++ {
		if !isNumber(d) {
			continue
		}
		for how, shapes := range pairings {
			x, y := varied(t, d, shapes[0], 2), varied(t, d, shapes[1], 3)
			a, b := tensor.Data[float64](castTo(t, tensor.Float64, x)), tensor.Data[float64](castTo(t, tensor.Float64, y))
			for op, relation := range relations {
				got := eval(t, op, nil, x, y)
				left, right := places(got.Shape, x.Shape), places(got.Shape, y.Shape)
				for i, v := range tensor.Data[bool](got) {
					if want := relation(a[left[i]], b[right[i]]); v != want {
						t.Fatalf("%s of %s, %s: %v and %v gave %v", op, d, how, a[left[i]], b[right[i]], v)
					}
				}
			}
		}
	}
}

func TestWhereOfEveryPairing(t *testing.T) {
	for d := tensor.Float32; d.Known(); d++ {
		if !isNumber(d) && d != tensor.Bool {
			continue
		}
		for how, shapes := range pairings {
			for _, of := range []tensor.Shape{{3, 37}, {37}, {3, 1}, {1}} {
				cond, x, y := varied(t, tensor.Bool, of, 1), varied(t, d, shapes[0], 2), varied(t, d, shapes[1], 3)
				got := eval(t, "Where", nil, cond, x, y)
				c, left, right := places(got.Shape, of), places(got.Shape, x.Shape), places(got.Shape, y.Shape)
				size := d.Bits() / 8
				for i := range got.Len() {
					from, at := y, right[i]
					if tensor.Data[bool](cond)[c[i]] {
						from, at = x, left[i]
					}
					if string(got.Bytes[i*size:(i+1)*size]) != string(from.Bytes[at*size:(at+1)*size]) {
						t.Fatalf("Where of %s, %s, condition %s: element %d is wrong", d, how, of, i)
					}
				}
			}
		}
	}
}
