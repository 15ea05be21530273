//go:build (amd64 || arm64) && !purego

package vector

import "math"

// The structs below name the generated loops. Their slices begin at the
// pointers, none is empty, and dst may equal an operand.

type elementwise struct {
	unary         [unaryOps]func(dst, x *float32, n int)
	param         [paramOps]func(dst, x *float32, n int, alpha, beta float32)
	binary        [binaryOps]func(dst, a, b *float32, n int)
	scalar        [scalarOps]func(dst, x *float32, n int, s float32)
	compare       [relations]func(dst *bool, a, b *float32, n int)
	compareScalar [relations]func(dst *bool, x *float32, n int, s float32)
	choose        func(dst *float32, cond *bool, a, b *float32, n int)
	chooseScalar  func(dst *float32, cond *bool, x *float32, n int, when, s float32)
	axpy          func(y, x *float32, n int, alpha float32)
	scaleShift    func(dst, x, scale, bias *float32, n, rows int)
}

type bfloat16 struct {
	unaryBF16  [unaryOps]func(dst, x *uint16, n int)
	paramBF16  [paramOps]func(dst, x *uint16, n int, alpha, beta float32)
	binaryBF16 [binaryOps]func(dst, a, b *uint16, n int)
	toBF16     func(dst *uint16, x *float32, n int)
	fromBF16   func(dst *float32, x *uint16, n int)
}

type reduction struct {
	reduce [reduceOps]func(x *float32, n int) float32
	dot    func(a, b *float32, n int) float32
	matVec [matVecStrips]func(dst, x, w *float32, k, stride int) // of 16<<i columns; nil where there are too few registers
	dots4  func(dst, x *float32, w *uint8, scales, zeros *float32, columns, blocks, groups, zeroStep int)
	dots8  func(dst, x *float32, w *uint8, scales, zeros *float32, columns, blocks, groups, zeroStep int)
}

type conversion struct {
	toF16           func(dst *uint16, x *float32, n int)
	fromF16         func(dst *float32, x *uint16, n int)
	fromInt32       func(dst *float32, x *int32, n int)
	fromInt64       func(dst *float32, x *int64, n int) // whole vectors of 8 only; nil where there is none
	quantize        func(dst *uint8, x *float32, n int, scale, zero, low, high float32)
	dequantizeUint8 func(dst *float32, x *uint8, n int, scale, zero float32)
	dequantizeInt8  func(dst *float32, x *int8, n int, scale, zero float32)
}

func (f *Funcs) add(e elementwise, r reduction, c conversion, b bfloat16) {
	for op, loop := range e.unary {
		f.Unary[op] = sliceUnary(loop)
	}
	for op, loop := range e.param {
		f.Param[op] = sliceParam(loop)
	}
	for op, loop := range e.binary {
		f.Binary[op] = sliceBinary(loop)
	}
	for op, loop := range e.scalar {
		f.Scalar[op] = func(dst, x []float32, s float32) {
			if sameLength(len(dst), len(x)); len(x) > 0 {
				loop(&dst[0], &x[0], len(x), s)
			}
		}
	}
	f.Axpy = func(y, x []float32, alpha float32) {
		if sameLength(len(y), len(x)); len(x) > 0 {
			e.axpy(&y[0], &x[0], len(x), alpha)
		}
	}
	f.ScaleShift = sliceScaleShift(e.scaleShift)
	f.addComparisons(e)
	f.addReductions(r)
	for op, exact := range map[UnaryOp]func(float32) float32{Sin: sine, Cos: cosine} {
		f.Unary[op] = sliceAngles(f.Unary[op], f.moderate, exact)
	}
	f.addConversions(c)
	f.addBF16(b)
}

func (f *Funcs) addComparisons(e elementwise) {
	for r, loop := range e.compare {
		f.Compare[r] = func(dst []bool, a, b []float32) {
			if sameLength(len(dst), len(a), len(b)); len(dst) > 0 {
				loop(&dst[0], &a[0], &b[0], len(dst))
			}
		}
	}
	for r, loop := range e.compareScalar {
		f.CompareScalar[r] = func(dst []bool, x []float32, s float32) {
			if sameLength(len(dst), len(x)); len(x) > 0 {
				loop(&dst[0], &x[0], len(x), s)
			}
		}
	}
	f.Choose = sliceChoose(e.choose)
	f.ChooseScalar = sliceChooseScalar(e.chooseScalar)
}

func (f *Funcs) addReductions(r reduction) {
	for op, loop := range r.reduce {
		empty := [reduceOps]float32{Maximum: float32(math.Inf(-1)), Minimum: float32(math.Inf(1))}[op]
		f.Reduce[op] = func(x []float32) float32 {
			if len(x) == 0 {
				return empty
			}
			return loop(&x[0], len(x))
		}
	}
	f.MatVec = sliceMatVec(r.matVec)
	f.Dots4, f.Dots8 = sliceDots(r.dots4, 4), sliceDots(r.dots8, 8)
	f.Dot = func(a, b []float32) float32 {
		if sameLength(len(a), len(b)); len(a) == 0 {
			return 0
		}
		return r.dot(&a[0], &b[0], len(a))
	}
}

func (f *Funcs) addBF16(b bfloat16) {
	for op, loop := range b.unaryBF16 {
		f.UnaryBF16[op] = sliceUnary(loop)
	}
	for op, exact := range map[UnaryOp]func(float32) float32{Sin: sine, Cos: cosine} {
		f.UnaryBF16[op] = sliceAngles(f.UnaryBF16[op], moderateBF16, func(x uint16) uint16 { return RoundBF16(exact(WidenBF16(x))) })
	}
	for op, loop := range b.paramBF16 {
		f.ParamBF16[op] = sliceParam(loop)
	}
	for op, loop := range b.binaryBF16 {
		f.BinaryBF16[op] = sliceBinary(loop)
	}
	f.ToBF16 = sliceUnary(b.toBF16)
	f.FromBF16 = sliceUnary(b.fromBF16)
}

func (f *Funcs) addConversions(c conversion) {
	f.ToF16 = sliceUnary(c.toF16)
	f.FromF16 = sliceUnary(c.fromF16)
	f.FromInt32 = sliceUnary(c.fromInt32)
	if c.fromInt64 != nil {
		f.FromInt64 = sliceFromInt64(c.fromInt64)
	}
	f.QuantizeUint8 = func(dst []uint8, x []float32, scale float32, zero uint8) {
		if sameLength(len(dst), len(x)); len(x) > 0 {
			c.quantize(&dst[0], &x[0], len(x), scale, float32(zero), 0, math.MaxUint8)
		}
	}
	f.QuantizeInt8 = sliceQuantizeInt8(c.quantize)
	f.DequantizeUint8 = func(dst []float32, x []uint8, scale float32, zero uint8) {
		if sameLength(len(dst), len(x)); len(x) > 0 {
			c.dequantizeUint8(&dst[0], &x[0], len(x), scale, float32(zero))
		}
	}
	f.DequantizeInt8 = func(dst []float32, x []int8, scale float32, zero int8) {
		if sameLength(len(dst), len(x)); len(x) > 0 {
			c.dequantizeInt8(&dst[0], &x[0], len(x), scale, float32(zero))
		}
	}
}
