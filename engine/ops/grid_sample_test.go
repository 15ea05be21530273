package ops_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/models/tensor"
)

// TestGridSampleOfManyPlaces samples more places than are settled at a time, and each channel and row of the grid by itself.
func TestGridSampleOfManyPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 5))
	const channels, rows, columns = 3, 21, 70
	x, grid := seeded(r, tensor.Float32, tensor.Shape{1, channels, 9, 8}), tensor.New(tensor.Float32, tensor.Shape{1, rows, columns, 2})
	for i := range tensor.Data[float32](grid) {
		tensor.Data[float32](grid)[i] = r.Float32()*3 - 1.5
	}
	for _, mode := range []string{"nearest", "linear", "cubic"} {
		for _, padding := range []string{"zeros", "border", "reflection"} {
			a := attributesOf(attrs{"mode": mode, "padding_mode": padding})
			all := tensor.Data[float32](eval(t, "GridSample", a, x, grid))
			for ch := range channels {
				plane := tensor.From(tensor.Float32, tensor.Shape{1, 1, 9, 8}, tensor.Data[float32](x)[ch*72:][:72])
				for row := range rows {
					line := tensor.From(tensor.Float32, tensor.Shape{1, 1, columns, 2}, tensor.Data[float32](grid)[row*columns*2:][:columns*2])
					if got := tensor.Data[float32](eval(t, "GridSample", a, plane, line)); !slices.Equal(got, all[(ch*rows+row)*columns:][:columns]) {
						t.Fatalf("%s, %s: channel %d, row %d differ", mode, padding, ch, row)
					}
				}
			}
		}
	}
}
