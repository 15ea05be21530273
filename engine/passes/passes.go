// Package passes rewrites graphs: each pass is one rewrite, with the pattern that it looks for drawn at the top of its file. It knows no kernel and
// runs no model, but for the nodes that constant folding computes.
package passes

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// Options are what passes may know of the program that a graph becomes.
type Options struct {
	Target    *ops.Target
	Precision graph.Precision
	Counting  bool // the graph will be counted and not run, so large weights may keep their values where they should be scaled
}

// Pass is one rewrite of a graph and of the bodies in it. It leaves every value with its type and shape, as far as they can be known.
type Pass struct {
	Name string
	Run  func(g *graph.Graph, o Options) error
}

// The passes in the order in which Compile runs them.
var (
	// Required makes values' types and shapes known; a program cannot be built without it.
	Required = []Pass{{"fold constants", foldConstants}}

	// Portable is Required and the rewrites that inference runtimes make on any machine; the workload is counted after it.
	Portable = append(slices.Clone(Required), []Pass{
		removeNoop, removeDead, foldPad, foldAffine, fuseGelu, fuseSwish, fuseLayerNormalization, removeDead,
	}...)

	// Machine settles precision and layout for the machine at hand. It follows Portable.
	Machine = []Pass{
		widenHalves, removeNoop, foldAffine, fuseLayerNormalization, // again, for what was of 16 bits
		unflattenSoftmax, nameProducts, fuseBias, fuseResidual, fuseClamp, fuseOneHot, fuseTranspose, fuseSoftmax, fuseHeads, quantizeNodes, removeDead, mergeProjections,
		choosePrecision, fuseFunction, assignLayouts, fuseNormalizedClamp, fuseScale, fuseElementwise, reorderFirst, storeBFloat16, nestConcat, placeConcat, chainConv, averageConv,
	}
)

// Run applies a list of passes to g in order. An error names the pass where it is not the model's fault.
func Run(g *graph.Graph, list []Pass, o Options) error {
	for _, p := range list {
		if err := p.Run(g, o); err != nil {
			return err
		}
		if err := graph.Verify(g); err != nil {
			panic(fmt.Sprintf("passes: after %s: %v", p.Name, err))
		}
	}
	return nil
}
