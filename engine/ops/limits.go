package ops

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// The limits of what a node may ask for, whatever its attributes and its inputs' contents say. Beyond them a node is refused with an error, when its shapes
// are inferred or, where only the run tells, by its work.
const (
	// MostMade is how many bytes the outputs of a node may take together where its inputs are small, and likewise the scratch memory of one that is bound in
	// a run.
	MostMade = 1 << 30
	// MostGrowth is how many times the bytes of its inputs they may take where that is more.
	MostGrowth = 1 << 10
	// MostIterations is how often a Loop may run its body.
	MostIterations = 1 << 24
	// MostCount is the largest magnitude of an integer attribute that is a size, an axis or a count.
	MostCount = math.MaxInt32
)

// allowance is how many bytes a node may make of the given values; all of them where the shape of one is not known yet.
func allowance(in []*graph.Value) int {
	sum := 0
	for _, v := range in {
		switch {
		case v == nil:
		case v.Kind != models.TensorKind || !v.Static():
			return MostBytes
		default:
			sum += min(BytesOf(v.DType, v.Shape.Elements()), MostBytes)
		}
	}
	return min(max(MostMade, MostGrowth*min(sum, MostBytes)), MostBytes)
}

// within makes an operator's Infer keep to the limits.
func within(infer func(*graph.Node) error) func(*graph.Node) error {
	return func(n *graph.Node) error {
		if err := countable(n); err != nil {
			return err
		}
		if err := infer(n); err != nil {
			return err
		}
		sum, most := 0, allowance(n.Inputs)
		for _, v := range n.Outputs {
			if v == nil || v.Kind != models.TensorKind {
				continue
			}
			if i := slices.IndexFunc(v.Shape, func(d int) bool { return d < tensor.Unknown || d > MostBytes }); i >= 0 {
				return fmt.Errorf("dimension %d of an output would be %d", i, v.Shape[i])
			}
			if !v.Static() {
				continue
			}
			if sum += min(BytesOf(v.DType, v.Shape.Elements()), 2*MostBytes); sum > most {
				return fmt.Errorf("output %v is larger than the %d bytes that may be made of its inputs", v, most)
			}
		}
		return nil
	}
}

// countable checks the node's integer attributes. Those that are numbers of the user's own rather than sizes may be anything, as all are in ai.onnx.ml.
func countable(n *graph.Node) error {
	if n.Domain == "ai.onnx.ml" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(n.Attributes)) {
		switch name {
		case "value_int", "value_ints", "pool_int64s", "ignore_index", "start", "end", "no_value":
			continue
		}
		a := n.Attributes[name]
		for _, v := range append(a.Ints[:len(a.Ints):len(a.Ints)], a.Int) {
			if v > MostCount || v < -MostCount {
				return fmt.Errorf("attribute %s has %d, which is beyond ±%d", name, v, MostCount)
			}
		}
	}
	return nil
}

// clampedProduct multiplies sizes, of which none is negative; a product beyond all bounds stays there.
func clampedProduct(a, b int) int {
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}
