package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestResizedPlanesAgree weighs along one axis and several, on every instruction set, against the plain loops in float64.
func TestResizedPlanesAgree(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	r := rand.New(rand.NewPCG(9, 1))
	for range 120 {
		rank := 2 + r.IntN(3)
		shape, scales := make(tensor.Shape, rank), make([]float32, rank)
		for i := range shape {
			shape[i], scales[i] = 1+r.IntN(9), 1
		}
		first := r.IntN(rank)
		for i := first; i < min(first+1+r.IntN(3), rank); i++ {
			shape[i] = 1 + r.IntN([]int{5, 40}[r.IntN(2)])
			scales[i] = []float32{2, 0.5, 1.5, 0.7, 3.2, 1.0 / 3}[r.IntN(6)]
			if math.Floor(float64(float32(shape[i])*scales[i])) < 1 {
				scales[i] = 2
			}
		}
		a := attrs{
			"mode":                           [...]string{"linear", "cubic"}[r.IntN(2)],
			"coordinate_transformation_mode": [...]string{"half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric"}[r.IntN(5)],
			"exclude_outside":                r.IntN(2), "antialias": r.IntN(2),
		}
		if a["coordinate_transformation_mode"] == "align_corners" { // whose scale may not make one element of all
			for i, d := range shape {
				if float32(d)*scales[i] < 2 {
					scales[i] = 1
				}
			}
		}
		agreeInFloat64(t, "Resize", a, team, seeded(r, tensor.Float64, shape), tensor.Tensor{}, tensor.From(tensor.Float32, tensor.Shape{rank}, scales))
	}
	large := seeded(r, tensor.Float64, tensor.Shape{1, 2, 150, 130}) // of several strips
	for _, scale := range []float32{2, 0.6} {
		agreeInFloat64(t, "Resize", attrs{"mode": "linear"}, team, large, tensor.Tensor{}, tensor.From(tensor.Float32, tensor.Shape{4}, []float32{1, 1, scale, scale}))
	}
}
