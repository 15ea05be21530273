package normalize

import (
	"math"

	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// momentBlock is how many elements Moments sums in float32 before they join a
// sum in float64, so that rows of any length have the error of this one.
const momentBlock = 8 << 10

// Moments returns the mean and the biased variance of x, in two passes; zeros
// when x is empty.
func (f *Funcs) Moments(x []float32) (mean, variance float32) {
	if len(x) == 0 {
		return 0, 0
	}
	var sum, squares float64
	for at := 0; at < len(x); at += momentBlock {
		sum += float64(f.v.Reduce[vector.Sum](x[at:min(at+momentBlock, len(x))]))
	}
	n := float64(len(x))
	mean = float32(sum / n)
	for at := 0; at < len(x); at += momentBlock {
		squares += float64(f.rows.deviation(x[at:min(at+momentBlock, len(x))], mean))
	}
	return mean, float32(squares / n)
}

// Standardize does dst[i] = (x[i]-mean)·inverse·scale + bias, for a plane of one
// scale and one bias.
func (f *Funcs) Standardize(dst, x []float32, mean, inverse, scale, bias float32) {
	checkRow(len(dst), len(x))
	factor := inverse * scale
	if math.Abs(float64(mean*inverse)) <= nearMean {
		f.v.Param[vector.Affine](dst, x, factor, float32(float64(bias)-float64(mean)*float64(factor)))
		return
	}
	for at := 0; at < len(x); at += standardBlock {
		to := min(at+standardBlock, len(x))
		f.v.Scalar[vector.SubScalar](dst[at:to], x[at:to], mean)
		f.v.Param[vector.Affine](dst[at:to], dst[at:to], factor, bias)
	}
}

const (
	// nearMean is how many deviations from zero a mean may lie for its product
	// with the factor to join the bias: what rounding this sum costs is that
	// many times the rounding of a result.
	nearMean = 8

	standardBlock = 4 << 10 // elements that stay in the nearest cache between two passes
)
