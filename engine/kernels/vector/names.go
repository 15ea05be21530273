package vector

// String returns the name of op as declared.
func (op UnaryOp) String() string {
	return [unaryOps]string{
		"Neg", "Abs", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Relu", "Exp", "Log", "Erf", "Tanh",
		"Sigmoid", "Softplus", "Gelu", "GeluTanh", "Silu", "HardSwish", "Sin", "Cos", "Atan", "Sign",
	}[op]
}

// String returns the name of op as declared.
func (op ParamOp) String() string {
	return [paramOps]string{"Clip", "LeakyRelu", "Affine", "HardSigmoid", "Elu", "ThresholdedRelu", "Shrink"}[op]
}

// String returns the name of op as declared.
func (op BinaryOp) String() string {
	return [binaryOps]string{"Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu"}[op]
}

// String returns the name of op as declared.
func (op ScalarOp) String() string {
	return [scalarOps]string{
		"AddScalar", "SubScalar", "SubFromScalar", "MulScalar", "DivScalar", "DivIntoScalar", "MaxScalar", "MinScalar",
	}[op]
}

// String returns the name of r as declared.
func (r Relation) String() string {
	return [relations]string{"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}[r]
}

// String returns the name of op as declared.
func (op ReduceOp) String() string {
	return [reduceOps]string{"Sum", "SumSquares", "Maximum", "Minimum"}[op]
}
