package normalize

import (
	"math"

	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// LayerNorm does dst[i] = (x[i]-μ)/√(σ²+epsilon)·scale[i] + bias[i], with the
// mean μ and the biased variance σ² of the row, taken in two passes. A nil
// bias is zero.
func (f *Funcs) LayerNorm(dst, x, scale, bias []float32, epsilon float32) {
	mean, inverse := f.center(x, epsilon)
	f.standardize(dst, x, scale, bias, mean, inverse)
}

// LayerNormBF16 is LayerNorm with a bfloat16 result.
func (f *Funcs) LayerNormBF16(dst []uint16, x, scale, bias []float32, epsilon float32) {
	mean, inverse := f.center(x, epsilon)
	f.standardizeBF16(dst, x, scale, bias, mean, inverse)
}

// AddLayerNorm does sum = x + residual and then LayerNorm of sum into dst: ONNX
// Runtime's SkipLayerNormalization. sum may be dst, x or residual.
func (f *Funcs) AddLayerNorm(dst, sum, x, residual, scale, bias []float32, epsilon float32) {
	mean, inverse := f.addCenter(sum, x, residual, epsilon)
	f.standardize(dst, sum, scale, bias, mean, inverse)
}

// AddLayerNormBF16 is AddLayerNorm with a bfloat16 result; sum stays float32.
func (f *Funcs) AddLayerNormBF16(dst []uint16, sum, x, residual, scale, bias []float32, epsilon float32) {
	mean, inverse := f.addCenter(sum, x, residual, epsilon)
	f.standardizeBF16(dst, sum, scale, bias, mean, inverse)
}

// RMSNorm does dst[i] = x[i]/√(Σx²/n + epsilon)·scale[i].
func (f *Funcs) RMSNorm(dst, x, scale []float32, epsilon float32) {
	f.standardize(dst, x, scale, nil, 0, f.inverseRMS(x, epsilon))
}

// RMSNormBF16 is RMSNorm with a bfloat16 result.
func (f *Funcs) RMSNormBF16(dst []uint16, x, scale []float32, epsilon float32) {
	f.standardizeBF16(dst, x, scale, nil, 0, f.inverseRMS(x, epsilon))
}

func (f *Funcs) center(x []float32, epsilon float32) (mean, inverse float32) {
	mean, variance := f.Moments(x)
	return mean, inverseRoot(variance, epsilon)
}

func (f *Funcs) addCenter(sum, x, residual []float32, epsilon float32) (mean, inverse float32) {
	checkRow(len(sum), len(x))
	checkRow(len(sum), len(residual))
	if len(sum) == 0 {
		return 0, 0
	}
	n := float32(len(sum))
	mean = f.rows.addSum(sum, x, residual) / n
	return mean, inverseRoot(f.rows.deviation(sum, mean)/n, epsilon)
}

func (f *Funcs) inverseRMS(x []float32, epsilon float32) float32 {
	return inverseRoot(f.v.Reduce[vector.SumSquares](x)/float32(len(x)), epsilon)
}

func (f *Funcs) standardize(dst, x, scale, bias []float32, mean, inverse float32) {
	checkAffine(len(dst), x, scale, bias)
	if len(dst) > 0 {
		f.rows.standardize(dst, x, scale, bias, mean, inverse)
	}
}

func (f *Funcs) standardizeBF16(dst []uint16, x, scale, bias []float32, mean, inverse float32) {
	checkAffine(len(dst), x, scale, bias)
	if len(dst) > 0 {
		f.rows.standardizeBF16(dst, x, scale, bias, mean, inverse)
	}
}

func inverseRoot(variance, epsilon float32) float32 {
	return float32(1 / math.Sqrt(float64(variance)+float64(epsilon)))
}

func checkAffine(n int, x, scale, bias []float32) {
	checkRow(n, len(x))
	checkRow(n, len(scale))
	if bias != nil {
		checkRow(n, len(bias))
	}
}

// checkRow panics unless an operand has the length of the result.
func checkRow(dst, operand int) {
	if dst != operand {
		panic("normalize: operand and result differ in length")
	}
}
