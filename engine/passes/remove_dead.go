package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
)

// removeDead drops what nobody reads:
//
//	y = op(x), y unread            →  nothing
//	y, z = MaxPool(x), z unread    →  y = MaxPool(x)
var removeDead = Pass{Name: "remove dead nodes", Run: runRemoveDead}

// optionalOutputs names the operators whose outputs after the first may be left out.
var optionalOutputs = []string{"BatchNormalization", "Dropout", "GRU", "LSTM", "LayerNormalization", "MaxPool", "RNN"}

func runRemoveDead(g *graph.Graph, o Options) error {
	read := map[*graph.Value]bool{}
	for _, v := range g.Outputs {
		read[v] = true
	}
	var kept []*graph.Node
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool { return read[v] && v != nil }) {
			continue
		}
		if n.Domain == "" && slices.Contains(optionalOutputs, n.Op) {
			for i, v := range n.Outputs {
				if i > 0 && !read[v] {
					n.Outputs[i] = nil
				}
			}
		}
		for _, v := range n.Inputs {
			read[v] = true
		}
		for _, body := range n.Bodies {
			if err := runRemoveDead(body, o); err != nil {
				return err
			}
		}
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	g.Nodes = kept
	return nil
}
