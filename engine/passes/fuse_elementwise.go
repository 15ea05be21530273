package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
)

// fuseElementwise joins nodes that compute each element from the same element of their operands into one that walks the memory once:
//
//	y = Mul(Tanh(Add(x, b)), x)  →  y = eiplan/Elementwise(x) with a body of the three nodes
//
// The values in between are read by nobody else. Constants move into the body. It follows the choice of layouts: all that such a node reads and writes lies
// in one kind of layout. A node that stays alone is left as it is where it is dense and its own kernel is as good.
var fuseElementwise = Pass{Name: "fuse elementwise", Run: runFuseElementwise}

func runFuseElementwise(g *graph.Graph, o Options) error {
	for _, n := range g.Nodes {
		for _, body := range n.Bodies {
			if err := runFuseElementwise(body, o); err != nil {
				return err
			}
		}
	}
	e := edit(g)
	taken := map[*graph.Node]bool{}
	for _, last := range slices.Backward(g.Nodes) {
		if taken[last] || !ops.Fusible(last) || !ownLayout(last) {
			continue
		}
		members := e.gather(last)
		if len(members) == 1 && !last.Outputs[0].Layout.Channels && !ops.Gains(last) {
			continue
		}
		for n := range members {
			taken[n] = true
		}
		e.enclose(last, members)
	}
	e.sweep()
	return nil
}

// ownLayout reports whether all that a node reads and writes in the run lies in one kind of layout.
func ownLayout(n *graph.Node) bool {
	for _, v := range n.Inputs {
		if v != nil && v.Const == nil && v.Layout.Channels != n.Outputs[0].Layout.Channels {
			return false
		}
	}
	return true
}

// mostOperands bounds what a fused node reads, so that the blocks of all of it fit the nearest cache.
const mostOperands = 8

// gather collects the nodes that may be joined with the one that ends them, itself included.
func (e *editor) gather(last *graph.Node) map[*graph.Node]bool {
	members := map[*graph.Node]bool{last: true}
	for todo := []*graph.Node{last}; len(todo) > 0; {
		n := todo[0]
		todo = todo[1:]
		for _, v := range n.Inputs {
			if v == nil || v.Producer == nil || v.Const != nil || members[v.Producer] || e.gone[v.Producer] || !e.joins(v, last, members) {
				continue
			}
			members[v.Producer] = true
			if len(operandsOf(members)) > mostOperands {
				delete(members, v.Producer)
				continue
			}
			todo = append(todo, v.Producer)
		}
	}
	return members
}

// joins reports whether the node that makes v may be joined: v is as large as the output of last, and only members read it.
func (e *editor) joins(v *graph.Value, last *graph.Node, members map[*graph.Node]bool) bool {
	y := last.Outputs[0]
	outside := func(n *graph.Node) bool { return !members[n] }
	return !e.outputs[v] && ops.Fusible(v.Producer) && ownLayout(v.Producer) && v.Shape.Equal(y.Shape) && v.Layout.Channels == y.Layout.Channels &&
		!slices.ContainsFunc(e.readers[v], outside)
}

// operandsOf are the values that members read in the run and don't make, in the order of no graph.
func operandsOf(members map[*graph.Node]bool) map[*graph.Value]bool {
	read := map[*graph.Value]bool{}
	for n := range members {
		for _, v := range n.Inputs {
			if v != nil && v.Const == nil && !members[v.Producer] {
				read[v] = true
			}
		}
	}
	return read
}

// enclose puts the members into the body of a node that takes the place of the last.
func (e *editor) enclose(last *graph.Node, members map[*graph.Node]bool) {
	var list []*graph.Node
	for _, n := range e.g.Nodes {
		if members[n] {
			list = append(list, n)
		}
	}
	body := &graph.Graph{Name: last.Name}
	var inputs []*graph.Value
	inner := map[*graph.Value]*graph.Value{}
	inside := func(v *graph.Value) *graph.Value {
		if v == nil || v.Const != nil {
			return v
		}
		if inner[v] == nil {
			inner[v] = &graph.Value{Name: v.Name, DType: v.DType, Shape: v.Shape.Clone()}
			if !members[v.Producer] {
				inputs = append(inputs, v)
				body.Inputs = append(body.Inputs, inner[v])
			}
		}
		return inner[v]
	}
	for _, n := range list {
		m := *n
		m.Inputs, m.Outputs = slices.Clone(n.Inputs), []*graph.Value{nil}
		for i, v := range n.Inputs {
			m.Inputs[i] = inside(v)
		}
		m.Outputs[0] = inside(n.Outputs[0])
		m.Outputs[0].Producer = &m
		body.Nodes = append(body.Nodes, &m)
	}
	body.Outputs = []*graph.Value{inner[last.Outputs[0]]}
	e.become(last, "eiplan", "Elementwise", inputs, map[string]models.Attribute{}, list...)
	last.Bodies = map[string]*graph.Graph{"body": body}
}
