package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// real dequantizes a value; an absent zero point is 0.
func (c *composition) real(v, scale, zero *graph.Value) *graph.Value {
	return c.add("DequantizeLinear", settings{"axis": intSetting(0)}, v, scale, zero)
}

// quantized quantizes a value; an absent zero point is 0 of the type d.
func (c *composition) quantized(v, scale, zero *graph.Value, d tensor.DType) *graph.Value {
	if zero == nil {
		zero = c.number(d, 0)
	}
	return c.add("QuantizeLinear", settings{"axis": intSetting(0)}, v, scale, zero)
}

// quantizedBinary is an operator of A and B in real numbers. Inputs: A, its scale and zero point, the same of B, the result's.
func quantizedBinary(op string) func(c *composition) error {
	return func(c *composition) error {
		y := c.add(op, nil, c.real(c.Inputs[0], c.Inputs[1], c.In(2)), c.real(c.Inputs[3], c.Inputs[4], c.In(5)))
		c.yield(0, c.quantized(y, c.Inputs[6], c.In(7), c.Inputs[0].DType))
		return nil
	}
}

// quantizedUnary is an operator of X in real numbers. Inputs: X, its scale and zero point, the result's.
func quantizedUnary(op string) func(c *composition) error {
	return func(c *composition) error {
		y := c.add(op, c.own(op), c.real(c.Inputs[0], c.Inputs[1], c.In(2)))
		c.yield(0, c.quantized(y, c.Inputs[3], c.In(4), c.Inputs[0].DType))
		return nil
	}
}

// quantizedPool is a pool of X in real numbers, with channels_last on images whose channels are their last dimension. Inputs are those of quantizedUnary.
func quantizedPool(op string) func(c *composition) error {
	return func(c *composition) error {
		real := c.real(c.Inputs[0], c.Inputs[1], c.In(2))
		y, err := c.asChannelsFirst(real, c.Int("channels_last", 0) != 0, func(x *graph.Value) *graph.Value { return c.add(op, c.own(op), x) })
		if err != nil {
			return err
		}
		c.yield(0, c.quantized(y, c.Inputs[3], c.In(4), c.Inputs[0].DType))
		return nil
	}
}

// quantizedConv is QLinearConv, with channels_last on images whose channels are their last dimension; those of the weights are where they always are.
func quantizedConv(c *composition) error {
	y, err := c.asChannelsFirst(c.Inputs[0], c.Int("channels_last", 0) != 0, func(x *graph.Value) *graph.Value {
		return c.add("QLinearConv", c.own("Conv"), append([]*graph.Value{x}, c.Inputs[1:]...)...)
	})
	c.yield(0, y)
	return err
}

// quantizedSoftmax is Softmax in real numbers, of the version that the attribute opset names. Inputs are those of quantizedUnary.
func quantizedSoftmax(c *composition) error {
	if c.Int("opset", 13) >= 13 {
		return quantizedUnary("Softmax")(c)
	}
	y, err := c.softmaxFrom(c.real(c.Inputs[0], c.Inputs[1], c.In(2)), c.Int("axis", -1))
	if err != nil {
		return err
	}
	c.yield(0, c.quantized(y, c.Inputs[3], c.In(4), c.Inputs[0].DType))
	return nil
}

// quantizedReduceMean is the mean over axes in real numbers. Inputs are those of quantizedUnary.
func quantizedReduceMean(c *composition) error {
	x := c.real(c.Inputs[0], c.Inputs[1], c.In(2))
	var axes *graph.Value
	if list := c.Ints("axes"); list != nil {
		axes = c.ints(list...)
	}
	y := c.add("ReduceMean", settings{"keepdims": intSetting(c.Int("keepdims", 1))}, x, axes)
	c.yield(0, c.quantized(y, c.Inputs[3], c.In(4), c.Inputs[0].DType))
	return nil
}

// quantizedWhere picks in real numbers. Inputs: the condition, X with its scale and zero point, the same of Y, the result's.
func quantizedWhere(c *composition) error {
	x, y := c.real(c.Inputs[1], c.Inputs[2], c.Inputs[3]), c.real(c.Inputs[4], c.Inputs[5], c.Inputs[6])
	c.yield(0, c.quantized(c.add("Where", nil, c.Inputs[0], x, y), c.Inputs[7], c.Inputs[8], c.Inputs[1].DType))
	return nil
}

// quantizedConcat joins values in real numbers. Inputs: the result's scale and zero point, then each value with its own.
func quantizedConcat(c *composition) error {
	if len(c.Inputs)%3 != 2 || slices.Contains(c.Inputs, nil) {
		return fmt.Errorf("%d inputs; a scale, a zero point and values with theirs are wanted", len(c.Inputs))
	}
	var list []*graph.Value
	for i := 2; i < len(c.Inputs); i += 3 {
		list = append(list, c.real(c.Inputs[i], c.Inputs[i+1], c.Inputs[i+2]))
	}
	y := c.add("Concat", settings{"axis": intSetting(c.Int("axis", 0))}, list...)
	c.yield(0, c.quantized(y, c.Inputs[0], c.Inputs[1], c.Inputs[1].DType))
	return nil
}

// product is (A - zero)·(B - zero)·scales as float32: an integer product, scaled by A's scale and B's, of which there may be one for each column.
func (c *composition) product(a, b, aScale, bScale, aZero, bZero *graph.Value) *graph.Value {
	sum := c.add("MatMulInteger", nil, a, b, aZero, bZero)
	real := c.add("Cast", settings{"to": intSetting(int(tensor.Float32))}, sum)
	return c.add("Mul", nil, real, c.add("Mul", nil, aScale, bScale))
}

// matMulIntegerToFloat is an integer product as float32, plus a bias. Inputs: A, B, their scales, their zero points, the bias.
func matMulIntegerToFloat(c *composition) error {
	c.yield(0, c.plus(c.product(c.Inputs[0], c.Inputs[1], c.Inputs[2], c.Inputs[3], c.In(4), c.In(5)), c.In(6)))
	return nil
}

// dynamicQuantizeMatMul quantizes A by its own range, multiplies it by the quantized B, and adds a bias. Inputs: A, B, B's scale and zero point, the bias.
func dynamicQuantizeMatMul(c *composition) error {
	a := c.addMany("DynamicQuantizeLinear", nil, 3, c.Inputs[0])
	c.yield(0, c.plus(c.product(a[0], c.Inputs[1], a[1], c.Inputs[2], a[2], c.In(3)), c.In(4)))
	return nil
}

// quantizedEmbedLayerNormalization is embedLayerNormalization with quantized tables, gamma and beta. Inputs: input_ids, segment_ids, the three tables, gamma,
// beta, mask, then scales and zero points in the same order.
func quantizedEmbedLayerNormalization(c *composition) error {
	all := *c.Node
	all.Inputs = slices.Clone(c.Inputs[:8])
	for i := range 5 {
		if v := c.Inputs[2+i]; v != nil {
			all.Inputs[2+i] = c.real(v, c.In(8+i), c.In(13+i))
		}
	}
	c.Node = &all
	return embedLayerNormalization(c)
}

// quantizedAttention is mergedAttention whose projection is an integer product. Inputs: X, weights, bias, their scales, the mask, their zero points, the past.
func quantizedAttention(c *composition) error {
	x, err := c.dims(0, 3)
	if err != nil {
		return err
	}
	projected := c.product(c.Inputs[0], c.Inputs[1], c.Inputs[3], c.Inputs[4], c.In(6), c.In(7))
	return c.selfAttention(x, c.Inputs[1].Shape, c.plus(projected, c.Inputs[2]), c.In(5), c.In(8), nil)
}

// quantizedGemm is alpha·A'·B' + C in real numbers, where C is an integer in steps of both scales. Inputs: A, its scale and zero point, the same of B, C, and
// where the result is quantized its scale and zero point.
func quantizedGemm(c *composition) error {
	var sides [2]*graph.Value
	var scales [2]*graph.Value
	for i, side := range []string{"transA", "transB"} {
		v, zero := c.Inputs[3*i], c.Inputs[3*i+2]
		scales[i] = c.Inputs[3*i+1]
		axis := 1
		if c.Int(side, 0) != 0 {
			axis = 0
		}
		sides[i] = c.add("DequantizeLinear", settings{"axis": intSetting(axis)}, v, scales[i], zero)
	}
	y := c.add("Gemm", settings{"alpha": floatSetting(c.Float("alpha", 1)), "transA": intSetting(c.Int("transA", 0)), "transB": intSetting(c.Int("transB", 0))}, sides[0], sides[1])
	if bias := c.In(6); bias != nil {
		step := c.add("Mul", nil, c.add("Mul", nil, scales[0], scales[1]), c.number(tensor.Float32, float64(c.Float("alpha", 1))))
		y = c.add("Add", nil, y, c.add("Mul", nil, c.add("Cast", settings{"to": intSetting(int(tensor.Float32))}, bias), step))
	}
	if c.In(7) != nil {
		y = c.quantized(y, c.Inputs[7], c.In(8), c.Inputs[0].DType)
	}
	c.yield(0, y)
	return nil
}

// quantizedLSTM is LSTM with quantized weights, each direction's transposed, with a scale and a zero point for a direction or for each column of it. X and the
// state stay real: that they may be quantized for the products saves work and says nothing about the result. Inputs: those of LSTM, then scale and zero point
// of W and of R.
func quantizedLSTM(c *composition) error {
	inputs := slices.Clone(c.Inputs[:8])
	for i := range 2 {
		scale, zero := c.Inputs[8+2*i], c.Inputs[9+2*i]
		if scale.Shape == nil {
			return errUnsettled
		}
		wide := c.ints(1) // directions×columns
		if len(scale.Shape) == 1 {
			wide = c.ints(1, 2)
		}
		to := settings{"to": intSetting(int(tensor.Float32))}
		w := c.add("Sub", nil, c.add("Cast", to, c.Inputs[1+i]), c.add("Unsqueeze", nil, c.add("Cast", to, zero), wide))
		w = c.add("Mul", nil, w, c.add("Unsqueeze", nil, scale, wide))
		inputs[1+i] = c.add("Transpose", settings{"perm": intsSetting(0, 2, 1)}, w)
	}
	for i, v := range c.addMany("LSTM", c.own("LSTM"), len(c.Outputs), inputs...) {
		c.yield(i, v)
	}
	return nil
}
