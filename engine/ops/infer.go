package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
)

// InferGraph gives every value of g its type and shape, from g's inputs on. Operators with bodies do the same for those, with the types of their
// captures. An error names the node.
func InferGraph(g *graph.Graph) error {
	for _, n := range g.Nodes {
		if err := Of(n).Infer(n); err != nil {
			return fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
	}
	return nil
}
