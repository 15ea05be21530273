package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// aggregate is how the votes for a target are joined. The numbers are those of TreeEnsemble's aggregate_function.
type aggregate int

const (
	average aggregate = iota
	total
	minimum
	maximum
)

// aggregates are the names of the aggregates, in order.
var aggregates = []string{"AVERAGE", "SUM", "MIN", "MAX"}

// tally joins the votes of all trees for a sample; voted says which targets got one.
func (f *forest[T]) tally(how aggregate, x, scores []T, voted []bool) {
	clear(scores)
	clear(voted)
	for _, root := range f.roots {
		leaf := f.leaves[f.leafOf(root, x)]
		for _, v := range f.votes[leaf.from:leaf.to] {
			s := &scores[v.target]
			switch {
			case how == minimum && voted[v.target]:
				*s = min(*s, v.weight)
			case how == maximum && voted[v.target]:
				*s = max(*s, v.weight)
			default:
				*s += v.weight
			}
			voted[v.target] = true
		}
	}
	if how == average {
		for i := range scores {
			scores[i] /= T(max(len(f.roots), 1))
		}
	}
}

// kernel tallies every sample and hands its scores to finish.
func (f *forest[T]) kernel(n *graph.Node, how aggregate, finish func(c *Call, i int, scores []T, voted []bool)) (Kernel, error) {
	count, features, err := samples(n.Inputs[0].Shape)
	if err != nil {
		return Kernel{}, err
	}
	if features < f.features {
		return Kernel{}, fmt.Errorf("%d features; the trees look at %d", features, f.features)
	}
	read := asReal[T](n.Inputs[0])
	const depth = 8 // of a tree, as a guess at its work
	return Kernel{Class: "trees", Bind: func(c *Call) func() error {
		var x []T
		scores, voted := make([]T, count*f.targets), make([]bool, count*f.targets)
		work := inPieces(c.Team, count, depth*len(f.roots), func(from, to int) {
			for i := from; i < to; i++ {
				own, got := scores[i*f.targets:][:f.targets], voted[i*f.targets:][:f.targets]
				f.tally(how, x[i*features:][:features], own, got)
				finish(c, i, own, got)
			}
		})
		return func() error {
			x = read(c.In[0])
			work.run(c.Team)
			return nil
		}
	}}, nil
}

// costTrees counts the nodes that a sample passes as the logarithm of what a tree has of them.
func costTrees(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Host
	branches := len(longList(n, "nodes_featureids"))
	trees := len(longList(n, "tree_roots"))
	if trees == 0 {
		ids := slices.Clone(longList(n, "nodes_treeids"))
		slices.Sort(ids)
		trees = len(slices.Compact(ids))
	}
	if count, _, err := samples(n.Inputs[0].Shape); err == nil && trees > 0 {
		depth := 1
		for size := branches / trees; size > 1; size /= 2 {
			depth++
		}
		c.Weights, c.FLOPs = float64(branches), float64(count*trees*depth)
	}
	return c
}

// inferSamples checks the only input, samples, and tells how many there are.
func inferSamples(n *graph.Node) (int, error) {
	if err := arity(n, 1, 1); err != nil {
		return 0, err
	}
	if err := takes(n, 0, learned); err != nil {
		return 0, err
	}
	return sampleCount(n)
}

// inferTargets is for a regressor with n_targets scores of a type, by default the input's.
func inferTargets(n *graph.Node, d tensor.DType) error {
	count, err := inferSamples(n)
	if err != nil {
		return err
	}
	targets := n.Int("n_targets", 1)
	if targets < 1 {
		return fmt.Errorf("n_targets is %d", targets)
	}
	if d == tensor.Undefined {
		d = n.Inputs[0].DType
	}
	yields(n, 0, d, tensor.Shape{count, targets})
	return nil
}

// treeEnsembleRegressor makes n_targets scores for each sample: the aggregate of the trees' votes and the base value, transformed.
func treeEnsembleRegressor() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			return inferTargets(n, tensor.Float32)
		},
		Cost: costTrees,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			if wideTrees(n) {
				return prepareTreeRegressor[float64](n)
			}
			return prepareTreeRegressor[float32](n)
		},
	}
}

func prepareTreeRegressor[T real](n *graph.Node) (Kernel, error) {
	targets := n.Int("n_targets", 1)
	how := slices.Index(aggregates, n.Str("aggregate_function", "SUM"))
	if how < 0 {
		return Kernel{}, fmt.Errorf("aggregate_function is %q", n.Str("aggregate_function", ""))
	}
	f, err := listedForest[T](n, "target", targets)
	if err != nil {
		return Kernel{}, err
	}
	base, err := realList(n, "base_values")
	if err != nil {
		return Kernel{}, err
	}
	if len(base) > 0 && len(base) != targets {
		return Kernel{}, fmt.Errorf("%d base_values for %d targets", len(base), targets)
	}
	t, err := transformOf(n)
	if err != nil {
		return Kernel{}, err
	}
	return f.kernel(n, aggregate(how), func(c *Call, i int, scores []T, _ []bool) {
		for k, v := range base {
			scores[k] += T(v)
		}
		finishScores(t, scores)
		to := elements[float32](&c.Out[0].Tensor)[i*targets:][:targets]
		for k, v := range scores {
			to[k] = float32(v)
		}
	})
}

// treeEnsemble is the ensemble of ai.onnx.ml 5, which replaces the two others: scores of the input's own type.
func treeEnsemble() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			return inferTargets(n, tensor.Undefined)
		},
		Cost: costTrees,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			switch d := n.Inputs[0].DType; d {
			case tensor.Float32:
				return prepareTreeEnsemble[float32](n)
			case tensor.Float64:
				return prepareTreeEnsemble[float64](n)
			default:
				return Kernel{}, badType(d)
			}
		},
	}
}

func prepareTreeEnsemble[T real](n *graph.Node) (Kernel, error) {
	f, err := placedForest[T](n)
	if err != nil {
		return Kernel{}, err
	}
	how, t := aggregate(n.Int("aggregate_function", int(total))), transform(n.Int("post_transform", 0))
	if how < average || how > maximum || t < noTransform || t > probitTransform {
		return Kernel{}, fmt.Errorf("aggregate_function %d, post_transform %d", how, t)
	}
	return f.kernel(n, how, func(c *Call, i int, scores []T, _ []bool) {
		finishScores(t, scores)
		copy(elements[T](&c.Out[0].Tensor)[i*f.targets:], scores)
	})
}
