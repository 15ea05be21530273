package models

import "github.com/eiplan/eiplan/models/tensor"

// typeRule tells the element type of a node's outputs.
type typeRule struct {
	fixed tensor.DType // of output 0, when not Undefined
	input int          // else that of this input
	rest  tensor.DType // of the other outputs; Undefined: as output 0
}

// typeRules lists the operators of ai.onnx whose outputs have another type than their first input.
var typeRules = map[string]typeRule{
	"And": {fixed: tensor.Bool}, "Or": {fixed: tensor.Bool}, "Xor": {fixed: tensor.Bool}, "Not": {fixed: tensor.Bool},
	"Equal": {fixed: tensor.Bool}, "Greater": {fixed: tensor.Bool}, "GreaterOrEqual": {fixed: tensor.Bool}, "Less": {fixed: tensor.Bool},
	"LessOrEqual": {fixed: tensor.Bool}, "IsNaN": {fixed: tensor.Bool}, "IsInf": {fixed: tensor.Bool},
	"Shape": {fixed: tensor.Int64}, "Size": {fixed: tensor.Int64}, "NonZero": {fixed: tensor.Int64}, "NonMaxSuppression": {fixed: tensor.Int64},
	"ArgMax": {fixed: tensor.Int64}, "ArgMin": {fixed: tensor.Int64},
	"TopK": {rest: tensor.Int64}, "MaxPool": {rest: tensor.Int64}, "Unique": {rest: tensor.Int64}, "Dropout": {rest: tensor.Bool},
	"ConvInteger": {fixed: tensor.Int32}, "MatMulInteger": {fixed: tensor.Int32},
	"Where": {input: 1}, "CastLike": {input: 1}, "DequantizeLinear": {input: 1}, "OneHot": {input: 2}, "QuantizeLinear": {input: 2},
	"QLinearConv": {input: 7}, "QLinearMatMul": {input: 7},
}

// typeless lists the operators of ai.onnx whose outputs' types are not told by typeRules or an attribute.
var typeless = map[string]bool{
	"If": true, "Loop": true, "Scan": true, "SequenceMap": true, "Optional": true, "OptionalGetElement": true, "OptionalHasElement": true,
	"SequenceAt": true, "SequenceConstruct": true, "SequenceEmpty": true, "SequenceInsert": true, "SequenceErase": true, "SequenceLength": true,
	"SplitToSequence": true, "ConcatFromSequence": true, "EyeLike": true, "RandomNormal": true, "RandomNormalLike": true, "RandomUniform": true,
	"RandomUniformLike": true, "Multinomial": true, "Bernoulli": true, "BlackmanWindow": true, "HannWindow": true, "HammingWindow": true,
	"MelWeightMatrix": true, "BitCast": true, "TfIdfVectorizer": true, "StringSplit": true, "RegexFullMatch": true, "ImageDecoder": true,
}

// dtype is the element type of a value of the new list, as far as declarations and the operators on the way to it tell; else Undefined.
func (u *upgrader) dtype(value string) tensor.DType {
	var walked []string
	d := tensor.Undefined
	for value != "" {
		if d = u.declared(value); d != tensor.Undefined {
			break
		}
		n := u.producer(value)
		if n == nil {
			break
		}
		walked = append(walked, value)
		if d, value = n.elementType(value); d != tensor.Undefined {
			break
		}
	}
	for _, v := range walked {
		if d != tensor.Undefined {
			u.types[v] = d
		}
	}
	return d
}

func (u *upgrader) declared(value string) tensor.DType {
	for g := u; g != nil; g = g.outer {
		if d, ok := g.types[value]; ok {
			return d
		}
	}
	return tensor.Undefined
}

func (u *upgrader) producer(value string) *Node {
	for g := u; g != nil; g = g.outer {
		if n, ok := g.made[value]; ok {
			return n
		}
	}
	return nil
}

// elementType is the type of one of a node's outputs, or the name of the input that has the same; neither where it can't be told.
func (n *Node) elementType(output string) (tensor.DType, string) {
	if n.Domain != "" || typeless[n.Op] {
		return tensor.Undefined, ""
	}
	switch n.Op {
	case "Cast":
		return tensor.DType(n.intOr("to", 0)), ""
	case "Constant", "ConstantOfShape":
		if a, ok := n.Attributes["value"]; ok {
			return a.Tensor.DType, ""
		}
		if n.Op == "ConstantOfShape" {
			return tensor.Float32, ""
		}
		return tensor.Undefined, ""
	}
	rule := typeRules[n.Op]
	if rule.rest != tensor.Undefined && output != n.output(0) {
		return rule.rest, ""
	}
	if rule.fixed != tensor.Undefined {
		return rule.fixed, ""
	}
	return tensor.Undefined, n.input(rule.input)
}
