// Package vector holds the elementwise, reducing and converting loops of the
// engine over float32, bfloat16 and integer slices.
//
// It knows neither tensors nor threads: callers cut slices, and call from as
// many goroutines as they like. Nothing here allocates.
//
// Unless a function says otherwise, all slices of a call have the same length
// (a breach panics), and dst may be the very slice of an operand; partial
// overlap is not allowed. NaN in gives NaN out. Each exact operation has the
// same bits on every variant; each approximate one states its error where its
// operation is declared, in ULP: units in the last place of the exact result.
package vector

import "github.com/eiplan/eiplan/engine/cpu"

// UnaryOp names a function of one element: dst[i] = op(x[i]).
type UnaryOp uint8

const (
	Neg        UnaryOp = iota // -x, exact
	Abs                       // |x|, exact
	Sqrt                      // √x, correctly rounded
	Reciprocal                // 1/x, correctly rounded
	Floor                     // largest integer ≤ x, exact
	Ceil                      // least integer ≥ x, exact
	Round                     // nearest integer, ties to even, exact
	Relu                      // max(x, 0), exact; NaN stays NaN
	Exp                       // eˣ, 2 ULP, denormal results included
	Log                       // ln x, 2 ULP
	Erf                       // erf x, 4 ULP
	Tanh                      // tanh x, 4 ULP
	Sigmoid                   // 1/(1+e⁻ˣ), 4 ULP
	Softplus                  // ln(1+eˣ), 4 ULP
	Gelu                      // x/2·(1+erf(x/√2)), 4 ULP of x
	GeluTanh                  // x/2·(1+tanh(√(2/π)·(x+0.044715x³))), 4 ULP of x
	Silu                      // x·sigmoid(x), 4 ULP of x
	HardSwish                 // x·min(max(x/6+1/2, 0), 1), 2 ULP of x
	Sin                       // sin x, 2 ULP, of any x; of an infinity NaN
	Cos                       // cos x, as Sin
	Atan                      // arctan x, 4 ULP
	Sign                      // -1, 0 or 1, exact; of -0 it is 0
	unaryOps
)

// ParamOp names a function of one element and two constants:
// dst[i] = op(x[i], alpha, beta).
type ParamOp uint8

const (
	Clip            ParamOp = iota // min(max(x, alpha), beta), exact; beta wins when alpha > beta
	LeakyRelu                      // x when x ≥ 0, else alpha·x; beta is ignored; exact
	Affine                         // alpha·x+beta, rounded once
	HardSigmoid                    // min(max(alpha·x+beta, 0), 1), rounded once
	Elu                            // x when x ≥ 0, else alpha·(eˣ-1), 4 ULP; beta is ignored
	ThresholdedRelu                // x when x > alpha, else 0, of NaN too; beta is ignored; exact
	Shrink                         // x+alpha when x < -beta, x-alpha when x > beta, else 0, of NaN too; correctly rounded
	paramOps
)

// BinaryOp names a function of two elements: dst[i] = op(a[i], b[i]). All are
// exact or correctly rounded.
type BinaryOp uint8

const (
	Add   BinaryOp = iota // a+b
	Sub                   // a-b
	Mul                   // a·b
	Div                   // a/b
	Max                   // a when a > b or a is NaN, else b
	Min                   // a when a < b or a is NaN, else b
	PRelu                 // a when a ≥ 0 or a is NaN, else a·b
	binaryOps
)

// ScalarOp names a function of an element and a constant:
// dst[i] = op(x[i], s). All are exact or correctly rounded.
type ScalarOp uint8

const (
	AddScalar     ScalarOp = iota // x+s
	SubScalar                     // x-s
	SubFromScalar                 // s-x
	MulScalar                     // x·s
	DivScalar                     // x/s
	DivIntoScalar                 // s/x
	MaxScalar                     // x when x > s or x is NaN, else s
	MinScalar                     // x when x < s or x is NaN, else s
	scalarOps
)

// Relation names a comparison of two elements: dst[i] = a[i] relation b[i]. None holds of NaN.
type Relation uint8

const (
	Equal          Relation = iota // a = b
	Greater                        // a > b
	GreaterOrEqual                 // a ≥ b
	Less                           // a < b
	LessOrEqual                    // a ≤ b
	relations
)

// ReduceOp names a function of a whole slice. The error of a sum of n terms is
// at most (n/8+8)·2⁻²⁴·Σ|term|; their order differs between variants.
type ReduceOp uint8

const (
	Sum        ReduceOp = iota // Σx; 0 when empty
	SumSquares                 // Σx²; 0 when empty
	Maximum                    // largest x; -Inf when empty; NaN when any is
	Minimum                    // least x; +Inf when empty; NaN when any is
	reduceOps
)

// Funcs holds the loops of one variant. A Funcs is immutable and may be shared.
//
// The BF16 tables read and write bfloat16, held as its 16 bits, and compute
// in float32: dst[i] = bfloat16(op(float32(x[i]))). Where op is approximate, the
// result may be one bfloat16 off.
type Funcs struct {
	Variant string // the row of Variants that this came from

	Unary  [unaryOps]func(dst, x []float32)
	Param  [paramOps]func(dst, x []float32, alpha, beta float32)
	Binary [binaryOps]func(dst, a, b []float32)
	Scalar [scalarOps]func(dst, x []float32, s float32)
	Reduce [reduceOps]func(x []float32) float32

	Compare       [relations]func(dst []bool, a, b []float32)
	CompareScalar [relations]func(dst []bool, x []float32, s float32)

	UnaryBF16  [unaryOps]func(dst, x []uint16)
	ParamBF16  [paramOps]func(dst, x []uint16, alpha, beta float32)
	BinaryBF16 [binaryOps]func(dst, a, b []uint16)

	// Dot returns Σ a[i]·b[i], with the error of a Sum of the products.
	Dot func(a, b []float32) float32

	// MatVec does dst[j] += Σ over k of x[k]·w[k·len(dst)+j], with an error of
	// at most (len(x)+8)·2⁻²⁴·Σ|term|. len(dst) is a multiple of MatVecLanes, and
	// dst is none of the operands.
	MatVec func(dst, x, w []float32)

	// Dots4 does dst[j] = Σ over b of scales[j·B+b]·Σ over i of block b of
	// x[i]·(w[j][i]-zeros[j·B+b]), where rows of w and x have B = len(scales)/len(dst)
	// blocks of equal length, a multiple of CodeGroup. The numbers of w have 4 bits, the first of two in the lower
	// ones of its byte; x is in the order of Spread. zeros may be one number, for
	// all blocks. The error is that of a Sum of all terms.
	Dots4 func(dst, x []float32, w []uint8, scales, zeros []float32)

	// Dots8 is Dots4 for numbers of 8 bits, and for x as it is.
	Dots8 func(dst, x []float32, w []uint8, scales, zeros []float32)

	// Choose does dst[i] = a[i] where cond[i], else b[i]: words, whatever they mean.
	Choose func(dst []uint32, cond []bool, a, b []uint32)

	// ChooseScalar does dst[i] = s where cond[i] is when, else x[i].
	ChooseScalar func(dst []uint32, cond []bool, x []uint32, when bool, s uint32)

	// Axpy does y[i] += alpha·x[i], rounded once.
	Axpy func(y, x []float32, alpha float32)

	// ScaleShift does dst[r·c+i] = x[r·c+i]·scale[i] + bias[i], rounded once,
	// for every row r of c = len(scale) = len(bias) elements. len(dst) is a
	// multiple of c. It is batch normalization over NHWC.
	ScaleShift func(dst, x, scale, bias []float32)

	// ToBF16 rounds to nearest, ties to even. Denormal numbers become zero of
	// their sign, as VCVTNEPS2BF16 does, and NaN becomes quiet, keeping its
	// upper payload.
	ToBF16 func(dst []uint16, x []float32)

	// FromBF16 widens, exactly.
	FromBF16 func(dst []float32, x []uint16)

	// ToF16 rounds to IEEE binary16, nearest, ties to even, denormal numbers
	// included; NaN becomes quiet, keeping its upper payload.
	ToF16 func(dst []uint16, x []float32)

	// FromF16 widens, exactly; NaN becomes quiet.
	FromF16 func(dst []float32, x []uint16)

	// QuantizeUint8 does dst[i] = saturate(round(x[i]/scale) + zero), ties to
	// even: ONNX QuantizeLinear. NaN becomes the least value of the type.
	QuantizeUint8 func(dst []uint8, x []float32, scale float32, zero uint8)

	// QuantizeInt8 is QuantizeUint8 for int8.
	QuantizeInt8 func(dst []int8, x []float32, scale float32, zero int8)

	// DequantizeUint8 does dst[i] = (x[i]-zero)·scale.
	DequantizeUint8 func(dst []float32, x []uint8, scale float32, zero uint8)

	// DequantizeInt8 is DequantizeUint8 for int8.
	DequantizeInt8 func(dst []float32, x []int8, scale float32, zero int8)

	// FromInt32 and FromInt64 convert, nearest, ties to even.
	FromInt32 func(dst []float32, x []int32)
	FromInt64 func(dst []float32, x []int64)
}

// MatVecLanes divides the number of MatVec's columns.
const MatVecLanes = 16

// CodeGroup divides the length of the blocks of Dots4 and Dots8.
const CodeGroup = 32

// Spread copies x to dst in the order of Dots4: of each CodeGroup elements the
// even ones before the odd ones. What dst has more becomes zero.
func Spread(dst, x []float32) {
	clear(dst)
	for i, v := range x {
		dst[i&^(CodeGroup-1)+i%2*(CodeGroup/2)+i%CodeGroup/2] = v
	}
}

// matVecStrips is how many widths of strips assembled variants cut a matrix into:
// 16, 32, 64 and 128 columns.
const matVecStrips = 4

// Variant is what is known of an implementation, on every architecture.
type Variant struct {
	Name  string
	Needs cpu.Features
}

// For returns the best variant that a machine with the given features can run
// and that this build holds. It never returns nil: plain Go runs anywhere. All
// callers share it, and must not change it.
func For(features cpu.Features) *Funcs {
	for i, v := range Variants() {
		if f := built[i]; f != nil && features.Has(v.Needs) {
			return f
		}
	}
	return plain
}

// built are Variants as far as this build holds them, nil in place of others, and
// plain is the reference.
var built, plain = build(), Reference()

func build() []*Funcs {
	var list []*Funcs
	for _, v := range Variants() {
		list = append(list, assembled(v.Name))
	}
	return list
}
