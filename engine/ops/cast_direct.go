package ops

import (
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// directCast is the loop of a pair of types that one step converts between, or nil. It gives what conversion gives.
func directCast(from, to tensor.DType, v *vector.Funcs) binder {
	switch [2]tensor.DType{from, to} {
	case [2]tensor.DType{tensor.Float32, tensor.Float16}:
		return eachChunk(v.ToF16)
	case [2]tensor.DType{tensor.Float16, tensor.Float32}:
		return eachChunk(v.FromF16)
	case [2]tensor.DType{tensor.BFloat16, tensor.Float32}:
		return eachChunk(v.FromBF16)
	case [2]tensor.DType{tensor.Float32, tensor.BFloat16}:
		return eachChunk(narrowed) // and not ToBF16, which drops denormal numbers
	case [2]tensor.DType{tensor.Int32, tensor.Float32}:
		return eachChunk(v.FromInt32)
	case [2]tensor.DType{tensor.Int64, tensor.Float32}:
		return eachChunk(v.FromInt64)
	case [2]tensor.DType{tensor.Uint8, tensor.Float32}, [2]tensor.DType{tensor.Bool, tensor.Float32}: // a bool is a byte of 0 or 1
		return eachChunk(func(dst []float32, x []uint8) { v.DequantizeUint8(dst, x, 1, 0) })
	case [2]tensor.DType{tensor.Int8, tensor.Float32}:
		return eachChunk(func(dst []float32, x []int8) { v.DequantizeInt8(dst, x, 1, 0) })
	}
	if computed := numbers&^halves | bools; !computed.has(from) || !computed.has(to) {
		return nil
	}
	return laneOf(from).cast(to)
}

// cast is the loop from T to a type that Go computes in, or nil where one step would round otherwise than the two of a conversion.
func (lanes[T]) cast(to tensor.DType) binder {
	if _, long := any(*new(T)).(uint64); long && floats.has(to) || isReal[T]() && to == tensor.Uint64 {
		return nil
	}
	switch to {
	case tensor.Bool:
		return eachChunk(truths[T])
	case tensor.Float32:
		return eachChunk(into[T, float32])
	case tensor.Float64:
		return eachChunk(into[T, float64])
	case tensor.Int8:
		return eachChunk(whole[T, int8]())
	case tensor.Int16:
		return eachChunk(whole[T, int16]())
	case tensor.Int32:
		return eachChunk(whole[T, int32]())
	case tensor.Int64:
		return eachChunk(whole[T, int64]())
	case tensor.Uint8:
		return eachChunk(whole[T, uint8]())
	case tensor.Uint16:
		return eachChunk(whole[T, uint16]())
	case tensor.Uint32:
		return eachChunk(whole[T, uint32]())
	}
	return eachChunk(whole[T, uint64]())
}

// whole is the loop to an integer type. A fraction is dropped by way of int64: what does not fit wraps around.
func whole[T number, U integer]() func(dst []U, x []T) {
	if !isReal[T]() {
		return into[T, U]
	}
	return func(dst []U, x []T) {
		dst = dst[:len(x)]
		for i, v := range x {
			dst[i] = U(int64(v))
		}
	}
}

// into converts a run of elements.
func into[T, U number](dst []U, src []T) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = U(v)
	}
}

// truths tells of each element whether it is not zero.
func truths[T number](dst []bool, x []T) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = v != 0
	}
}

// narrowed rounds to bfloat16.
func narrowed(dst []uint16, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = tensor.BFloat16Bits(v)
	}
}
