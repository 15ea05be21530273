package ops_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/models/tensor"
)

// TestRoiAlignIsItsDefinition has regions within images, over their edges, beyond them and turned round.
func TestRoiAlignIsItsDefinition(t *testing.T) {
	const images, channels, height, width, regions = 2, 3, 9, 12, 40
	r := rand.New(rand.NewPCG(8, 2))
	x := seeded(r, tensor.Float32, tensor.Shape{images, channels, height, width})
	rois, of := tensor.New(tensor.Float32, tensor.Shape{regions, 4}), tensor.New(tensor.Int64, tensor.Shape{regions})
	for i := range tensor.Data[float32](rois) {
		tensor.Data[float32](rois)[i] = r.Float32()*40 - 8
	}
	for i := range regions {
		tensor.Data[int64](of)[i] = int64(r.IntN(images))
	}
	for _, mode := range []string{"avg", "max"} {
		for _, samples := range []int{0, 1, 3} {
			for _, shift := range []float64{0, 0.5} {
				a := attrs{"mode": mode, "sampling_ratio": samples, "output_height": 3, "output_width": 2, "spatial_scale": float32(0.5),
					"coordinate_transformation_mode": map[float64]string{0: "output_half_pixel", 0.5: "half_pixel"}[shift]}
				got := tensor.Data[float32](eval(t, "RoiAlign", attributesOf(a), x, rois, of))
				for i, v := range got {
					region, channel, cell := i/6/channels, i/6%channels, i%6
					at := (int(tensor.Data[int64](of)[region])*channels + channel) * height * width
					plane, roi := tensor.Data[float32](x)[at:][:height*width], tensor.Data[float32](rois)[region*4:][:4]
					want := alignedCell(plane, height, width, roi, shift, samples, cell/2, cell%2, mode == "max")
					if math.Abs(float64(v)-want) > 1e-5 {
						t.Fatalf("%s, %s: %v, want %v", fmt.Sprint(a), fmt.Sprint(roi), v, want)
					}
				}
			}
		}
	}
}

// alignedCell is one cell of a region that is cut into 3 rows and 2 columns.
func alignedCell(plane []float32, height, width int, roi []float32, shift float64, samples, row, column int, largest bool) float64 {
	side := func(low, high float32, cells, cell int) (places []float64) {
		begin := float64(low)*0.5 - shift
		extent := float64(high)*0.5 - shift - begin
		if shift == 0 {
			extent = max(extent, 1)
		}
		step, n := extent/float64(cells), samples
		if n == 0 {
			n = max(int(math.Ceil(step)), 0)
		}
		for i := range n {
			places = append(places, begin+(float64(cell)+(float64(i)+0.5)/float64(n))*step)
		}
		return places
	}
	sum, most, count := 0.0, math.Inf(-1), 0.0
	for _, y := range side(roi[1], roi[3], 3, row) {
		for _, x := range side(roi[0], roi[2], 2, column) {
			count++
			if y < -1 || y > float64(height) || x < -1 || x > float64(width) {
				most = max(most, 0)
				continue
			}
			y, x := min(max(y, 0), float64(height-1)), min(max(x, 0), float64(width-1))
			for _, iy := range []int{0, 1} {
				for _, ix := range []int{0, 1} {
					fy, fx := math.Abs(float64(1-iy)-(y-math.Floor(y))), math.Abs(float64(1-ix)-(x-math.Floor(x)))
					share := fy * fx * float64(plane[min(int(y)+iy, height-1)*width+min(int(x)+ix, width-1)])
					sum, most = sum+share, max(most, share)
				}
			}
		}
	}
	if largest && count > 0 {
		return most
	}
	return sum / max(count, 1)
}
