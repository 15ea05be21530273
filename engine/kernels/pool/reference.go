package pool

import (
	"math"

	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// reduceRun folds every window of r, in the order of its rows and columns.
func reduceRun(r run, first float32, load func(at int) float32, fold func(a, v float32) float32, store func(at int, v float32)) {
	for o := range r.count {
		for c := range r.channels {
			a := first
			for i := range r.rows {
				for j := range r.cols {
					a = fold(a, load(o*r.srcStep+i*r.rowStep+j*r.colStep+c))
				}
			}
			store(o*r.dstStep+c, a)
		}
	}
}

// larger keeps a NaN once met.
func larger(a, v float32) float32 {
	if v > a || v != v {
		return v
	}
	return a
}

func add(a, v float32) float32 { return a + v }

func maximum(dst, src []float32, r run) {
	reduceRun(r, float32(math.Inf(-1)), func(at int) float32 { return src[at] }, larger,
		func(at int, v float32) { dst[at] = v })
}

func average(dst, src []float32, r run) {
	reduceRun(r, 0, func(at int) float32 { return src[at] }, add,
		func(at int, v float32) { dst[at] = v * r.scale })
}

func maximumBF16(dst, src []uint16, r run) {
	reduceRun(r, float32(math.Inf(-1)), func(at int) float32 { return vector.WidenBF16(src[at]) }, larger,
		func(at int, v float32) { dst[at] = vector.RoundBF16(v) })
}

func averageBF16(dst, src []uint16, r run) {
	reduceRun(r, 0, func(at int) float32 { return vector.WidenBF16(src[at]) }, add,
		func(at int, v float32) { dst[at] = vector.RoundBF16(v * r.scale) })
}

func blend(dst, topLeft, topRight, bottomLeft, bottomRight []float32, across, down float32) {
	for c := range dst {
		dst[c] = mix(mix(topLeft[c], topRight[c], across), mix(bottomLeft[c], bottomRight[c], across), down)
	}
}

func blendBF16(dst, topLeft, topRight, bottomLeft, bottomRight []uint16, across, down float32) {
	for c := range dst {
		top := mix(vector.WidenBF16(topLeft[c]), vector.WidenBF16(topRight[c]), across)
		bottom := mix(vector.WidenBF16(bottomLeft[c]), vector.WidenBF16(bottomRight[c]), across)
		dst[c] = vector.RoundBF16(mix(top, bottom, down))
	}
}

// mix returns low + weight·(high-low).
func mix(low, high, weight float32) float32 {
	return float32(float64(weight)*float64(high-low) + float64(low))
}
