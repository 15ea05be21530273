package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/pool"
	"github.com/eiplan/eiplan/models/tensor"
)

// convChain is eiplan/ConvChain: the eiplan/Conv nodes of its body, and a pool that may end it, one after the other, a few lines at a time, so that nothing in between goes through
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
	const farBytes = 1 << 20
	between := first.Outputs[0]
	if first.In(3) != nil || between.DType.Bytes(between.Shape.Elements()) < farBytes || between.Layout.Within != nil || !first.Is("eiplan", "Conv") ||
		!goesByLines(first, t) || !goesByLines(second, t) {
		return false
	}
	window := second.Is("eiplan", "Conv") && second.Int("group", 1) == 1 && second.In(1).Shape[2:].Elements() > 1
	return !window && linkFormat(first) == linkFormat(second)
}

// goesByLines reports whether a node can be a link of a chain.
func goesByLines(n *graph.Node, t *Target) bool {
	const nearWeights = 256 << 10
	y := n.Outputs[0]
	if !image4(y) || len(y.Shape) != 4 || !y.Layout.Channels {
		return false
	}
	if n.Is("", "MaxPool") || n.Is("", "AveragePool") {
		return fitsPool(n) && n.In(0).Layout.Channels && n.In(0).DType == y.DType
	}
	if !n.Is("eiplan", "Conv") || !packable(n) || n.In(scaleInput) != nil || 4*n.In(1).Shape.Elements() > nearWeights {
		return false
	}
	l, err := chainLink(n, t)
	if err != nil {
		return false
	}
	way := conv.Ways(t.Features, formatOf(n), l.geometry)[0]
	return way == "depthwise" || way == "direct"
}

// linkFormat is the format of a link: of pools, which have none, that of convolutions on what they read.
func linkFormat(n *graph.Node) gemm.Format {
	if n.Is("eiplan", "Conv") {
		return formatOf(n)
	}
	if n.In(0).DType == tensor.BFloat16 {
		return gemm.BF16
	}
	return gemm.FP32
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

// planPool is a pool as a link of a chain.
func planPool(n *graph.Node, t *Target) (chained, *conv.Plan, error) {
	win, axes, err := poolWindows(n)
	if err != nil {
		return chained{}, nil, err
	}
	l := chained{in: staging{value: n.In(0), image: imageOf(n.In(0))}, out: staging{value: n.Outputs[0], image: imageOf(n.Outputs[0])}}
	l.geometry = conv.Geometry{
		N: n.In(0).Shape[0], In: l.in.image, Out: l.out.image, KernelH: win.kernel[0], KernelW: win.kernel[1], StrideH: win.stride[0], StrideW: win.stride[1],
		DilationH: win.dilation[0], DilationW: win.dilation[1], PadTop: win.begin[0], PadLeft: win.begin[1], Groups: 1,
	}
	f := pool.For(t.Features)
	run, runBF16 := f.Average, f.AverageBF16
	if n.Op == "MaxPool" {
		run, runBF16 = f.Max, f.MaxBF16
	}
	lines := func(y conv.Buffer, out conv.Image, x conv.Buffer, in conv.Image, n, from, to int) {
		src, dst := poolImage(in), poolImage(out)
		src.Origin += n * in.ImagePitch
		dst.Origin += n*out.ImagePitch + from*out.RowPitch
		if x.BF16 != nil {
			runBF16(y.BF16, dst, x.BF16, src, in.Channels, axes[0][from:to], axes[1])
			return
		}
		run(y.F32, dst, x.F32, src, in.Channels, axes[0][from:to], axes[1])
	}
	return l, conv.PlanLines("pool "+f.Variant, linkFormat(n), l.geometry, lines), nil
}

// planLink is a member of a chain.
func planLink(m *graph.Node, t *Target) (chained, *conv.Plan, error) {
	if !m.Is("eiplan", "Conv") {
		return planPool(m, t)
	}
	l, err := chainLink(m, t)
	if err != nil {
		return chained{}, nil, err
	}
	e := gemm.Epilogue{Clamp: clampOf(m)}
	if b := m.In(2); b != nil {
		e.Bias = constant[float32](b)
	}
	format := formatOf(m)
	plan, err := conv.PrepareAs(conv.Ways(t.Features, format, l.geometry)[0], t.Weights(), t.Features, format, l.geometry, constant[float32](m.In(1)), e)
	if f := m.Str("function", ""); f != "" && err == nil {
		plan = plan.Then(finishing(f, t))
	}
	return l, plan, err
}

func prepareConvChain(n *graph.Node, t *Target) (Kernel, error) {
	var links []chained
	var plans []*conv.Plan
	for _, m := range chainMembers(n) {
		l, plan, err := planLink(m, t)
		if err != nil {
			return Kernel{}, err
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
