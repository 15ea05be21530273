package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
)

// nestConcat lets a Concat begin with what an earlier one has joined already:
//
//	Concat(a, b) → p, Concat(a, b, c) → q  →  Concat(a, b) → p, Concat(p, c) → q
//
// so that all of a dense block's values can lie in the last of its Concats. It follows the choice of layouts.
var nestConcat = Pass{Name: "nest concat", Run: runNestConcat}

func runNestConcat(g *graph.Graph, o Options) error {
	for _, n := range g.Nodes {
		for _, body := range n.Bodies {
			if err := runNestConcat(body, o); err != nil {
				return err
			}
		}
	}
	e := edit(g)
	var joined [][]*graph.Value // what each Concat in the Channels layout joins
	var concats []*graph.Node
	for _, n := range g.Nodes {
		if !n.Is("", "Concat") || n.Outputs[0] == nil || !n.Outputs[0].Layout.Channels {
			continue
		}
		all := n.Inputs
		longest := -1
		for i, of := range joined {
			begins := len(of) > 1 && len(of) < len(all) && slices.Equal(of, all[:len(of)])
			if begins && concats[i].Outputs[0].DType == n.Outputs[0].DType && (longest < 0 || len(of) > len(joined[longest])) {
				longest = i
			}
		}
		if longest >= 0 {
			p := concats[longest].Outputs[0]
			e.read(n, append([]*graph.Value{p}, all[len(joined[longest]):]...))
		}
		joined, concats = append(joined, all), append(concats, n)
	}
	return nil
}
