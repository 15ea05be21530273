package ops

import (
	"fmt"
	"maps"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// sameAs is an operator of ai.onnx under another domain.
func sameAs(op string) func(c *composition) error {
	return func(c *composition) error {
		for i, v := range c.addMany(op, maps.Clone(c.Attributes), len(c.Outputs), c.Inputs...) {
			c.yield(i, v)
		}
		return nil
	}
}

// biasGelu is Gelu(X + bias); the bias may be absent.
func biasGelu(approximate string) func(c *composition) error {
	return func(c *composition) error {
		c.yield(0, c.add("Gelu", settings{"approximate": textSetting(approximate)}, c.plus(c.Inputs[0], c.In(1))))
		return nil
	}
}

// quickGelu is X·sigmoid(alpha·X).
func quickGelu(c *composition) error {
	c.yield(0, c.add("Swish", settings{"alpha": floatSetting(c.Float("alpha", 1.702))}, c.Inputs[0]))
	return nil
}

// biasSplitGelu is L·Gelu(R) where L and R are the halves of X + bias along the last axis.
func biasSplitGelu(c *composition) error {
	halves := c.addMany("Split", settings{"axis": intSetting(-1), "num_outputs": intSetting(2)}, 2, c.plus(c.Inputs[0], c.Inputs[1]))
	c.yield(0, c.add("Mul", nil, halves[0], c.add("Gelu", nil, halves[1])))
	return nil
}

// biasAdd is X + bias + skip.
func biasAdd(c *composition) error {
	c.yield(0, c.plus(c.plus(c.Inputs[0], c.Inputs[1]), c.Inputs[2]))
	return nil
}

// biasSoftmax is Softmax(X + bias) over all dimensions from axis on. Where is_inner_broadcast is 0 a bias of fewer dimensions repeats by NumPy's rules, else
// between the first dimensions and the last.
func biasSoftmax(c *composition) error {
	y, err := c.softmaxFrom(c.add("Add", nil, c.Inputs[0], c.Inputs[1]), c.Int("axis", 1))
	c.yield(0, y)
	return err
}

// softmaxFrom is the softmax over all dimensions from axis on of a value with the first input's shape, as Softmax was before version 13.
func (c *composition) softmaxFrom(v *graph.Value, axis int) (*graph.Value, error) {
	x, err := c.dims(0, 1, 2, 3, 4, 5, 6)
	if err != nil {
		return nil, err
	}
	if axis, err = axisOf(axis, len(x)); err != nil {
		return nil, err
	}
	rows := c.add("Reshape", nil, v, c.ints(span(x, 0, axis), span(x, axis, len(x))))
	return c.add("Reshape", nil, c.add("Softmax", nil, rows), c.ints(x...)), nil
}

// activation applies the activation that a node's attributes name, if any. Its parameters are activation_alpha, activation_beta and activation_gamma, or
// the list activation_params.
func (c *composition) activation(v *graph.Value) (*graph.Value, error) {
	name := c.Str("activation", "")
	params := floatList(c.Node, "activation_params")
	param := func(i int, attribute string, fallback float32) float32 {
		if i < len(params) {
			return params[i]
		}
		return c.Float(attribute, fallback)
	}
	switch name {
	case "":
		return v, nil
	case "Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "HardSwish", "Gelu":
		return c.add(name, nil, v), nil
	case "LeakyRelu":
		return c.add(name, settings{"alpha": floatSetting(param(0, "activation_alpha", 0.01))}, v), nil
	case "Elu", "ThresholdedRelu":
		return c.add(name, settings{"alpha": floatSetting(param(0, "activation_alpha", 1))}, v), nil
	case "HardSigmoid":
		alpha, beta := param(0, "activation_alpha", 0.2), param(1, "activation_beta", 0.5)
		return c.add(name, settings{"alpha": floatSetting(alpha), "beta": floatSetting(beta)}, v), nil
	case "Clip":
		if len(params) != 2 {
			return nil, fmt.Errorf("%d activation_params of a Clip", len(params))
		}
		d := c.Inputs[0].DType
		return c.add(name, nil, v, c.number(d, float64(params[0])), c.number(d, float64(params[1]))), nil
	}
	return nil, fmt.Errorf("activation %q", name)
}

// scaledMatMul is alpha·A'·B' and an activation, where A' and B' have their last two dimensions swapped with transA and transB, and the first of all moved
// before the last with transBatchA and transBatchB.
func scaledMatMul(c *composition) error {
	var operands [2]*graph.Value
	for i, side := range []string{"A", "B"} {
		operands[i] = c.Inputs[i]
		swap, batch := c.Int("trans"+side, 0) != 0, c.Int("transBatch"+side, 0) != 0
		if !swap && !batch {
			continue
		}
		if c.Inputs[i].Shape == nil {
			return errUnsettled
		}
		rank := len(c.Inputs[i].Shape)
		if rank < 2 {
			continue // a vector is its own transpose
		}
		perm := make([]int, rank)
		for k := range perm {
			perm[k] = k
		}
		if batch { // of dimensions b0 b1 … m n, b0 comes before n
			perm = append(append(perm[1:rank-1:rank-1], 0), rank-1)
		}
		if swap {
			perm[rank-2], perm[rank-1] = perm[rank-1], perm[rank-2]
		}
		operands[i] = c.add("Transpose", settings{"perm": intsSetting(perm...)}, operands[i])
	}
	y := c.add("MatMul", nil, operands[0], operands[1])
	if alpha := c.Float("alpha", 1); alpha != 1 {
		y = c.add("Mul", nil, y, c.number(c.Inputs[0].DType, float64(alpha)))
	}
	y, err := c.activation(y)
	c.yield(0, y)
	return err
}

// gemmActivation is Gemm and an activation.
func gemmActivation(c *composition) error {
	y, err := c.activation(c.add("Gemm", c.own("Gemm"), c.Inputs...))
	c.yield(0, y)
	return err
}

// convActivation is Conv, plus the fourth input where it is present, and an activation.
func convActivation(c *composition) error {
	y := c.add("Conv", c.own("Conv"), c.Inputs[:min(len(c.Inputs), 3)]...)
	y, err := c.activation(c.plus(y, c.In(3)))
	c.yield(0, y)
	return err
}

// own are the attributes of a node that an operator of ai.onnx has as well.
func (c *composition) own(op string) settings {
	names := map[string][]string{
		"AveragePool": {"auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"},
		"Conv":        {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"},
		"Gemm":        {"alpha", "beta", "transA", "transB"},
		"GridSample":  {"align_corners", "padding_mode"},
		"LSTM":        {"activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "input_forget"},
		"LeakyRelu":   {"alpha"},
		"MaxPool":     {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"},
		"Softmax":     {"axis"},
	}[op]
	s := settings{}
	for name, a := range c.Attributes {
		if slices.Contains(names, name) {
			s[name] = a
		}
	}
	return s
}

// toChannelsFirst and toChannelsLast move the channels of an image of so many dimensions.
func (c *composition) toChannelsFirst(v *graph.Value, rank int) *graph.Value {
	perm := []int{0, rank - 1}
	for i := 1; i < rank-1; i++ {
		perm = append(perm, i)
	}
	return c.add("Transpose", settings{"perm": intsSetting(perm...)}, v)
}

func (c *composition) toChannelsLast(v *graph.Value, rank int) *graph.Value {
	perm := []int{0}
	for i := 2; i < rank; i++ {
		perm = append(perm, i)
	}
	return c.add("Transpose", settings{"perm": intsSetting(append(perm, 1)...)}, v)
}

// asChannelsFirst applies an operator that wants channels before pixels to an image whose channels are its last dimension where last is set.
func (c *composition) asChannelsFirst(x *graph.Value, last bool, apply func(x *graph.Value) *graph.Value) (*graph.Value, error) {
	if !last {
		return apply(x), nil
	}
	s := c.Inputs[0].Shape
	if s == nil {
		return nil, errUnsettled
	}
	if len(s) < 3 {
		return nil, fmt.Errorf("input %s is no image", s)
	}
	return c.toChannelsLast(apply(c.toChannelsFirst(x, len(s))), len(s)), nil
}

// channelsLast is an operator of ai.onnx on images whose channels are their last dimension.
func channelsLast(op string) func(c *composition) error {
	return func(c *composition) error {
		y, err := c.asChannelsFirst(c.Inputs[0], true, func(x *graph.Value) *graph.Value { return c.add(op, c.own(op), x) })
		c.yield(0, y)
		return err
	}
}

// matMulNBits is A·Wᵀ + bias, where W is N×K in numbers of a few bits, in blocks with a scale and a zero point each. Inputs: A, the numbers, scales, zero
// points, the block of each of the K (g_idx), bias.
func matMulNBits(c *composition) error {
	s := settings{}
	for _, name := range []string{"K", "N", "bits", "block_size"} {
		s[name] = models.Attribute{Kind: models.IntAttribute, Int: int64(c.Int(name, map[string]int{"bits": 4}[name]))}
	}
	if readsCodes(c.Node) {
		c.yield(0, c.plus(c.addOwn("MatMulCodes", s, c.Inputs[0], c.Inputs[1], c.Inputs[2], c.In(3)), c.In(5)))
		return nil
	}
	w := c.addOwn("UnpackWeights", s, c.Inputs[1], c.Inputs[2], c.In(3), c.In(4))
	if c.Inputs[0].DType != c.Inputs[2].DType && c.Inputs[2].DType != tensor.Undefined {
		w = c.add("Cast", settings{"to": intSetting(int(c.Inputs[0].DType))}, w)
	}
	c.yield(0, c.plus(c.add("MatMul", nil, c.Inputs[0], w), c.In(5)))
	return nil
}
