package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// tests are the names of the tests, in order; a leaf's name is LEAF.
var tests = []string{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"}

// realList is a list of floats, or of the elements of the tensor of the same name with _as_tensor behind; nil where the node states neither.
func realList(n *graph.Node, name string) ([]float64, error) {
	if a, ok := n.Attributes[name+"_as_tensor"]; ok && a.Kind == models.TensorAttribute && a.Tensor.Len() > 0 {
		return realElements(a.Tensor)
	}
	var out []float64
	for _, v := range floatList(n, name) {
		out = append(out, float64(v))
	}
	return out, nil
}

// realElements are a tensor's elements as float64.
func realElements(t tensor.Tensor) ([]float64, error) {
	if !numbers.has(t.DType) {
		return nil, badType(t.DType)
	}
	t = tensor.Aligned(t)
	out := tensor.New(tensor.Float64, t.Shape)
	err := conversion{}.convert(&out, &t)
	return elements[float64](&out), err
}

// wideTrees reports whether a node's trees compare in float64: where the features or the thresholds are of that type.
func wideTrees(n *graph.Node) bool {
	for _, name := range []string{"nodes_values_as_tensor", "nodes_splits"} {
		if a, ok := n.Attributes[name]; ok && a.Tensor.DType == tensor.Float64 {
			return true
		}
	}
	return n.Inputs[0].DType == tensor.Float64
}

// listedForest reads the trees of a TreeEnsembleClassifier or TreeEnsembleRegressor; the attributes of its votes begin with prefix.
func listedForest[T real](n *graph.Node, prefix string, targets int) (*forest[T], error) {
	nodes, err := listedNodes(n)
	if err != nil {
		return nil, err
	}
	trees, ids, to := longList(n, prefix+"_treeids"), longList(n, prefix+"_nodeids"), longList(n, prefix+"_ids")
	weights, err := realList(n, prefix+"_weights")
	if err != nil {
		return nil, err
	}
	if len(trees) != len(to) || len(ids) != len(to) || len(weights) != len(to) {
		return nil, fmt.Errorf("%d %s_ids, %d tree ids, %d node ids and %d weights", len(to), prefix, len(trees), len(ids), len(weights))
	}
	votes := make([]listedVote, len(to))
	for i := range votes {
		votes[i] = listedVote{tree: trees[i], id: ids[i], target: to[i], weight: weights[i]}
	}
	return plant[T](nodes, votes, targets)
}

func listedNodes(n *graph.Node) ([]node, error) {
	modes := textList(n, "nodes_modes")
	lists := [][]int64{}
	for _, name := range []string{"nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids"} {
		list := longList(n, name)
		if len(list) != len(modes) {
			return nil, fmt.Errorf("%d %s for %d modes", len(list), name, len(modes))
		}
		lists = append(lists, list)
	}
	values, err := realList(n, "nodes_values")
	if err != nil {
		return nil, err
	}
	missing := longList(n, "nodes_missing_value_tracks_true")
	if len(values) != len(modes) || len(missing) != 0 && len(missing) != len(modes) {
		return nil, fmt.Errorf("%d nodes_values and %d nodes_missing_value_tracks_true for %d modes", len(values), len(missing), len(modes))
	}
	nodes := make([]node, len(modes))
	for i := range nodes {
		nodes[i] = node{
			tree: lists[0][i], id: lists[1][i], feature: lists[2][i], yes: lists[3][i], no: lists[4][i], value: values[i],
			leaf: modes[i] == "LEAF", missing: len(missing) > 0 && missing[i] != 0,
		}
		if nodes[i].leaf {
			continue
		}
		t := slices.Index(tests, modes[i])
		if t < 0 {
			return nil, fmt.Errorf("mode %q of node %d", modes[i], i)
		}
		nodes[i].test = test(t)
	}
	return nodes, nil
}

// placedForest reads the trees of a TreeEnsemble, whose nodes and leaves name each other by place.
func placedForest[T real](n *graph.Node) (*forest[T], error) {
	f := &forest[T]{targets: n.Int("n_targets", 1)}
	features, missing := longList(n, "nodes_featureids"), longList(n, "nodes_missing_value_tracks_true")
	yes, no := longList(n, "nodes_truenodeids"), longList(n, "nodes_falsenodeids")
	yesLeaf, noLeaf := longList(n, "nodes_trueleafs"), longList(n, "nodes_falseleafs")
	modes, err := realElements(n.Attributes["nodes_modes"].Tensor)
	if err != nil {
		return nil, fmt.Errorf("nodes_modes: %w", err)
	}
	splits, err := realElements(n.Attributes["nodes_splits"].Tensor)
	if err != nil {
		return nil, fmt.Errorf("nodes_splits: %w", err)
	}
	count := len(features)
	for _, length := range []int{len(yes), len(no), len(yesLeaf), len(noLeaf), len(modes), len(splits)} {
		if length != count {
			return nil, fmt.Errorf("lists of %d and %d nodes", count, length)
		}
	}
	if len(missing) != 0 && len(missing) != count {
		return nil, fmt.Errorf("%d nodes_missing_value_tracks_true for %d nodes", len(missing), count)
	}
	if err := f.placeLeaves(n); err != nil {
		return nil, err
	}
	f.branches = make([]branch[T], count)
	for i := range f.branches {
		b := &f.branches[i]
		if modes[i] < 0 || modes[i] > float64(member) {
			return nil, fmt.Errorf("mode %v of node %d", modes[i], i)
		}
		*b = branch[T]{threshold: T(splits[i]), test: test(modes[i]), missing: len(missing) > 0 && missing[i] != 0}
		if err := f.look(b, features[i]); err != nil {
			return nil, fmt.Errorf("node %d: %w", i, err)
		}
		if b.yes, err = f.placeOf(yes[i], yesLeaf[i] != 0); err != nil {
			return nil, fmt.Errorf("node %d: %w", i, err)
		}
		if b.no, err = f.placeOf(no[i], noLeaf[i] != 0); err != nil {
			return nil, fmt.Errorf("node %d: %w", i, err)
		}
	}
	for _, root := range longList(n, "tree_roots") {
		at, err := f.placeOf(root, false)
		if err != nil {
			return nil, fmt.Errorf("tree_roots: %w", err)
		}
		f.roots = append(f.roots, at)
	}
	if err := f.members(n); err != nil {
		return nil, err
	}
	return f, f.acyclic()
}

// placeLeaves gives each leaf its one vote.
func (f *forest[T]) placeLeaves(n *graph.Node) error {
	targets := longList(n, "leaf_targetids")
	weights, err := realElements(n.Attributes["leaf_weights"].Tensor)
	if err != nil {
		return fmt.Errorf("leaf_weights: %w", err)
	}
	if len(weights) != len(targets) {
		return fmt.Errorf("%d leaf_weights for %d leaf_targetids", len(weights), len(targets))
	}
	votes := make([]listedLeafVote, len(targets))
	for i := range votes {
		votes[i] = listedLeafVote{leaf: int32(i), target: targets[i], weight: weights[i]}
	}
	f.leaves = make([]run, len(targets))
	return f.poll(votes)
}

// placeOf is a branch or the complement of a leaf, as the model's place says.
func (f *forest[T]) placeOf(place int64, leaf bool) (int32, error) {
	count := len(f.branches)
	if leaf {
		count = len(f.leaves)
	}
	if place < 0 || place >= int64(count) {
		return 0, fmt.Errorf("place %d of %d", place, count)
	}
	if leaf {
		return ^int32(place), nil
	}
	return int32(place), nil
}

// members reads the sets of the branches that ask for membership: each ends with NaN, in the order of the branches.
func (f *forest[T]) members(n *graph.Node) error {
	var values []float64
	if a, ok := n.Attributes["membership_values"]; ok {
		var err error
		if values, err = realElements(a.Tensor); err != nil {
			return fmt.Errorf("membership_values: %w", err)
		}
	}
	for i := range f.branches {
		b := &f.branches[i]
		if b.test != member {
			continue
		}
		end := slices.IndexFunc(values, math.IsNaN)
		if end < 0 {
			return fmt.Errorf("membership_values has no set for node %d", i)
		}
		set := make([]T, end)
		for k, v := range values[:end] {
			set[k] = T(v)
		}
		slices.Sort(set)
		b.set = int32(len(f.sets))
		f.sets = append(f.sets, set)
		values = values[end+1:]
	}
	return nil
}
