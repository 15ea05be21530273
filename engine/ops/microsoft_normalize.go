package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// simplifiedLayerNormalization is RMSNormalization. The result has the type of the scale, which need not be that of X.
func simplifiedLayerNormalization(c *composition) error {
	if wants(c.Node, 1) {
		return fmt.Errorf("the inverse deviation is not supported as an output")
	}
	s := settings{"axis": intSetting(c.Int("axis", -1)), "epsilon": floatSetting(c.Float("epsilon", 1e-5))}
	x, scale := c.Inputs[0], c.Inputs[1]
	if x.DType == scale.DType {
		c.yield(0, c.add("RMSNormalization", s, x, scale))
		return nil
	}
	wide := settings{"to": intSetting(int(tensor.Float32))}
	y := c.add("RMSNormalization", s, c.add("Cast", wide, x), c.add("Cast", wide, scale))
	c.yield(0, c.add("Cast", settings{"to": intSetting(int(scale.DType))}, y))
	return nil
}

// skipLayerNormalization is LayerNormalization(X + skip + bias), with the sum as its fourth output. Inputs: X, skip, gamma, beta, bias.
func skipLayerNormalization(c *composition) error {
	sum := c.plus(c.add("Add", nil, c.Inputs[0], c.Inputs[1]), c.In(4))
	c.normalized(sum, c.Inputs[2], c.In(3))
	c.yield(3, sum)
	return nil
}

// normalized yields the LayerNormalization of the last dimension and, where they are wanted, its mean and inverse deviation.
func (c *composition) normalized(x, gamma, beta *graph.Value) {
	s := settings{"axis": intSetting(-1), "epsilon": floatSetting(c.Float("epsilon", 1e-12))}
	outputs := 1
	for i := 1; i < 3; i++ {
		if wants(c.Node, i) {
			outputs = i + 1
		}
	}
	for i, v := range c.addMany("LayerNormalization", s, outputs, x, gamma, beta) {
		c.yield(i, v)
	}
}

// skipSimplifiedLayerNormalization is RMSNormalization(X + skip + bias), with the sum as its fourth output. Inputs: X, skip, gamma, bias.
func skipSimplifiedLayerNormalization(c *composition) error {
	sum := c.plus(c.add("Add", nil, c.Inputs[0], c.Inputs[1]), c.In(3))
	s := settings{"axis": intSetting(-1), "epsilon": floatSetting(c.Float("epsilon", 1e-12))}
	c.yield(0, c.add("RMSNormalization", s, sum, c.Inputs[2]))
	c.yield(3, sum)
	return nil
}

// embedLayerNormalization is the LayerNormalization of the sum of a word's, a position's and a segment's embedding. Inputs: input_ids, segment_ids, the three
// tables, gamma, beta, mask, position_ids. Outputs: the normalised sum, the length of each sample by its mask, the sum.
func embedLayerNormalization(c *composition) error {
	ids, err := c.dims(0, 2)
	if err != nil {
		return err
	}
	row := settings{"axis": intSetting(0)}
	sum := c.add("Gather", row, c.Inputs[2], c.Inputs[0])
	positions := c.In(8)
	if positions == nil {
		list := make([]int, ids[1])
		for i := range list {
			list[i] = i
		}
		positions = c.ints(list...)
	}
	sum = c.add("Add", nil, sum, c.add("Gather", row, c.Inputs[3], positions))
	if segments := c.In(1); segments != nil && c.In(4) != nil {
		sum = c.add("Add", nil, sum, c.add("Gather", row, c.In(4), segments))
	}
	s := settings{"axis": intSetting(-1), "epsilon": floatSetting(c.Float("epsilon", 1e-12))}
	c.yield(0, c.add("LayerNormalization", s, sum, c.Inputs[5], c.Inputs[6]))
	if wants(c.Node, 1) {
		c.yield(1, c.lengths(c.In(7), ids[0]))
	}
	c.yield(2, sum)
	return nil
}

// lengths counts the ones in each row of a mask, as int32; without a mask it is 0 for each sample.
func (c *composition) lengths(mask *graph.Value, batch int) *graph.Value {
	if mask == nil {
		return c.constant(tensor.New(tensor.Int32, tensor.Shape{batch}))
	}
	ones := c.add("Cast", settings{"to": intSetting(int(tensor.Int32))}, mask)
	return c.add("ReduceSum", settings{"keepdims": intSetting(0)}, ones, c.ints(1))
}

// groupNorm is GroupNormalization of an image, by default with its channels last, and with activation 1 then x·sigmoid(x). Inputs: X, gamma, beta.
func groupNorm(c *composition) error {
	y, err := c.grouped(c.Inputs[0], c.Inputs[1], c.Inputs[2])
	c.yield(0, y)
	return err
}

func (c *composition) grouped(x, gamma, beta *graph.Value) (*graph.Value, error) {
	to := settings{"to": intSetting(int(c.Inputs[0].DType))} // gamma and beta may be float32 where X is not
	s := settings{"num_groups": intSetting(c.Int("groups", 0)), "epsilon": floatSetting(c.Float("epsilon", 1e-5))}
	return c.asChannelsFirst(x, c.Int("channels_last", 1) != 0, func(x *graph.Value) *graph.Value {
		y := c.add("GroupNormalization", s, x, c.add("Cast", to, gamma), c.add("Cast", to, beta))
		if c.Int("activation", 0) == 1 {
			y = c.add("Swish", nil, y)
		}
		return y
	})
}

// skipGroupNorm is groupNorm of X + skip + bias, with the sum as its second output. Inputs: X, gamma, beta, skip, bias. The skip may be one for all pixels of
// an image.
func skipGroupNorm(c *composition) error {
	x, err := c.dims(0, 4)
	if err != nil {
		return err
	}
	skip := c.Inputs[3]
	if len(skip.Shape) == 2 {
		skip = c.add("Reshape", nil, skip, c.ints(x[0], 1, 1, x[3]))
	}
	sum := c.plus(c.add("Add", nil, c.Inputs[0], skip), c.In(4))
	y, err := c.grouped(sum, c.Inputs[1], c.Inputs[2])
	c.yield(0, y)
	c.yield(1, sum)
	return err
}
