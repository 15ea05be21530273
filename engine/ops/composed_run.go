package ops

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// op is the operator as such, for nodes that are not expanded in their graph: those whose shapes only a run tells.
func (k composed) op() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			inner, err := k.inner(n)
			if errors.Is(err, errUnsettled) {
				for i := range n.Outputs {
					like := 0
					if i < len(k.types) {
						like = k.types[i]
					}
					yields(n, i, n.Inputs[like].DType, nil)
				}
				return nil
			}
			if err != nil {
				return err
			}
			for i, v := range inner.Outputs {
				if v != nil {
					yields(n, i, v.DType, v.Shape)
				}
			}
			return nil
		},
		Cost:    k.cost,
		Prepare: k.prepare,
	}
}

// inner expands n to a graph whose inputs are n's and whose outputs are like n's, with all types.
func (k composed) inner(n *graph.Node) (*graph.Graph, error) {
	outer := *n
	outer.Outputs = make([]*graph.Value, len(n.Outputs))
	for i, v := range n.Outputs {
		if v != nil {
			outer.Outputs[i] = &graph.Value{Name: v.Name}
		}
	}
	nodes, err := k.nodes(&outer)
	if err != nil {
		return nil, err
	}
	g := &graph.Graph{Name: n.Name, Inputs: outer.Inputs, Outputs: outer.Outputs, Nodes: nodes}
	return g, InferGraph(g)
}

// cost adds up what the inner nodes do; the kind and the product are those of the one with the most work.
func (k composed) cost(n *graph.Node) Cost {
	g, err := k.inner(n)
	if err != nil {
		return moved(n)
	}
	most, total := Cost{Kind: Elementwise}, 0.0
	for _, inner := range g.Nodes {
		c := CostOf(inner)
		total += c.FLOPs
		if c.FLOPs > most.FLOPs {
			most = c
		}
	}
	crossing := moved(n)
	most.FLOPs, most.Weights, most.Reads, most.Writes = total, crossing.Weights, crossing.Reads, crossing.Writes
	return most
}

// part of a composed kernel: an inner node, bound once where its shapes are known.
type innerStep struct {
	node    *graph.Node
	kernel  Kernel
	dynamic bool
}

func (k composed) prepare(n *graph.Node, t *Target) (Kernel, error) {
	g, err := k.inner(n)
	if err != nil {
		return Kernel{}, err
	}
	out := Kernel{Class: "composed"}
	var steps []innerStep
	most, offset, places := -1.0, 0, map[*graph.Value]int{}
	for _, inner := range g.Nodes {
		folded, err := foldInner(inner, t)
		if err != nil {
			return Kernel{}, fmt.Errorf("%s: %w", inner.Op, err)
		}
		if folded {
			continue
		}
		s := innerStep{node: inner, dynamic: !settledNode(inner)}
		if !s.dynamic {
			if s.kernel, err = Of(inner).Prepare(inner, t); err != nil {
				return Kernel{}, fmt.Errorf("%s: %w", inner.Op, err)
			}
			if flops := CostOf(inner).FLOPs; flops > most {
				most, out.Class, out.Mixed = flops, s.kernel.Class, s.kernel.Mixed
			}
		}
		steps = append(steps, s)
		out.Scratch = max(out.Scratch, s.kernel.Scratch)
		for _, v := range inner.Outputs {
			if v != nil && v.Static() && v.DType != tensor.String {
				places[v] = offset
				offset += roundUp(v.DType.Bytes(v.Shape.Elements())+64, 64)
			}
		}
	}
	own := roundUp(out.Scratch, 64)
	out.Scratch = own + offset
	out.Bind = func(c *Call) func() error {
		b := innerBinder{call: c, target: t, own: own, places: places, slots: map[*graph.Value]*Slot{}}
		return b.bind(n, g, steps)
	}
	return out, nil
}

// foldInner computes an inner node whose inputs are all known.
func foldInner(n *graph.Node, t *Target) (bool, error) {
	in := make([]*Slot, len(n.Inputs))
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		if !v.Known() {
			return false, nil
		}
		in[i] = &Slot{Tensor: *v.Const}
	}
	out, err := Eval(n, in, t, nil)
	if err != nil {
		return false, err
	}
	for i, v := range n.Outputs {
		if v != nil {
			v.Const = &out[i].Tensor
		}
	}
	return true, nil
}

// settledNode reports whether all of a node's inputs and outputs are tensors of known shape.
func settledNode(n *graph.Node) bool {
	for _, list := range [][]*graph.Value{n.Inputs, n.Outputs} {
		for _, v := range list {
			if v != nil && (v.Kind != models.TensorKind || !v.Static()) {
				return false
			}
		}
	}
	return true
}

// innerBinder gives the inner values slots: the call's own, those of constants, and places in the scratch memory behind the inner kernels'.
type innerBinder struct {
	call   *Call
	target *Target
	own    int
	places map[*graph.Value]int
	slots  map[*graph.Value]*Slot
}

func (b *innerBinder) bind(n *graph.Node, g *graph.Graph, steps []innerStep) func() error {
	for i, v := range n.Inputs {
		if v != nil {
			b.slots[v] = b.call.In[i]
		}
	}
	for i, v := range g.Outputs {
		if v != nil {
			b.slots[v] = b.call.Out[i]
		}
	}
	var work []func() error
	for i, v := range g.Outputs {
		if v != nil && v.Known() {
			to := b.call.Out[i]
			work = append(work, func() error { copyAll(&to.Tensor, v.Const); return nil })
		}
	}
	for _, s := range steps {
		c := &Call{In: b.pick(s.node.Inputs), Out: b.pick(s.node.Outputs), Scratch: b.call.Scratch[:b.own:b.own], Team: b.call.Team}
		if !s.dynamic {
			work = append(work, s.kernel.Bind(c))
			continue
		}
		var last *Bound
		work = append(work, func() error {
			bound, err := Rebind(s.node, c, b.target, last)
			if err != nil {
				return err
			}
			last = bound
			return bound.Work()
		})
	}
	return func() error {
		for _, do := range work {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	}
}

func (b *innerBinder) pick(values []*graph.Value) []*Slot {
	list := make([]*Slot, len(values))
	for i, v := range values {
		if v == nil {
			continue
		}
		s := b.slots[v]
		if s == nil {
			s = &Slot{}
			switch at, placed := b.places[v]; {
			case v.Known():
				s.Tensor = *v.Const
			case placed:
				at += b.own
				end := at + v.DType.Bytes(v.Shape.Elements())
				s.Tensor = tensor.Tensor{DType: v.DType, Shape: v.Shape, Bytes: b.call.Scratch[at:end:end]}
			case v.Static():
				s.Tensor = tensor.New(v.DType, v.Shape)
			}
			b.slots[v] = s
		}
		list[i] = s
	}
	return list
}
