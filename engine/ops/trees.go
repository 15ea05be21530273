package ops

import (
	"fmt"
	"slices"
	"sort"
)

// forest is an ensemble of decision trees, flat: a branch names the branches or leaves that follow it by their place, and a leaf's votes lie side by side.
// T is what features are compared and votes are added in.
type forest[T real] struct {
	branches []branch[T]
	roots    []int32 // of each tree
	leaves   []run   // the votes of each leaf
	votes    []vote[T]
	sets     [][]T // sorted, for the branches that ask for membership
	targets  int
	features int // no branch looks at a feature that is not below it
}

// branch compares one feature and goes to yes or no: a branch from 0 on, a leaf as its complement.
type branch[T real] struct {
	threshold T
	feature   int32
	yes, no   int32
	set       int32 // place in sets, of member alone
	test      test
	missing   bool // whether NaN goes to yes
}

// test is how a branch compares a feature. The numbers are those of TreeEnsemble's nodes_modes.
type test uint8

const (
	atMost test = iota
	below
	atLeast
	above
	equal
	unequal
	member
)

// run is a part of a list.
type run struct{ from, to int32 }

// vote is what a leaf adds to a target.
type vote[T real] struct {
	weight T
	target int32
}

// leafOf is the leaf that a sample reaches in a tree.
func (f *forest[T]) leafOf(at int32, x []T) int32 {
	for at >= 0 {
		b := &f.branches[at]
		v := x[b.feature]
		var yes bool
		switch b.test {
		case atMost:
			yes = v <= b.threshold
		case below:
			yes = v < b.threshold
		case atLeast:
			yes = v >= b.threshold
		case above:
			yes = v > b.threshold
		case equal:
			yes = v == b.threshold
		case unequal:
			yes = v != b.threshold
		default:
			_, yes = slices.BinarySearch(f.sets[b.set], v)
		}
		if yes || b.missing && v != v {
			at = b.yes
		} else {
			at = b.no
		}
	}
	return ^at
}

// node is a branch or a leaf as a model lists it.
type node struct {
	tree, id int64
	test     test
	leaf     bool
	feature  int64
	value    float64
	yes, no  int64 // ids, of the same tree
	missing  bool
}

// listedVote is a vote as a model lists it, of the leaf that it names.
type listedVote struct {
	tree, id int64
	target   int64
	weight   float64
}

// plant builds a forest from nodes that name each other by tree and id. The root of a tree is the node that none of it names; of several, the first.
func plant[T real](nodes []node, votes []listedVote, targets int) (*forest[T], error) {
	f := &forest[T]{targets: targets}
	type key struct{ tree, id int64 }
	place := make(map[key]int32, len(nodes)) // of the branch, or the leaf's complement
	for _, n := range nodes {
		k := key{n.tree, n.id}
		if _, twice := place[k]; twice {
			return nil, fmt.Errorf("tree %d has two nodes %d", n.tree, n.id)
		}
		if n.leaf {
			place[k] = ^int32(len(f.leaves))
			f.leaves = append(f.leaves, run{})
			continue
		}
		place[k] = int32(len(f.branches))
		f.branches = append(f.branches, branch[T]{threshold: T(n.value), test: n.test, missing: n.missing})
	}
	named := map[key]bool{}
	for _, n := range nodes {
		if n.leaf {
			continue
		}
		yes, known := place[key{n.tree, n.yes}]
		no, both := place[key{n.tree, n.no}]
		if !known || !both {
			return nil, fmt.Errorf("node %d of tree %d names a node that is not there: %d or %d", n.id, n.tree, n.yes, n.no)
		}
		b := &f.branches[place[key{n.tree, n.id}]]
		b.yes, b.no = yes, no
		if err := f.look(b, n.feature); err != nil {
			return nil, fmt.Errorf("node %d of tree %d: %w", n.id, n.tree, err)
		}
		named[key{n.tree, n.yes}], named[key{n.tree, n.no}] = true, true
	}
	rooted, trees := map[int64]bool{}, map[int64]bool{}
	for _, n := range nodes {
		trees[n.tree] = true
		if !named[key{n.tree, n.id}] && !rooted[n.tree] {
			rooted[n.tree] = true
			f.roots = append(f.roots, place[key{n.tree, n.id}])
		}
	}
	if len(rooted) < len(trees) {
		return nil, fmt.Errorf("a tree has no root")
	}
	leafVotes := make([]listedLeafVote, len(votes))
	for i, v := range votes {
		at, ok := place[key{v.tree, v.id}]
		if !ok {
			return nil, fmt.Errorf("a vote of node %d of tree %d, which is not there", v.id, v.tree)
		}
		leafVotes[i] = listedLeafVote{leaf: ^at, target: v.target, weight: v.weight}
	}
	if err := f.poll(leafVotes); err != nil {
		return nil, err
	}
	return f, f.acyclic()
}

// look sets the feature that a branch looks at.
func (f *forest[T]) look(b *branch[T], feature int64) error {
	if feature < 0 || feature >= 1<<31 {
		return fmt.Errorf("feature %d", feature)
	}
	b.feature = int32(feature)
	f.features = max(f.features, int(feature)+1)
	return nil
}

// listedLeafVote is a vote of a leaf by its place; what a branch votes is never counted, and its place is negative.
type listedLeafVote struct {
	leaf   int32
	target int64
	weight float64
}

// poll gives the leaves their votes, in the order of the list.
func (f *forest[T]) poll(votes []listedLeafVote) error {
	sort.SliceStable(votes, func(i, j int) bool { return votes[i].leaf < votes[j].leaf })
	for _, v := range votes {
		if v.target < 0 || v.target >= int64(f.targets) {
			return fmt.Errorf("a vote for target %d of %d", v.target, f.targets)
		}
		if v.leaf < 0 {
			continue
		}
		r := &f.leaves[v.leaf]
		if r.to == 0 {
			r.from = int32(len(f.votes))
		}
		f.votes = append(f.votes, vote[T]{weight: T(v.weight), target: int32(v.target)})
		r.to = int32(len(f.votes))
	}
	return nil
}

// acyclic makes sure that every walk ends.
func (f *forest[T]) acyclic() error {
	const unseen, open, done = 0, 1, 2
	state := make([]uint8, len(f.branches))
	for _, root := range f.roots {
		path := []int32{root}
		for len(path) > 0 {
			at := path[len(path)-1]
			if at < 0 || state[at] == done {
				path = path[:len(path)-1]
				continue
			}
			if state[at] == open { // both sides are done
				state[at] = done
				path = path[:len(path)-1]
				continue
			}
			state[at] = open
			for _, next := range [2]int32{f.branches[at].yes, f.branches[at].no} {
				if next >= 0 && state[next] == open {
					return fmt.Errorf("a branch leads back to itself")
				}
				path = append(path, next)
			}
		}
	}
	return nil
}
