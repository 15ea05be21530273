package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// unary is an operator on each element alone that keeps the type: Sqrt, Relu, Erf and their like. flops is its nominal cost, an exponential
// counted as 10.
func unary(allowed types, flops float64) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, allowed); err != nil {
				return err
			}
			yields(n, 0, n.Inputs[0].DType, n.Inputs[0].Shape)
			return nil
		},
		Cost:    costElementwise(flops),
		Prepare: prepareUnary,
	}
}

func prepareUnary(n *graph.Node, t *Target) (Kernel, error) {
	if n.Inputs[0].DType == tensor.BFloat16 && StoresBFloat16(n) {
		return Kernel{Class: "elementwise", Bind: eachChunk(vector.For(t.Features).UnaryBF16[bfloat16Unary[spelling(n)]])}, nil
	}
	return halved(func(n *graph.Node, t *Target) (Kernel, error) {
		return Kernel{Class: "elementwise", Bind: laneOf(n.Inputs[0].DType).unary(n, t)}, nil
	})(n, t)
}

// bfloat16Unary lists what transformers do between products, by spelling.
var bfloat16Unary = map[string]vector.UnaryOp{
	"Gelu": vector.Gelu, "Gelu tanh": vector.GeluTanh, "Relu": vector.Relu, "Sigmoid": vector.Sigmoid, "Swish": vector.Silu, "Tanh": vector.Tanh,
}

// spelling is a node's operator, with what tells its variants apart.
func spelling(n *graph.Node) string {
	switch {
	case n.Op == "Gelu" && n.Str("approximate", "none") == "tanh":
		return "Gelu tanh"
	case n.Op == "Swish" && n.Float("alpha", 1) != 1:
		return "Swish by alpha"
	}
	return n.Op
}

// StoresBFloat16 reports whether a unary operator has a kernel that reads and writes bfloat16.
func StoresBFloat16(n *graph.Node) bool {
	_, ok := bfloat16Unary[spelling(n)]
	return ok && n.Domain == ""
}

func (lanes[T]) unary(n *graph.Node, t *Target) binder {
	if f := float32Unary(n, vector.For(t.Features)); f != nil {
		if _, ok := any(*new(T)).(float32); ok {
			return eachChunk(f)
		}
	}
	return eachChunk(eachElement(meaning1[T](n)))
}

// eachElement makes the loop of a function of one element.
func eachElement[T, U any](f func(x T) U) func(dst []U, x []T) {
	return func(dst []U, x []T) {
		for i, v := range x {
			dst[i] = f(v)
		}
	}
}

// eachChunk runs a loop over the first input and output, in pieces.
func eachChunk[T, U any](loop func(dst []U, x []T)) binder {
	return func(c *Call) func() error {
		p := inPieces(c.Team, c.Out[0].Len(), 1, func(from, to int) {
			loop(elements[U](&c.Out[0].Tensor)[from:to], elements[T](&c.In[0].Tensor)[from:to])
		})
		return func() error { p.run(c.Team); return nil }
	}
}

// meaning1 is what an operator of one number does to it: for integers in themselves where the result is one, else through float64.
func meaning1[T number](n *graph.Node) func(x T) T {
	if !isReal[T]() {
		switch n.Op {
		case "Abs":
			return func(x T) T { return x * sign(x) }
		case "Neg":
			return func(x T) T { return -x }
		case "Sign":
			return sign[T]
		case "Relu":
			return func(x T) T { return max(x, 0) }
		case "Not":
			return func(x T) T { return 1 - x }
		case "BitwiseNot":
			return func(x T) T { return -x - 1 }
		}
	}
	f := realMeaning(n)
	return func(x T) T { return T(f(float64(x))) }
}

// sign is -1, 0 or 1.
func sign[T number](x T) T {
	one := T(1)
	switch {
	case x > 0:
		return one
	case x < 0:
		return -one
	}
	return 0
}

// realMeaning is what an operator does to a real number. Constants that ONNX gives as float32 defaults are written as such.
func realMeaning(n *graph.Node) func(x float64) float64 {
	alpha := func(fallback float32) float64 { return float64(n.Float("alpha", fallback)) }
	switch n.Op {
	case "Elu":
		a := alpha(1)
		return func(x float64) float64 { return elu(x, a) }
	case "Celu":
		a := alpha(1)
		return func(x float64) float64 { return choose(x < 0, elu(x/a, a), x) }
	case "Selu":
		a, gamma := alpha(1.67326319217681884765625), float64(n.Float("gamma", 1.05070102214813232421875))
		return func(x float64) float64 { return gamma * elu(x, a) }
	case "LeakyRelu":
		a := alpha(0.01)
		return func(x float64) float64 { return choose(x < 0, a*x, x) }
	case "ThresholdedRelu":
		a := alpha(1)
		return func(x float64) float64 { return thresholded(x, a) }
	case "HardSigmoid":
		a, beta := alpha(0.2), float64(n.Float("beta", 0.5))
		return func(x float64) float64 { return clamp01(a*x + beta) }
	case "Swish":
		a := alpha(1)
		return func(x float64) float64 { return x * sigmoid(a*x) }
	case "Shrink":
		bias, lambda := float64(n.Float("bias", 0)), float64(n.Float("lambd", 0.5))
		return func(x float64) float64 {
			return choose(x < -lambda, x+bias, choose(x > lambda, x-bias, 0))
		}
	case "Gelu":
		if n.Str("approximate", "none") == "tanh" {
			return func(x float64) float64 {
				return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
			}
		}
		return func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }
	}
	if f := plainMeaning(n.Op); f != nil {
		return f
	}
	panic(fmt.Sprintf("ops: %s has no meaning for one number", n.Op))
}

// plainMeaning is realMeaning for operators without attributes; nil for others.
func plainMeaning(op string) func(x float64) float64 { return plainMeanings[op] }

var plainMeanings = map[string]func(x float64) float64{
	"Abs":        math.Abs,
	"Acos":       math.Acos,
	"Acosh":      math.Acosh,
	"Asin":       math.Asin,
	"Asinh":      math.Asinh,
	"Atan":       math.Atan,
	"Atanh":      math.Atanh,
	"Ceil":       math.Ceil,
	"Cos":        math.Cos,
	"Cosh":       math.Cosh,
	"Erf":        math.Erf,
	"Exp":        math.Exp,
	"Floor":      math.Floor,
	"HardSwish":  func(x float64) float64 { return x * clamp01(x/6+0.5) },
	"Log":        math.Log,
	"Mish":       func(x float64) float64 { return x * math.Tanh(softplus(x)) },
	"Neg":        func(x float64) float64 { return -x },
	"Reciprocal": func(x float64) float64 { return 1 / x },
	"Relu":       func(x float64) float64 { return choose(x < 0, 0, x) },
	"Round":      math.RoundToEven,
	"Sigmoid":    sigmoid,
	"Sign":       func(x float64) float64 { return choose(x != x, x, sign(x)) },
	"Sin":        math.Sin,
	"Sinh":       math.Sinh,
	"Softplus":   softplus,
	"Softsign":   func(x float64) float64 { return x / (1 + math.Abs(x)) },
	"Sqrt":       math.Sqrt,
	"Tan":        math.Tan,
	"Tanh":       math.Tanh,
}

func choose(first bool, a, b float64) float64 {
	if first {
		return a
	}
	return b
}

func clamp01(x float64) float64  { return min(max(x, 0), 1) }
func sigmoid(x float64) float64  { return 1 / (1 + math.Exp(-x)) }
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func elu(x, alpha float64) float64 {
	if x < 0 {
		return alpha * math.Expm1(x)
	}
	return x
}

// float32Unary is the vector kernel for a node, or nil.
func float32Unary(n *graph.Node, v *vector.Funcs) func(dst, x []float32) {
	param := func(op vector.ParamOp, alpha, beta float32) func(dst, x []float32) {
		f := v.Param[op]
		return func(dst, x []float32) { f(dst, x, alpha, beta) }
	}
	switch n.Op {
	case "LeakyRelu":
		return param(vector.LeakyRelu, n.Float("alpha", 0.01), 0)
	case "Elu":
		return param(vector.Elu, n.Float("alpha", 1), 0)
	case "HardSigmoid":
		return param(vector.HardSigmoid, n.Float("alpha", 0.2), n.Float("beta", 0.5))
	case "ThresholdedRelu":
		return param(vector.ThresholdedRelu, n.Float("alpha", 1), 0)
	case "Shrink":
		return param(vector.Shrink, n.Float("bias", 0), n.Float("lambd", 0.5))
	case "Swish":
		if n.Float("alpha", 1) == 1 {
			return v.Unary[vector.Silu]
		}
		return nil
	case "Gelu":
		if n.Str("approximate", "none") == "tanh" {
			return v.Unary[vector.GeluTanh]
		}
		return v.Unary[vector.Gelu]
	}
	op, ok := map[string]vector.UnaryOp{
		"Abs": vector.Abs, "Ceil": vector.Ceil, "Erf": vector.Erf, "Exp": vector.Exp, "Floor": vector.Floor, "HardSwish": vector.HardSwish,
		"Log": vector.Log, "Neg": vector.Neg, "Reciprocal": vector.Reciprocal, "Relu": vector.Relu, "Round": vector.Round,
		"Sigmoid": vector.Sigmoid, "Softplus": vector.Softplus, "Sqrt": vector.Sqrt, "Tanh": vector.Tanh,
		"Atan": vector.Atan, "Cos": vector.Cos, "Sign": vector.Sign, "Sin": vector.Sin,
	}[n.Op]
	if !ok {
		return nil
	}
	return v.Unary[op]
}
