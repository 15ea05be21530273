package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// unpackWeights is eiplan/UnpackWeights: the weights of a MatMulNBits as a K×N matrix of the scales' type, (number - zero point)·scale. The numbers have 2, 4
// or 8 bits, the first in the lowest; each of the N columns has K of them in blocks of block_size, padded. A block has a scale, and a zero point packed like
// the numbers, each column's from a new byte on, or of the scales' type; without one it is the middle of the range. A list of K indices says which block's
// scale and zero point a number takes, in place of its own's. Inputs: numbers, scales, zero points, that list, which may be as long as the padded K.
func unpackWeights() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 4); err != nil {
				return err
			}
			if err := takes(n, 0, 1<<tensor.Uint8); err != nil {
				return err
			}
			if err := takes(n, 1, floats); err != nil {
				return err
			}
			if err := takes(n, 2, floats|1<<tensor.Uint8); err != nil {
				return err
			}
			if err := takes(n, 3, indices); err != nil {
				return err
			}
			p := packingOf(n)
			if p.bits != 2 && p.bits != 4 && p.bits != 8 || p.rows < 1 || p.columns < 1 || p.block < 1 || p.block*p.bits%8 != 0 {
				return fmt.Errorf("%d×%d numbers of %d bits in blocks of %d", p.rows, p.columns, p.bits, p.block)
			}
			yields(n, 0, n.Inputs[1].DType, tensor.Shape{p.rows, p.columns})
			return p.check(n)
		},
		Cost: costElementwise(2),
		Prepare: halved(func(n *graph.Node, _ *Target) (Kernel, error) {
			if n.Inputs[1].DType == tensor.Float64 {
				return Kernel{Class: "quantize", Bind: unpackInto[float64](packingOf(n))}, nil
			}
			return Kernel{Class: "quantize", Bind: unpackInto[float32](packingOf(n))}, nil
		}),
	}
}

// packing is how the numbers lie.
type packing struct{ rows, columns, bits, block int }

func packingOf(n *graph.Node) packing {
	return packing{rows: n.Int("K", 0), columns: n.Int("N", 0), bits: n.Int("bits", 4), block: n.Int("block_size", 0)}
}

func (p packing) blocks() int { return ceilDiv(p.rows, p.block) }

// check compares the inputs' sizes with the attributes.
func (p packing) check(n *graph.Node) error {
	wanted := []int{p.columns * p.blocks() * p.block * p.bits / 8, p.columns * p.blocks(), p.columns * ceilDiv(p.blocks()*p.bits, 8)}
	for i, want := range wanted {
		v := n.In(i)
		if i == 2 && v != nil && v.DType != tensor.Uint8 {
			want = wanted[1]
		}
		if v != nil && v.Static() && v.Shape.Elements() != want {
			return fmt.Errorf("input %d is %s; %d elements are wanted", i, v.Shape, want)
		}
	}
	if v := n.In(3); v != nil && v.Static() && v.Shape.Elements() != p.rows && v.Shape.Elements() != p.blocks()*p.block {
		return fmt.Errorf("g_idx is %s; %d elements are wanted", v.Shape, p.rows)
	}
	return nil
}

// number is the i-th number from a byte on.
func (p packing) number(b []byte, i int) float64 {
	at := i * p.bits
	return float64(b[at/8] >> (at % 8) & uint8(1<<p.bits-1))
}

func unpackInto[T real](p packing) binder {
	return func(c *Call) func() error {
		blocks, groups := p.blocks(), make([]int, p.rows)
		column := func(_, j int) {
			out, scales := elements[T](&c.Out[0].Tensor), elements[T](&c.In[1].Tensor)
			each := blocks * p.block * p.bits / 8
			numbers := c.In[0].Bytes[j*each:][:each]
			last, scale, zero := -1, 0.0, 0.0
			for i, b := range groups {
				if b != last {
					last, scale, zero = b, float64(scales[j*blocks+b]), p.zero(c, j, b)
				}
				out[i*p.columns+j] = T((p.number(numbers, i) - zero) * scale)
			}
		}
		return func() error {
			if err := p.regroup(c, groups); err != nil {
				return err
			}
			inParts(c.Team, p.columns, column)
			return nil
		}
	}
}

// regroup finds the block whose scale each row takes.
func (p packing) regroup(c *Call, groups []int) error {
	for i := range groups {
		groups[i] = i / p.block
		if len(c.In) > 3 && c.In[3] != nil {
			var err error
			if groups[i], err = indexesOf(&c.In[3].Tensor).within(i, p.blocks()); err != nil {
				return fmt.Errorf("g_idx: %w", err)
			}
		}
	}
	return nil
}

// zero is the zero point of a block.
func (p packing) zero(c *Call, column, block int) float64 {
	switch {
	case len(c.In) < 3 || c.In[2] == nil:
		return float64(int(1) << (p.bits - 1))
	case c.In[2].DType == tensor.Uint8:
		each := ceilDiv(p.blocks()*p.bits, 8)
		return p.number(c.In[2].Bytes[column*each:], block)
	}
	return realAt(&c.In[2].Tensor, column*p.blocks()+block)
}
