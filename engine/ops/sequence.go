package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// A sequence's tensors are written once, when they enter it, so that slots may share them.

// onHost makes an operator that allocates what it makes at each run: those of sequences, optionals and strings.
func onHost(infer func(n *graph.Node) error, work func(n *graph.Node, t *Target, c *Call) error) Op {
	return Op{
		Infer: infer,
		Cost:  costHost,
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			return Kernel{Class: "host", Bind: func(c *Call) func() error {
				return func() error { return work(n, t, c) }
			}}, nil
		},
	}
}

// costHost counts the elements moved by what an accelerator leaves to the CPU.
func costHost(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Host
	return c
}

// yieldsSequence makes an output a sequence of tensors of a type, which have a shape in common; nil where they need not.
func yieldsSequence(n *graph.Node, output int, d tensor.DType, each tensor.Shape) {
	if wants(n, output) {
		n.Outputs[output].SetType(&graph.Value{Kind: models.SequenceKind, DType: d, Elem: graph.Elem{Shape: copied(each)}})
	}
}

// takesSequence checks that the first input is a sequence of tensors.
func takesSequence(n *graph.Node, atLeast, atMost int) error {
	if err := arity(n, atLeast, atMost); err != nil {
		return err
	}
	if n.Inputs[0].Kind != models.SequenceKind {
		return fmt.Errorf("input 0 is no sequence")
	}
	if n.Inputs[0].Elem.Kind != models.TensorKind {
		return fmt.Errorf("input 0 is a sequence of maps; one of tensors is wanted")
	}
	return nil
}

// sequenceConstruct makes a sequence of its inputs.
func sequenceConstruct() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, -1); err != nil {
			return err
		}
		every := make([]int, len(n.Inputs))
		for i := range every {
			every[i] = i
		}
		if err := sameTypes(n, anything, every...); err != nil {
			return err
		}
		each := n.Inputs[0].Shape
		for _, v := range n.Inputs {
			each = commonShape(each, v.Shape)
		}
		yieldsSequence(n, 0, n.Inputs[0].DType, each)
		return nil
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		items := make([]tensor.Tensor, len(c.In))
		for i, s := range c.In {
			items[i] = s.Clone()
		}
		c.Out[0].Items = items
		return nil
	})
}

// sequenceEmpty makes a sequence of no tensor, of the type that dtype states, float32 by default.
func sequenceEmpty() Op {
	return onHost(func(n *graph.Node) error {
		d := tensor.DType(n.Int("dtype", int(tensor.Float32)))
		if !d.Known() {
			return badType(d)
		}
		yieldsSequence(n, 0, d, nil)
		return arity(n, 0, 0)
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		c.Out[0].Items = nil
		return nil
	})
}

// sequenceLength counts a sequence's tensors.
func sequenceLength() Op {
	return onHost(func(n *graph.Node) error {
		yields(n, 0, tensor.Int64, tensor.Shape{})
		return takesSequence(n, 1, 1)
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		tensor.Data[int64](c.Out[0].Tensor)[0] = int64(len(c.In[0].Items))
		return nil
	})
}

// sequenceAt is one tensor of a sequence. Positions that are negative count from the end.
func sequenceAt() Op {
	return onHost(func(n *graph.Node) error {
		if err := takesSequence(n, 2, 2); err != nil {
			return err
		}
		yields(n, 0, n.Inputs[0].DType, n.Inputs[0].Elem.Shape)
		if err := takes(n, 1, indices); err != nil {
			return err
		}
		return single("the position", n.In(1))
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		items := c.In[0].Items
		at, err := indexesOf(&c.In[1].Tensor).within(0, len(items))
		if err != nil {
			return err
		}
		place(c.Out[0], items[at].DType, items[at].Shape)
		copyAll(&c.Out[0].Tensor, &items[at])
		return nil
	})
}

// sequenceInsert puts a tensor before a position, at the end by default.
func sequenceInsert() Op {
	return onHost(func(n *graph.Node) error {
		if err := takesSequence(n, 2, 3); err != nil {
			return err
		}
		if err := sameTypes(n, anything, 0, 1); err != nil {
			return err
		}
		yieldsSequence(n, 0, n.Inputs[0].DType, commonShape(n.Inputs[0].Elem.Shape, n.Inputs[1].Shape))
		if err := takes(n, 2, indices); err != nil {
			return err
		}
		return single("the position", n.In(2))
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		items := slices.Clone(c.In[0].Items)
		at := len(items)
		if len(c.In) > 2 && c.In[2] != nil {
			var err error
			if at, err = insertionPoint(&c.In[2].Tensor, len(items)); err != nil {
				return err
			}
		}
		c.Out[0].Items = slices.Insert(items, at, c.In[1].Clone())
		return nil
	})
}

// insertionPoint is a position in [0, n]; negative ones count from the end, so that -1 is before the last.
func insertionPoint(t *tensor.Tensor, n int) (int, error) {
	at := int(realAt(t, 0))
	if at < -n || at > n {
		return 0, fmt.Errorf("position %d in a sequence of %d", at, n)
	}
	if at < 0 {
		at += n
	}
	return at, nil
}

// sequenceErase takes out the tensor at a position, by default the last.
func sequenceErase() Op {
	return onHost(func(n *graph.Node) error {
		if err := takesSequence(n, 1, 2); err != nil {
			return err
		}
		yieldsSequence(n, 0, n.Inputs[0].DType, n.Inputs[0].Elem.Shape)
		if err := takes(n, 1, indices); err != nil {
			return err
		}
		return single("the position", n.In(1))
	}, func(_ *graph.Node, _ *Target, c *Call) error {
		items := slices.Clone(c.In[0].Items)
		at := len(items) - 1
		if len(c.In) > 1 && c.In[1] != nil {
			var err error
			if at, err = indexesOf(&c.In[1].Tensor).within(0, len(items)); err != nil {
				return err
			}
		}
		if at < 0 {
			return fmt.Errorf("the sequence is empty")
		}
		c.Out[0].Items = slices.Delete(items, at, at+1)
		return nil
	})
}

// concatFromSequence joins a sequence's tensors along an axis, a new one if new_axis is set.
func concatFromSequence() Op {
	return onHost(func(n *graph.Node) error {
		if err := takesSequence(n, 1, 1); err != nil {
			return err
		}
		joined, err := joinedShape(n)
		yields(n, 0, n.Inputs[0].DType, joined)
		return err
	}, func(n *graph.Node, t *Target, c *Call) error {
		items := c.In[0].Items
		if len(items) == 0 {
			return fmt.Errorf("the sequence is empty")
		}
		shapes := make([]tensor.Shape, len(items))
		for i, item := range items {
			shapes[i] = item.Shape
			if n.Int("new_axis", 0) != 0 {
				axis, err := axisOf(n.Int("axis", 0), len(item.Shape)+1)
				if err != nil {
					return err
				}
				shapes[i] = stacked(item.Shape, axis, 1)
			}
		}
		out, axis, err := concatenated(shapes, n.Int("axis", 0))
		if err != nil {
			return err
		}
		place(c.Out[0], items[0].DType, out)
		at, strides := 0, out.Strides()
		for i, s := range shapes {
			p := piece{shape: s, from: move.View{Stride: s.Strides()}, to: move.View{Origin: at * strides[axis], Stride: strides}}.compact()
			p.copy(move.For(t.Features), &c.Out[0].Tensor, &items[i], 0, p.steps())
			at += s[axis]
		}
		return nil
	})
}

// joinedShape is the shape of a sequence's tensors, joined by ConcatFromSequence, whose number only the run tells.
func joinedShape(n *graph.Node) (tensor.Shape, error) {
	each := n.Inputs[0].Elem.Shape
	if each == nil {
		return nil, nil
	}
	rank := len(each)
	if n.Int("new_axis", 0) != 0 {
		rank++
	}
	axis, err := axisOf(n.Int("axis", 0), rank)
	if err != nil {
		return nil, err
	}
	if rank > len(each) {
		return stacked(each, axis, tensor.Unknown), nil
	}
	joined := each.Clone()
	joined[axis] = tensor.Unknown
	return joined, nil
}

// splitToSequence cuts a tensor along an axis into a sequence: into the sizes that the second input lists, into parts of the one size that it is, or
// into single positions, whose axis keepdims=0 drops.
func splitToSequence() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 2); err != nil {
			return err
		}
		part, err := partShape(n)
		if err != nil {
			return err
		}
		yieldsSequence(n, 0, n.Inputs[0].DType, part)
		return takes(n, 1, indices)
	}, func(n *graph.Node, t *Target, c *Call) error {
		in := &c.In[0].Tensor
		axis, err := axisOf(n.Int("axis", 0), len(in.Shape))
		if err != nil {
			return err
		}
		sizes, err := sequenceSizes(c, in.Shape[axis])
		if err != nil {
			return err
		}
		strides, at := in.Shape.Strides(), 0
		var items []tensor.Tensor
		for _, size := range sizes {
			shape := in.Shape.Clone()
			shape[axis] = size
			item := tensor.New(in.DType, shape)
			p := piece{shape: shape, from: move.View{Origin: at * strides[axis], Stride: strides}, to: move.View{Stride: shape.Strides()}}.compact()
			if item.Len() > 0 {
				p.copy(move.For(t.Features), &item, in, 0, p.steps())
			}
			if (len(c.In) < 2 || c.In[1] == nil) && n.Int("keepdims", 1) == 0 {
				item.Shape = slices.Delete(item.Shape, axis, axis+1)
			}
			items = append(items, item)
			at += size
		}
		c.Out[0].Items = items
		return nil
	})
}

// partShape is what the parts of a SplitToSequence have in common; sizes that the second input states are left open.
func partShape(n *graph.Node) (tensor.Shape, error) {
	part := copied(n.Inputs[0].Shape)
	if part == nil {
		return nil, nil
	}
	axis, err := axisOf(n.Int("axis", 0), len(part))
	switch {
	case err != nil:
		return nil, err
	case n.In(1) != nil:
		part[axis] = tensor.Unknown
	case n.Int("keepdims", 1) == 0:
		part = slices.Delete(part, axis, axis+1)
	default:
		part[axis] = 1
	}
	return part, nil
}

// sequenceSizes are the extents of a SplitToSequence's parts of a dimension.
func sequenceSizes(c *Call, d int) ([]int, error) {
	part := 1
	if len(c.In) > 1 && c.In[1] != nil {
		list, err := integersOf(&c.In[1].Tensor)
		if err != nil {
			return nil, err
		}
		if len(c.In[1].Shape) > 0 {
			total := 0
			for _, s := range list {
				total += s
			}
			if total != d || negative(list) >= 0 {
				return nil, fmt.Errorf("sizes %v for a dimension of %d", list, d)
			}
			return list, nil
		}
		if part = list[0]; part < 1 {
			return nil, fmt.Errorf("size %d", part)
		}
	}
	var sizes []int
	for ; d > 0; d -= part {
		sizes = append(sizes, min(part, d))
	}
	return sizes, nil
}

// sequenceMap runs its body on each tensor of the first sequence, together with those of the other sequences at the same position and with whole
// tensors, and makes a sequence of each of the body's outputs.
func sequenceMap() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := takesSequence(n, 1, -1); err != nil {
				return err
			}
			in := make([]*graph.Value, len(n.Inputs))
			for i, v := range n.Inputs {
				in[i] = v
				if v.Kind == models.SequenceKind && i < len(n.Inputs)-n.Captures {
					in[i] = &graph.Value{DType: v.DType, Shape: v.Elem.Shape}
				}
			}
			if err := inferBody(n, "body", in, len(n.Outputs)); err != nil {
				return err
			}
			for i, v := range n.Bodies["body"].Outputs {
				yieldsSequence(n, i, v.DType, v.Shape)
			}
			return nil
		},
		Cost: costControl,
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			body, err := t.Body(n.Bodies["body"], t)
			if err != nil {
				return Kernel{}, err
			}
			own := len(n.Inputs) - n.Captures
			return Kernel{Class: "control", Bind: func(c *Call) func() error {
				run := body.NewRun(c.Team)
				return func() error { return mapSequence(n, c, run, own) }
			}}, nil
		},
	}
}

func mapSequence(n *graph.Node, c *Call, run BodyRun, own int) error {
	for _, out := range c.Out {
		if out != nil {
			out.Items = nil
		}
	}
	for at := range c.In[0].Items {
		in := slices.Clone(c.In)
		for i := range own {
			if n.Inputs[i].Kind != models.SequenceKind {
				continue
			}
			if at >= len(c.In[i].Items) {
				return fmt.Errorf("input %d has %d tensors where the first has %d", i, len(c.In[i].Items), len(c.In[0].Items))
			}
			in[i] = &Slot{Tensor: c.In[i].Items[at]}
		}
		made, err := run.Run(in)
		if err != nil {
			return err
		}
		for i, out := range c.Out {
			if out != nil {
				out.Items = append(out.Items, made[i].Clone())
			}
		}
	}
	return nil
}
