package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// treeEnsembleClassifier makes a label and a score for each class of each sample. Where all votes are for one of two classes, what they sum up to is a
// score of yes: a probability where no weight is negative, else a margin. What ONNX leaves open about two classes is as in ONNX Runtime.
func treeEnsembleClassifier() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			count, err := inferSamples(n)
			if err != nil {
				return err
			}
			classes, err := labelsOf(n, "classlabels_int64s", "classlabels_strings")
			if err != nil {
				return err
			}
			yields(n, 0, classes.dtype(), tensor.Shape{count})
			yields(n, 1, tensor.Float32, tensor.Shape{count, classes.count()})
			return nil
		},
		Cost: costTrees,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			if wideTrees(n) {
				return prepareTreeClassifier[float64](n)
			}
			return prepareTreeClassifier[float32](n)
		},
	}
}

// treeClassifier is what becomes of the sums of a sample's votes.
type treeClassifier[T real] struct {
	classes  labels
	base     []T
	finish   transform
	oneSided bool // all votes are for one of two classes
	positive bool // no weight is negative
}

func prepareTreeClassifier[T real](n *graph.Node) (Kernel, error) {
	classes, err := labelsOf(n, "classlabels_int64s", "classlabels_strings")
	if err != nil {
		return Kernel{}, err
	}
	f, err := listedForest[T](n, "class", classes.count())
	if err != nil {
		return Kernel{}, err
	}
	k := treeClassifier[T]{classes: classes, positive: true}
	if k.finish, err = transformOf(n); err != nil {
		return Kernel{}, err
	}
	base, err := realList(n, "base_values")
	if err != nil {
		return Kernel{}, err
	}
	if len(base) > classes.count() {
		return Kernel{}, fmt.Errorf("%d base_values for %d classes", len(base), classes.count())
	}
	for _, v := range base {
		k.base = append(k.base, T(v))
	}
	ids := longList(n, "class_ids")
	k.oneSided = classes.count() == 2 && !slices.ContainsFunc(ids, func(id int64) bool { return id != ids[0] })
	for _, v := range f.votes {
		k.positive = k.positive && v.weight >= 0
	}
	put := k.putOneOfMany
	if classes.count() <= 2 {
		put = k.putOneOfTwo
	}
	return f.kernel(n, total, put)
}

// putOneOfMany writes the sums, transformed, and the label of the largest among the classes that got votes or a base value.
func (k *treeClassifier[T]) putOneOfMany(c *Call, i int, scores []T, voted []bool) {
	for j, v := range k.base {
		scores[j] += v
		voted[j] = true
	}
	best := -1
	for j, v := range scores {
		if voted[j] && (best < 0 || v > scores[best]) {
			best = j
		}
	}
	k.classes.put(c.Out[0], i, max(best, 0))
	finishScores(k.finish, scores)
	k.tell(c, i, scores)
}

// putOneOfTwo writes the scores and the label of two classes, or of one. A class without votes has the score 0.
func (k *treeClassifier[T]) putOneOfTwo(c *Call, i int, scores []T, voted []bool) {
	both := len(scores) == 2 && voted[1]
	switch {
	case len(k.base) == 1:
		scores[0] += k.base[0]
	case len(k.base) == 2 && both:
		scores[1] = k.base[1] + scores[0]
		scores[0] = -scores[1]
	case len(k.base) == 2:
		scores[0] += k.base[0]
		voted[0] = true
	}
	score := scores[0]
	if both {
		score = scores[1]
	}
	k.classes.binary().put(c.Out[0], i, k.verdict(score))
	if len(scores) == 2 && !both && len(k.base) < 2 {
		pair := pairOf(k.finish, score, k.oneSided && k.positive)
		k.tell(c, i, pair[:])
		return
	}
	for j := range scores {
		if !voted[j] {
			scores[j] = 0
		}
	}
	finishScores(k.finish, scores)
	k.tell(c, i, scores)
}

// verdict is 1 where a score says yes.
func (k *treeClassifier[T]) verdict(score T) int {
	threshold := T(0)
	if k.oneSided && k.positive {
		threshold = 0.5
	}
	if score > threshold {
		return 1
	}
	return 0
}

// tell writes a sample's scores, where anybody wants them.
func (k *treeClassifier[T]) tell(c *Call, i int, scores []T) {
	if len(c.Out) < 2 || c.Out[1] == nil {
		return
	}
	to := elements[float32](&c.Out[1].Tensor)[i*len(scores):][:len(scores)]
	for j, v := range scores {
		to[j] = float32(v)
	}
}
