// Package gemm multiplies matrices: C = clamp(A·B + bias + residual), with B
// packed into column panels that vector kernels stream. It knows nothing of
// tensors, graphs or operators; callers hand it slices and strides.
//
// # Constant B
//
// B, which is K×N, is packed once, by Pack, into Panels that any number of
// sessions share. Each session binds a Call, which owns the little memory that
// a run changes, and runs it as often as it likes without allocating:
//
//	kernel := gemm.Choose(features, gemm.FP32, m, n, k)
//	panels, err := gemm.Pack(arena, kernel, b, k, n, ldb, false)
//	call, err := panels.Bind(m, threads, gemm.Epilogue{Bias: bias, Clamp: gemm.ReLU()})
//	call.Run(team, a, c, gemm.Matrix{})
//
// # B known only at run time
//
// Products describes many small products of equal shape, such as the heads of
// an attention layer; they pack B panel by panel into scratch that is made when
// they are bound.
//
// # Which kernel
//
// Choose decides, from the processor's features, the format and k. Kernels lists
// all there are: to measure one, pack with it and bind as many rows as its MR.
// MixedPays says whether BF16 should be the faster format at all. Where there are
// AMX tiles, large products in FP32 run on them, each number in three parts of
// bfloat16, at the accuracy of FP32.
//
// # Memory
//
// A, C, bias and residual are read and written exactly within their rows and
// columns: a tile masks the columns it lacks and never reads A past column K.
// C must not overlap A. C and the residual may be the same matrix.
package gemm

import (
	"fmt"
	"math"
)

// Format is how B is stored and how products are summed.
type Format uint8

const (
	FP32 Format = iota // everything in binary32
	BF16               // A and B in bfloat16, sums in binary32, C in either
	FP16               // B in binary16, widened as it is read; A, sums and C in binary32
)

// String is the format's name in reports.
func (f Format) String() string {
	switch f {
	case FP32:
		return "fp32"
	case BF16:
		return "bf16"
	case FP16:
		return "fp16w"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// valueBytes is the size of one packed element of B.
func (f Format) valueBytes() int {
	if f == FP32 {
		return 4
	}
	return 2
}

// elementBytes is the size of one element of A.
func (f Format) elementBytes() int {
	if f == BF16 {
		return 2
	}
	return 4
}

// stepK is the number of k that one step of a kernel consumes.
func (f Format) stepK() int {
	if f == BF16 {
		return 2
	}
	return 1
}

// Matrix is a row-major matrix in the caller's memory: binary32 or bfloat16,
// whichever slice is set. The zero Matrix stands for none.
type Matrix struct {
	F32    []float32
	BF16   []uint16
	Stride int // elements from one row to the next
}

// Clamp bounds results from both sides. NaN passes. The zero Clamp is the
// constant function zero: use Unbounded for none.
type Clamp struct {
	Lo, Hi float32
}

// Unbounded clamps nothing.
func Unbounded() Clamp {
	return Clamp{float32(math.Inf(-1)), float32(math.Inf(1))}
}

// ReLU clamps from below at zero.
func ReLU() Clamp { return Clamp{0, float32(math.Inf(1))} }

// Epilogue is what happens to a sum of products before it is stored: the bias
// of its column is added, then the residual that the run is given, then it is
// clamped.
type Epilogue struct {
	Bias  []float32 // one per column, or nil
	Clamp Clamp
}
