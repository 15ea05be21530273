package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
)

// chainConv joins convolutions between which there is more than the nearer caches hold into a node that runs them a few lines at a time:
//
//	x → Conv 1×1 → a → Conv depthwise → b → Conv 1×1 → y  →  x → eiplan/ConvChain → y, with a body of the three nodes
//
// Nobody else reads a or b. A pool may end the chain. It is the last pass: layouts and types are settled.
var chainConv = rewriting("chain conv", func(e *editor, n *graph.Node, o Options) {
	members := []*graph.Node{n}
	for last := n; last.Is("eiplan", "Conv"); {
		next := e.reader(last.Outputs[0])
		if next == nil || next.Inputs[0] != last.Outputs[0] || !ops.ChainsConv(last, next, o.Target) {
			break
		}
		members, last = append(members, next), next
	}
	if len(members) > 1 {
		e.chain(members)
	}
})

// chain puts the members, each of which reads what the one before makes, into the body of a node that takes the place of the last.
func (e *editor) chain(members []*graph.Node) {
	last := members[len(members)-1]
	body := &graph.Graph{Name: last.Name}
	var inputs []*graph.Value
	var between *graph.Value
	for k, n := range members {
		m := *n
		m.Inputs = slices.Clone(n.Inputs)
		for i, v := range n.Inputs {
			switch {
			case v == nil:
			case i == 0 && k > 0:
				m.Inputs[i] = between
			default:
				m.Inputs[i] = &graph.Value{Name: v.Name, DType: v.DType, Shape: v.Shape.Clone()}
				inputs, body.Inputs = append(inputs, v), append(body.Inputs, m.Inputs[i])
			}
		}
		y := n.Outputs[0]
		between = &graph.Value{Name: y.Name, DType: y.DType, Shape: y.Shape.Clone(), Producer: &m}
		if n != last {
			between.Layout = y.Layout
		}
		m.Outputs = []*graph.Value{between}
		body.Nodes = append(body.Nodes, &m)
	}
	body.Outputs = []*graph.Value{between}
	e.become(last, "eiplan", "ConvChain", inputs, map[string]models.Attribute{}, members...)
	last.Bodies = map[string]*graph.Graph{"body": body}
}
