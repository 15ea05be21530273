package normalize

import (
	"math"

	"github.com/eiplan/eiplan/engine/kernels/vector"
)

func maxScaled(x, mask []float32, scale float32) float32 {
	m := float32(math.Inf(-1))
	for i := range x {
		if t := scaled(x, mask, scale, i); t > m || t != t {
			m = t
		}
	}
	return m
}

func expScaled(dst, x, mask []float32, scale, shift float32) float32 {
	var sum float64
	for i := range dst {
		e := math.Exp(float64(scaled(x, mask, scale, i)) - float64(shift))
		dst[i] = float32(e)
		sum += e
	}
	return float32(sum)
}

// scaled returns x[i]·scale + mask[i], rounded to float32.
func scaled(x, mask []float32, scale float32, i int) float32 {
	if mask == nil {
		return x[i] * scale
	}
	return float32(float64(x[i])*float64(scale) + float64(mask[i]))
}

func expSum(x []float32, shift float32) float32 {
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - float64(shift))
	}
	return float32(sum)
}

func addSum(dst, a, b []float32) float32 {
	var sum float64
	for i := range dst {
		dst[i] = a[i] + b[i]
		sum += float64(dst[i])
	}
	return float32(sum)
}

func deviation(x []float32, mean float32) float32 {
	var sum float64
	for _, v := range x {
		d := float64(v) - float64(mean)
		sum += d * d
	}
	return float32(sum)
}

func standardize(dst, x, scale, bias []float32, mean, inverse float32) {
	for i := range dst {
		dst[i] = standard(x, scale, bias, mean, inverse, i)
	}
}

func standardizeBF16(dst []uint16, x, scale, bias []float32, mean, inverse float32) {
	for i := range dst {
		dst[i] = vector.RoundBF16(standard(x, scale, bias, mean, inverse, i))
	}
}

func standard(x, scale, bias []float32, mean, inverse float32, i int) float32 {
	y := (x[i] - mean) * inverse
	if bias == nil {
		return y * scale[i]
	}
	return float32(float64(y)*float64(scale[i]) + float64(bias[i]))
}
