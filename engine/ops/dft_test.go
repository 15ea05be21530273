package ops_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestDFT compares transforms of lengths that have large and small factors with the definition, and their inverses with what they were made of.
func TestDFT(t *testing.T) {
	for _, length := range []int{1, 2, 3, 4, 5, 7, 8, 12, 13, 30, 49, 64, 97} {
		for _, parts := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d elements of %d", length, parts), func(t *testing.T) {
				shape := tensor.Shape{2, length, 3, parts}
				x := tensor.New(tensor.Float64, shape)
				for i := range tensor.Data[float64](x) {
					tensor.Data[float64](x)[i] = float64((i*i*7+3*i)%23) - 11
				}
				at := func(y tensor.Tensor, b, k, i int) complex128 {
					p := y.Shape[3]
					all := tensor.Data[float64](y)[((b*y.Shape[1]+k)*3+i)*p:]
					if p == 1 {
						return complex(all[0], 0)
					}
					return complex(all[0], all[1])
				}
				y := transformed(t, x, 0, 0, 0)
				for b := range 2 {
					for i := range 3 {
						for k := range length {
							var want complex128
							for j := range length {
								want += at(x, b, j, i) * cmplx.Rect(1, -2*math.Pi*float64(j*k%length)/float64(length))
							}
							if got := at(y, b, k, i); cmplx.Abs(got-want) > 1e-9*float64(length*length) {
								t.Errorf("element %d is %v, want %v", k, got, want)
							}
						}
					}
				}
				if err := sameTensor(realParts(transformed(t, y, 1, 0, 0), parts), x); err != nil {
					t.Errorf("the inverse of the whole: %v", err)
				}
				if parts == 1 {
					half := transformed(t, x, 0, 1, 0)
					if half.Shape[1] != length/2+1 {
						t.Errorf("%d elements of %d on one side", half.Shape[1], length)
					}
					if err := sameTensor(transformed(t, half, 1, 1, length), x); err != nil {
						t.Errorf("the inverse of one side: %v", err)
					}
				}
			})
		}
	}
}

// realParts is a complex tensor, or only its real parts.
func realParts(x tensor.Tensor, parts int) tensor.Tensor {
	if parts == 2 {
		return x
	}
	shape := x.Shape.Clone()
	shape[3] = 1
	y := tensor.New(tensor.Float64, shape)
	for i := range tensor.Data[float64](y) {
		tensor.Data[float64](y)[i] = tensor.Data[float64](x)[2*i]
	}
	return y
}

// transformed is the DFT along axis 1; length 0 leaves it to the operator.
func transformed(t *testing.T, x tensor.Tensor, inverse, onesided, length int) tensor.Tensor {
	t.Helper()
	n := &graph.Node{Op: "DFT", Inputs: []*graph.Value{{}, nil, {}}, Outputs: []*graph.Value{{}}, Attributes: numbers("inverse", inverse, "onesided", onesided)}
	in := []*ops.Slot{{Tensor: x}, nil, {Tensor: int64s(tensor.Shape{}, 1)}}
	if length > 0 {
		n.Inputs[1], in[1] = &graph.Value{}, &ops.Slot{Tensor: int64s(tensor.Shape{}, int64(length))}
	}
	out, err := ops.Eval(n, in, target(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Tensor
}
