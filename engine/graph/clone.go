package graph

import (
	"maps"
	"slices"
)

// Clone copies a graph with its values, nodes and bodies, so that inference on the copy does not show in g. Contents and attributes are shared.
func (g *Graph) Clone() *Graph {
	c := cloning{}
	copied := &Graph{Name: g.Name, Inputs: c.values(g.Inputs)}
	for _, n := range g.Nodes {
		copied.Nodes = append(copied.Nodes, c.node(n))
	}
	copied.Outputs = c.values(g.Outputs)
	return copied
}

// cloning is the copy of each value.
type cloning map[*Value]*Value

func (c cloning) values(list []*Value) []*Value {
	copied := make([]*Value, len(list))
	for i, v := range list {
		if v == nil {
			continue
		}
		if c[v] == nil {
			twin := *v
			twin.Shape = slices.Clone(v.Shape)
			c[v] = &twin
			if w := v.Layout.Within; w != nil {
				twin.Layout.Within = c.values([]*Value{w})[0]
			}
		}
		copied[i] = c[v]
	}
	return copied
}

func (c cloning) node(n *Node) *Node {
	copied := *n
	copied.Inputs, copied.Outputs = c.values(n.Inputs), c.values(n.Outputs)
	for _, v := range copied.Outputs {
		if v != nil {
			v.Producer = &copied
		}
	}
	copied.Bodies = maps.Clone(n.Bodies)
	for name, body := range copied.Bodies {
		copied.Bodies[name] = body.Clone()
	}
	return &copied
}
