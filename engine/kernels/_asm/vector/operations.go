package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/eiplan/eiplan/engine/kernels/_asm/isa"
)

// v is a vector register.
type v = reg.VecVirtual

// unaryOperation is an op of vector.UnaryOp; unroll is how many vectors a turn
// of its loop takes.
type unaryOperation struct {
	name   string
	unroll int
	of     func(a *isa.Algebra, x v) v
}

var unaryOperations = []unaryOperation{
	{"Neg", 4, func(a *isa.Algebra, x v) v { return a.Xor(x, a.Bits(0x80000000)) }},
	{"Abs", 4, func(a *isa.Algebra, x v) v { return a.Abs(x) }},
	{"Sqrt", 1, func(a *isa.Algebra, x v) v { return a.Sqrt(x) }},
	{"Reciprocal", 1, func(a *isa.Algebra, x v) v { return a.Div(a.Move(a.Const(1)), x) }},
	{"Floor", 4, func(a *isa.Algebra, x v) v { return a.Integral(x, isa.Down) }},
	{"Ceil", 4, func(a *isa.Algebra, x v) v { return a.Integral(x, isa.Up) }},
	{"Round", 4, func(a *isa.Algebra, x v) v { return a.Integral(x, isa.ToEven) }},
	{"Relu", 4, func(a *isa.Algebra, x v) v { return a.Greater(a.Nought(), x) }},
	{"Exp", 1, func(a *isa.Algebra, x v) v { return a.Exp(x) }},
	{"Log", 1, (*isa.Algebra).Log},
	{"Erf", 1, (*isa.Algebra).Erf},
	{"Tanh", 1, (*isa.Algebra).Tanh},
	{"Sigmoid", 1, (*isa.Algebra).Sigmoid},
	{"Softplus", 1, (*isa.Algebra).Softplus},
	{"Gelu", 1, (*isa.Algebra).Gelu},
	{"GeluTanh", 1, (*isa.Algebra).GeluTanh},
	{"Silu", 1, (*isa.Algebra).Silu},
	{"HardSwish", 1, hardSwish},
	{"Sin", 1, (*isa.Algebra).Sin},
	{"Cos", 1, (*isa.Algebra).Cos},
	{"Atan", 1, (*isa.Algebra).Atan},
	{"Sign", 2, sign},
}

// sign adds zero to what has no sign: -0 becomes 0, and NaN stays.
func sign(a *isa.Algebra, x v) v {
	one := a.Or(a.Sign(x), a.Const(1))
	return a.Select(a.Compare(a.Abs(x), isa.GreaterThan, a.Nought()), one, a.Add(x, a.Nought()))
}

func hardSwish(a *isa.Algebra, x v) v {
	gate := a.MulAdd(a.Move(x), a.Move(a.Const(1./6)), a.Const(0.5))
	return a.Mul(x, a.Clamp(gate, a.Nought(), a.Move(a.Const(1))))
}

// paramOperations are the ops of vector.ParamOp.
var paramOperations = []struct {
	name string
	of   func(a *isa.Algebra, x, alpha, beta v) v
}{
	{"Clip", func(a *isa.Algebra, x, alpha, beta v) v { return a.Clamp(x, alpha, beta) }},
	{"LeakyRelu", func(a *isa.Algebra, x, alpha, _ v) v {
		return a.Select(a.Compare(x, isa.LessThan, a.Nought()), a.Mul(x, alpha), x)
	}},
	{"Affine", func(a *isa.Algebra, x, alpha, beta v) v { return a.MulAdd(x, alpha, beta) }},
	{"HardSigmoid", func(a *isa.Algebra, x, alpha, beta v) v {
		return a.Clamp(a.MulAdd(x, alpha, beta), a.Nought(), a.Move(a.Const(1)))
	}},
	{"Elu", func(a *isa.Algebra, x, alpha, _ v) v {
		return a.Select(a.Compare(x, isa.LessThan, a.Nought()), a.Mul(a.Expm1(x), alpha), x)
	}},
	{"ThresholdedRelu", func(a *isa.Algebra, x, alpha, _ v) v {
		return a.Select(a.Compare(x, isa.GreaterThan, alpha), x, a.Nought())
	}},
	{"Shrink", func(a *isa.Algebra, x, alpha, beta v) v {
		upper := a.Select(a.Compare(x, isa.GreaterThan, beta), a.Sub(x, alpha), a.Nought())
		return a.Select(a.Compare(x, isa.LessThan, a.Xor(beta, a.Bits(0x80000000))), a.Add(x, alpha), upper)
	}},
}

// binaryOperations are the ops of vector.BinaryOp and, by scalar, those of
// vector.ScalarOp.
var binaryOperations = []struct {
	name string
	of   func(a *isa.Algebra, x, y Op) v
}{
	{"Add", (*isa.Algebra).Add},
	{"Sub", (*isa.Algebra).Sub},
	{"Mul", (*isa.Algebra).Mul},
	{"Div", (*isa.Algebra).Div},
	{"Max", (*isa.Algebra).Larger},
	{"Min", (*isa.Algebra).Smaller},
	{"PRelu", func(a *isa.Algebra, x, y Op) v {
		return a.Select(a.Compare(x, isa.LessThan, a.Nought()), a.Mul(x, y), x)
	}},
}

var scalarOperations = []struct {
	name string
	of   func(a *isa.Algebra, x, s Op) v
}{
	{"AddScalar", (*isa.Algebra).Add},
	{"SubScalar", (*isa.Algebra).Sub},
	{"SubFromScalar", func(a *isa.Algebra, x, s Op) v { return a.Sub(s, x) }},
	{"MulScalar", (*isa.Algebra).Mul},
	{"DivScalar", (*isa.Algebra).Div},
	{"DivIntoScalar", func(a *isa.Algebra, x, s Op) v { return a.Div(s, x) }},
	{"MaxScalar", (*isa.Algebra).Larger},
	{"MinScalar", (*isa.Algebra).Smaller},
}

// relations are those of vector.Relation.
var relations = []struct {
	name string
	of   func(a *isa.Algebra, x, y Op) isa.Predicate
}{
	{"Equal", func(a *isa.Algebra, x, y Op) isa.Predicate { return a.Compare(x, isa.Equal, y) }},
	{"Greater", func(a *isa.Algebra, x, y Op) isa.Predicate { return a.Compare(x, isa.GreaterThan, y) }},
	{"GreaterOrEqual", func(a *isa.Algebra, x, y Op) isa.Predicate { return a.Compare(x, isa.AtLeast, y) }},
	{"Less", func(a *isa.Algebra, x, y Op) isa.Predicate { return a.Compare(x, isa.LessThan, y) }},
	{"LessOrEqual", func(a *isa.Algebra, x, y Op) isa.Predicate { return a.Compare(y, isa.AtLeast, x) }},
}
