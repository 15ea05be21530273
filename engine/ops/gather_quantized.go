package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// gatherBlockQuantized is Gather of weights that are quantized in blocks along an axis, as the embeddings of language models are. Weights of uint8 may hold two
// numbers of four bits, the first in the lower half; their zero points are then packed alike, and are 8 where there are none (128 with 8 bits). Inputs:
// weights, indices, scales, zero points.
func gatherBlockQuantized(c *composition) error {
	w, err := c.dims(0, 1, 2, 3, 4, 5, 6)
	if err != nil {
		return err
	}
	scales, err := c.dims(2, len(w))
	if err != nil {
		return err
	}
	if c.Inputs[1].Shape == nil {
		return errUnsettled
	}
	from, err := axisOf(c.Int("gather_axis", 0), len(w))
	if err != nil {
		return err
	}
	axis, err := axisOf(c.Int("quantize_axis", 1), len(w))
	if err != nil {
		return err
	}
	bits, packed := c.Int("bits", 4), w[axis]
	bytes := c.Inputs[0].DType == tensor.Uint8
	if bytes && (bits != 4 && bits != 8 || axis != len(w)-1) || from == axis {
		return fmt.Errorf("%d bits gathered along axis %d and in blocks along axis %d are not supported", bits, from, axis)
	}
	along := settings{"axis": intSetting(from)}
	pick := func(v *graph.Value) *graph.Value { return c.add("Gather", along, v, c.Inputs[1]) }
	table, steps, zero := c.Inputs[0], c.Inputs[2], c.In(3)
	if !bytes { // Gather moves whole bytes
		c.yield(0, pick(c.blocks(table, steps, zero, axis)))
		return nil
	}
	table, steps = pick(table), pick(steps)
	if zero != nil {
		zero = pick(zero)
	}
	if bits == 4 {
		if table = c.halves(table); zero != nil {
			zero = c.add("Slice", nil, c.halves(zero), c.ints(0), c.ints(scales[axis]), c.ints(-1))
		}
		packed *= 2
	}
	if zero == nil {
		zero = c.add("Expand", nil, c.number(tensor.Uint8, float64(int(1)<<(bits-1))), c.add("Shape", nil, steps))
	}
	if c.Int("block_size", 128)*scales[axis] < packed {
		return fmt.Errorf("scales %s for %d numbers in blocks of %d", scales, packed, c.Int("block_size", 128))
	}
	c.yield(0, c.blocks(table, steps, zero, -1))
	return nil
}

// blocks dequantizes by blocks along an axis.
func (c *composition) blocks(v, scales, zero *graph.Value, axis int) *graph.Value {
	return c.add("DequantizeLinear", settings{"axis": intSetting(axis), "block_size": intSetting(c.Int("block_size", 128))}, v, scales, zero)
}

// halves makes of bytes their halves of four bits, the lower before the upper, along the last axis.
func (c *composition) halves(v *graph.Value) *graph.Value {
	last := c.ints(-1)
	low := c.add("BitwiseAnd", nil, v, c.number(tensor.Uint8, 15))
	high := c.add("BitShift", settings{"direction": textSetting("RIGHT")}, v, c.number(tensor.Uint8, 4))
	pairs := c.add("Concat", settings{"axis": intSetting(-1)}, c.add("Unsqueeze", nil, low, last), c.add("Unsqueeze", nil, high, last))
	front := c.add("Shape", settings{"end": intSetting(-1)}, v)
	return c.add("Reshape", nil, pairs, c.add("Concat", settings{"axis": intSetting(0)}, front, c.ints(-1)))
}
