//go:build (amd64 || arm64) && !purego

package vector

import (
	"math"
	"unsafe"
)

func sliceUnary[D, S any](loop func(dst *D, x *S, n int)) func(dst []D, x []S) {
	return func(dst []D, x []S) {
		if sameLength(len(dst), len(x)); len(x) > 0 {
			loop(&dst[0], &x[0], len(x))
		}
	}
}

func sliceParam[T any](loop func(dst, x *T, n int, alpha, beta float32)) func(dst, x []T, alpha, beta float32) {
	return func(dst, x []T, alpha, beta float32) {
		if sameLength(len(dst), len(x)); len(x) > 0 {
			loop(&dst[0], &x[0], len(x), alpha, beta)
		}
	}
}

func sliceBinary[T any](loop func(dst, a, b *T, n int)) func(dst, a, b []T) {
	return func(dst, a, b []T) {
		if sameLength(len(dst), len(a), len(b)); len(dst) > 0 {
			loop(&dst[0], &a[0], &b[0], len(dst))
		}
	}
}

func sliceScaleShift(loop func(dst, x, scale, bias *float32, n, rows int)) func(dst, x, scale, bias []float32) {
	return func(dst, x, scale, bias []float32) {
		sameLength(len(dst), len(x))
		sameLength(len(scale), len(bias))
		wholeRows(len(dst), len(scale))
		if len(dst) > 0 {
			loop(&dst[0], &x[0], &scale[0], &bias[0], len(scale), len(dst)/len(scale))
		}
	}
}

func sliceChoose(loop func(dst *float32, cond *bool, a, b *float32, n int)) func(dst []uint32, cond []bool, a, b []uint32) {
	return func(dst []uint32, cond []bool, a, b []uint32) {
		if sameLength(len(dst), len(cond), len(a), len(b)); len(dst) > 0 {
			loop(word(dst), &cond[0], word(a), word(b), len(dst))
		}
	}
}

func sliceChooseScalar(loop func(dst *float32, cond *bool, x *float32, n int, when, s float32)) func(dst []uint32, cond []bool, x []uint32, when bool, s uint32) {
	return func(dst []uint32, cond []bool, x []uint32, when bool, s uint32) {
		if sameLength(len(dst), len(cond), len(x)); len(dst) > 0 {
			var one float32
			if when {
				one = 1
			}
			loop(word(dst), &cond[0], word(x), len(dst), one, math.Float32frombits(s))
		}
	}
}

// word is the address of words that a loop only moves.
func word(x []uint32) *float32 { return (*float32)(unsafe.Pointer(&x[0])) }

func sliceFromInt64(loop func(dst *float32, x *int64, n int)) func(dst []float32, x []int64) {
	const lanes = 8
	return func(dst []float32, x []int64) {
		sameLength(len(dst), len(x))
		whole := len(x) / lanes * lanes
		if whole > 0 {
			loop(&dst[0], &x[0], whole)
		}
		fromInt64(dst[whole:], x[whole:])
	}
}

func sliceQuantizeInt8(loop func(dst *uint8, x *float32, n int, scale, zero, low, high float32)) func(dst []int8, x []float32, scale float32, zero int8) {
	return func(dst []int8, x []float32, scale float32, zero int8) {
		if sameLength(len(dst), len(x)); len(x) > 0 {
			bytes := (*uint8)(unsafe.Pointer(&dst[0]))
			loop(bytes, &x[0], len(x), scale, float32(zero), math.MinInt8, math.MaxInt8)
		}
	}
}

// sliceMatVec walks strips of columns, the widest first.
func sliceMatVec(strips [matVecStrips]func(dst, x, w *float32, k, stride int)) func(dst, x, w []float32) {
	return func(dst, x, w []float32) {
		wholeMatrix(dst, x, w)
		if len(x) == 0 {
			return
		}
		at := 0
		for i := matVecStrips - 1; i >= 0; i-- {
			width := MatVecLanes << i
			for ; strips[i] != nil && len(dst)-at >= width; at += width {
				strips[i](&dst[at], &x[0], &w[at], len(x), 4*len(dst))
			}
		}
	}
}

func sliceDots(loop func(dst, x *float32, w *uint8, scales, zeros *float32, columns, blocks, groups, zeroStep int), bits int) func(dst, x []float32, w []uint8, scales, zeros []float32) {
	return func(dst, x []float32, w []uint8, scales, zeros []float32) {
		blocks := codeBlocks(dst, x, w, scales, zeros, bits)
		if blocks == 0 || len(x) == 0 {
			clear(dst)
			return
		}
		step := 4
		if len(zeros) == 1 {
			step = 0
		}
		loop(&dst[0], &x[0], &w[0], &scales[0], &zeros[0], len(dst), blocks, len(x)/blocks/CodeGroup, step)
	}
}
