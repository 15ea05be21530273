package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// convChain is eiplan/ConvChain: the eiplan/Conv nodes of its body one after the other, a few lines at a time, so that nothing in between goes through
// memory. The body's inputs are the node's own, weights and all, in the order in which its nodes read them; what is in between lies in the layout that the
// body says.
func convChain() Op {
	return Op{Infer: inferConvChain, Cost: costMembers, Prepare: prepareConvChain}
}

func inferConvChain(n *graph.Node) error {
	body := n.Bodies["body"]
	if body == nil || len(body.Inputs) != len(n.Inputs) || len(body.Outputs) != 1 {
		return fmt.Errorf("no body of %d inputs and one output", len(n.Inputs))
	}
	for i, v := range body.Inputs {
		v.SetType(n.Inputs[i])
	}
	if err := InferGraph(body); err != nil {
		return err
	}
	n.Outputs[0].SetType(body.Outputs[0])
	return nil
}

// ChainsConv reports whether second, which reads what first makes and nobody else does, should run in a chain with it: what is between them takes more
// than the nearer caches, and both can be computed a few lines at a time without reading large weights again and again. Layouts are settled.
func ChainsConv(first, second *graph.Node, t *Target) bool {
	const farBytes, nearWeights = 1 << 20, 256 << 10
	between := first.Outputs[0]
	if first.In(3) != nil || first.In(scaleInput) != nil || second.In(scaleInput) != nil || between.DType.Bytes(between.Shape.Elements()) < farBytes || between.Layout.Within != nil || formatOf(first) != formatOf(second) {
		return false
	}
	for _, n := range []*graph.Node{first, second} {
		if !n.Is("eiplan", "Conv") || !packable(n) || len(n.Outputs[0].Shape) != 4 || !n.Outputs[0].Layout.Channels || 4*n.In(1).Shape.Elements() > nearWeights {
			return false
		}
		l, err := chainLink(n, t)
		if err != nil {
			return false
		}
		switch conv.Ways(t.Features, formatOf(n), l.geometry)[0] {
		case "depthwise":
		case "direct":
			if n == second && n.In(1).Shape[2:].Elements() > 1 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// chained is one convolution of a chain, and where its images lie.
type chained struct {
	geometry conv.Geometry
	in, out  staging
	residual *staging
}

// chainLink places the images of a convolution whose output lies in the Channels layout.
func chainLink(n *graph.Node, t *Target) (chained, error) {
	g, err := convGeometry(n)
	if err != nil {
		return chained{}, err
	}
	f := move.For(t.Features)
	l := chained{out: stagedOutput(n.Outputs[0], f)}
	g.Out = l.out.image
	g.In.Height, g.In.Width = planeOf(n.In(0).Shape)
	l.in = stagedInput(n.In(0), g.Halo(), f)
	g.In = l.in.image
	if r := n.In(3); r != nil {
		s := stagedOutput(r, f)
		l.residual, g.Residual = &s, s.image
	}
	l.geometry = g
	return l, nil
}

// chainMembers are the body's nodes, reading and writing what the node itself reads and writes.
func chainMembers(n *graph.Node) []*graph.Node {
	body := n.Bodies["body"]
	outer := map[*graph.Value]*graph.Value{body.Outputs[0]: n.Outputs[0]}
	for i, v := range body.Inputs {
		outer[v] = n.Inputs[i]
	}
	members := make([]*graph.Node, len(body.Nodes))
	for k, m := range body.Nodes {
		own := *m
		own.Inputs, own.Outputs = outside(m.Inputs, outer), outside(m.Outputs, outer)
		members[k] = &own
	}
	return members
}

// outside replaces values by those that stand for them around a body.
func outside(values []*graph.Value, outer map[*graph.Value]*graph.Value) []*graph.Value {
	list := make([]*graph.Value, len(values))
	for i, v := range values {
		list[i] = v
		if o := outer[v]; o != nil {
			list[i] = o
		}
	}
	return list
}

func prepareConvChain(n *graph.Node, t *Target) (Kernel, error) {
	var links []chained
	var plans []*conv.Plan
	for _, m := range chainMembers(n) {
		l, err := chainLink(m, t)
		if err != nil {
			return Kernel{}, err
		}
		e := gemm.Epilogue{Clamp: clampOf(m)}
		if b := m.In(2); b != nil {
			e.Bias = constant[float32](b)
		}
		plan, err := conv.PrepareAs(conv.Ways(t.Features, formatOf(m), l.geometry)[0], t.Weights(), t.Features, formatOf(m), l.geometry, constant[float32](m.In(1)), e)
		if err != nil {
			return Kernel{}, err
		}
		if f := m.Str("function", ""); f != "" {
			plan = plan.Then(finishing(f, t))
		}
		links, plans = append(links, l), append(plans, plan)
	}
	plan, ok := conv.Chain(max(t.Threads, 1), plans...)
	if !ok {
		panic("ops: " + n.Name + ": convolutions that can't be chained")
	}
	in, last := links[0].in, links[len(links)-1]
	k := Kernel{Class: plan.Class(), Mixed: plan.Mixed(), Scratch: roundUp(plan.Scratch(), 64) + 4*in.elements()}
	residual := none
	for i, v := range n.Inputs {
		switch {
		case v.Known() && v.DType == tensor.Float32 && len(v.Shape) == 4:
			k.Packed = append(k.Packed, i)
		case i > 0 && !v.Known():
			residual = i
		}
	}
	k.Bind = func(c *Call) func() error {
		own := roundUp(plan.Scratch(), 64)
		call := plan.Bind(c.Team.Size(), c.Scratch[:own])
		x, _ := scratchFloats(c.Scratch[own:], in.elements())
		return func() error {
			in.load(x, c.In[0].Tensor)
			var r conv.Buffer
			if residual != none {
				r = bufferOf(c.In[residual].Tensor)
			}
			call.Run(c.Team, in.buffer(c.In[0], x), last.out.buffer(c.Out[0], nil), r)
			return nil
		}
	}
	return k, nil
}
