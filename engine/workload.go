package engine

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// Cost, Kind and the kinds of work are those of the operators; they stand here so that planning code need not know operators.
type (
	Cost = ops.Cost
	Kind = ops.Kind
)

const (
	Copy          = ops.Copy
	View          = ops.View
	Elementwise   = ops.Elementwise
	Reduction     = ops.Reduction
	Pool          = ops.Pool
	Normalize     = ops.Normalize
	GEMM          = ops.GEMM
	BatchMatMul   = ops.BatchMatMul
	Conv          = ops.Conv
	GroupedConv   = ops.GroupedConv
	DepthwiseConv = ops.DepthwiseConv
	Recurrent     = ops.Recurrent
	Control       = ops.Control
	Host          = ops.Host
)

// Workload is what one run of a model does, counted and not measured, at the shapes that it was compiled for: what a machine that is not here can
// be judged by. Its steps follow the fusions that inference runtimes make: batch-norm folded, an elementwise operator joined to the producer whose
// only consumer it is, products of one value by several weights made one, views and transposes beside a matrix product free.
type Workload struct {
	Steps    []Work   `json:"steps"`
	Unfused  int      `json:"unfused"`  // operators as a framework launches them one by one, views not counted
	FLOPs    float64  `json:"flops"`    // of all matrix products and convolutions; one fused multiply-add is two. The rest is left out, as in published figures
	Weights  float64  `json:"weights"`  // elements of all weights
	Peak     float64  `json:"peak"`     // elements of activations alive at once, at most
	InBytes  float64  `json:"inBytes"`  // of the model's inputs, in their own types: what a network carries to a remote accelerator
	OutBytes float64  `json:"outBytes"` // of its outputs
	Unknown  []string `json:"unknown"`  // operators whose shapes only a run tells; their work is not in the figures above
}

// Work is one launch of an accelerator's runtime.
type Work struct {
	Name  string   `json:"name"`            // the first node's
	Op    string   `json:"op"`              // its operator
	Fused []string `json:"fused,omitempty"` // operators that run in the same launch
	Cost
}

// count makes the workload of a graph whose values have their types.
func count(g *graph.Graph) Workload {
	c := counter{
		readers: map[*graph.Value][]*graph.Node{}, launch: map[*graph.Value]int{}, beside: map[*graph.Value]int{}, bare: map[int]int{},
	}
	c.findReaders(g)
	c.graph(g)
	for _, v := range g.Inputs {
		if v.Static() {
			c.work.InBytes += float64(v.DType.Bytes(v.Shape.Elements()))
		}
	}
	for _, v := range g.Outputs {
		if v.Static() {
			c.work.OutBytes += float64(v.DType.Bytes(v.Shape.Elements()))
		}
	}
	for _, s := range c.work.Steps {
		if product(s.Kind) {
			c.work.FLOPs += s.FLOPs
		}
		c.work.Weights += s.Weights
	}
	c.work.Peak = peakActivations(g)
	if c.work.Unknown == nil {
		c.work.Unknown = []string{} // reports list none rather than leave it open
	}
	return c.work
}

type counter struct {
	work    Workload
	readers map[*graph.Value][]*graph.Node // nil stands for the caller, who reads the outputs
	launch  map[*graph.Value]int           // the step that makes a value
	beside  map[*graph.Value]int           // the step that multiplies a value by weights
	bare    map[int]int                    // products of a step that have no bias yet
}

func (c *counter) findReaders(g *graph.Graph) {
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			c.readers[v] = append(c.readers[v], n)
		}
	}
	for _, v := range g.Outputs {
		c.readers[v] = append(c.readers[v], nil)
	}
}

func (c *counter) graph(g *graph.Graph) {
	for _, n := range g.Nodes {
		if n.Op == "If" && len(n.Bodies) == 2 {
			c.branch(n)
			continue
		}
		if !settled(n) || len(n.Bodies) > 0 {
			c.work.Unknown = append(c.work.Unknown, ops.Key(n.Domain, n.Op))
			continue
		}
		c.node(n)
	}
}

// branch counts the heavier of an If's bodies: a plan must hold for either.
func (c *counter) branch(n *graph.Node) {
	then, otherwise := count(n.Bodies["then_branch"]), count(n.Bodies["else_branch"])
	heavy := then
	if otherwise.FLOPs > then.FLOPs {
		heavy = otherwise
	}
	c.work.Steps = append(c.work.Steps, heavy.Steps...)
	c.work.Unfused += heavy.Unfused + 1
	c.work.Unknown = append(c.work.Unknown, heavy.Unknown...)
}

func (c *counter) node(n *graph.Node) {
	cost := ops.CostOf(n)
	if cost.Kind == View || c.free(n) {
		for _, v := range n.Outputs {
			if k, ok := c.launch[n.Inputs[0]]; ok && v != nil && len(c.readers[n.Inputs[0]]) == 1 && v.Shape.Elements() == n.Inputs[0].Shape.Elements() {
				c.launch[v] = k
			}
		}
		return
	}
	c.work.Unfused++
	if product(cost.Kind) {
		c.work.Unfused += max(0, len(n.From)-1) // batch-norm and the like, folded into the weights
	}
	k, joined := c.join(n, cost)
	if !joined {
		k, joined = c.merge(n, cost)
	}
	if !joined {
		k = len(c.work.Steps)
		c.work.Steps = append(c.work.Steps, Work{Name: n.Name, Op: n.Op, Cost: cost})
	}
	for _, v := range n.Outputs {
		if v != nil {
			c.launch[v] = k
		}
	}
}

// free reports whether n only tells its readers where to read: a part of a value, or a transpose that a matrix product beside it does by reading or writing
// with other strides.
func (c *counter) free(n *graph.Node) bool {
	return n.Is("", "Split") || n.Is("", "Slice") || n.Is("", "Transpose") && (c.feedsProducts(n.Outputs[0]) || madeByProduct(n.Inputs[0]))
}

// feedsProducts reports whether all readers of v are matrix products, views apart.
func (c *counter) feedsProducts(v *graph.Value) bool {
	for _, r := range c.readers[v] {
		if r == nil || !r.Is("", "MatMul") && !(ops.Of(r).View && c.feedsProducts(r.Outputs[0])) {
			return false
		}
	}
	return len(c.readers[v]) > 0
}

func madeByProduct(v *graph.Value) bool {
	for v.Producer != nil && ops.Of(v.Producer).View {
		v = v.Producer.Inputs[0]
	}
	return v.Producer != nil && v.Producer.Is("", "MatMul")
}

// merge adds a product of a value and weights to another of the same value: the projections of an attention are one matrix product.
func (c *counter) merge(n *graph.Node, cost Cost) (int, bool) {
	if cost.Kind != GEMM || cost.Weights == 0 || n.In(0) == nil {
		return 0, false
	}
	k, ok := c.beside[n.Inputs[0]]
	if !ok || c.work.Steps[k].M != cost.M || c.work.Steps[k].K != cost.K {
		k = len(c.work.Steps)
		c.beside[n.Inputs[0]], c.bare[k] = k, 1
		return 0, false
	}
	s := &c.work.Steps[k]
	s.N, s.FLOPs, s.Weights, s.Writes = s.N+cost.N, s.FLOPs+cost.FLOPs, s.Weights+cost.Weights, s.Writes+cost.Writes
	c.bare[k]++
	return k, true
}

// join adds an elementwise node to the launch that makes one of its inputs, if nothing else reads that and it is not spread over a larger one.
func (c *counter) join(n *graph.Node, cost Cost) (int, bool) {
	if cost.Kind != Elementwise {
		return 0, false
	}
	for _, v := range n.Inputs {
		k, made := c.launch[v]
		if v == nil || !made || len(c.readers[v]) != 1 || v.Shape.Elements() < n.Outputs[0].Shape.Elements() {
			continue
		}
		s := &c.work.Steps[k]
		if s.Kind == Copy || s.Kind == Pool || s.Kind == Reduction {
			continue
		}
		if c.bare[k] > 0 && n.Op == "Add" && cost.Weights > 0 {
			c.bare[k]--
			c.work.Unfused-- // a bias, which frameworks hand to the product itself
		}
		s.Fused = append(s.Fused, n.Op)
		if !product(s.Kind) {
			s.FLOPs += cost.FLOPs
		}
		s.Weights += cost.Weights
		s.Reads += cost.Reads - float64(v.Shape.Elements())
		s.Writes += cost.Writes - float64(v.Shape.Elements())
		return k, true
	}
	return 0, false
}

// product reports whether a kind of work is multiplying matrices, in whatever form.
func product(k Kind) bool {
	switch k {
	case GEMM, BatchMatMul, Conv, GroupedConv, DepthwiseConv, Recurrent:
		return true
	}
	return false
}

// peakActivations is the largest number of activation elements that are alive at once when the nodes run in order. A view is the value that it shows.
func peakActivations(g *graph.Graph) float64 {
	shown := map[*graph.Value]*graph.Value{}
	root := func(v *graph.Value) *graph.Value {
		if r := shown[v]; r != nil {
			return r
		}
		return v
	}
	last := map[*graph.Value]int{}
	for k, n := range g.Nodes {
		if v := n.Outputs[0]; v != nil && ops.Of(n).View {
			shown[v] = root(n.Inputs[0])
		}
		for _, v := range n.Inputs {
			last[root(v)] = k
		}
	}
	for _, v := range g.Outputs {
		last[root(v)] = len(g.Nodes)
	}
	size := func(v *graph.Value) float64 {
		if v == nil || v.Const != nil || !v.Static() || shown[v] != nil {
			return 0
		}
		return float64(v.Shape.Elements())
	}
	var alive, most float64
	for _, v := range g.Inputs {
		alive += size(v)
	}
	for k, n := range g.Nodes {
		for _, v := range n.Outputs {
			alive += size(v)
		}
		most = max(most, alive)
		freed := map[*graph.Value]bool{}
		for _, v := range slices.Concat(n.Inputs, n.Outputs) {
			if r := root(v); !freed[r] && last[r] <= k {
				freed[r] = true
				alive -= size(r)
			}
		}
	}
	return most
}
