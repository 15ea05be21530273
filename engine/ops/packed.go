package ops

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// unpacked lets a Prepare that moves elements serve types of less than eight bits: in between, each element has a byte of its own.
func unpacked(prepare preparer) preparer {
	return func(n *graph.Node, t *Target) (Kernel, error) {
		if !slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return v != nil && packed.has(v.DType) }) {
			return prepare(n, t)
		}
		wide := *n
		wide.Inputs, wide.Outputs = inBytes(n.Inputs), inBytes(n.Outputs)
		k, err := prepare(&wide, t)
		bind := k.Bind
		k.Bind = func(c *Call) func() error {
			inner := *c
			inner.In, inner.Out = byteSlots(c.In, n.Inputs), byteSlots(c.Out, n.Outputs)
			work := bind(&inner)
			return func() error {
				for i, s := range inner.In {
					if s != nil && s != c.In[i] {
						place(s, tensor.Uint8, c.In[i].Shape)
						for j := range s.Bytes {
							s.Bytes[j] = codeAt(&c.In[i].Tensor, j)
						}
					}
				}
				if err := work(); err != nil {
					return err
				}
				for i, s := range inner.Out {
					if s != nil && s != c.Out[i] {
						place(c.Out[i], n.Outputs[i].DType, s.Shape)
						clear(c.Out[i].Bytes)
						for j, code := range s.Bytes {
							setCode(&c.Out[i].Tensor, j, code)
						}
					}
				}
				return nil
			}
		}
		return k, err
	}
}

// inBytes copies values of packed types as values of bytes.
func inBytes(values []*graph.Value) []*graph.Value {
	out := make([]*graph.Value, len(values))
	for i, v := range values {
		out[i] = v
		if v != nil && packed.has(v.DType) {
			out[i] = &graph.Value{Name: v.Name, DType: tensor.Uint8, Shape: v.Shape}
		}
	}
	return out
}

// byteSlots are the slots themselves, but for those of packed types, which get one of bytes.
func byteSlots(slots []*Slot, values []*graph.Value) []*Slot {
	out := make([]*Slot, len(slots))
	for i, s := range slots {
		out[i] = s
		if s != nil && packed.has(values[i].DType) {
			out[i] = &Slot{}
			if values[i].Static() {
				out[i].Tensor = tensor.New(tensor.Uint8, values[i].Shape)
			}
		}
	}
	return out
}

// codeAt is the bits of an element of at most eight.
func codeAt(t *tensor.Tensor, i int) uint8 {
	bits := t.DType.Bits()
	each := 8 / bits
	return t.Bytes[i/each] >> (i % each * bits) & uint8(1<<bits-1)
}

// setCode sets the bits of an element of at most eight; in a packed type they must have been zero.
func setCode(t *tensor.Tensor, i int, code uint8) {
	bits := t.DType.Bits()
	if bits == 8 {
		t.Bytes[i] = code
		return
	}
	each := 8 / bits
	t.Bytes[i/each] |= (code & uint8(1<<bits-1)) << (i % each * bits)
}
