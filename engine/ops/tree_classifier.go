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
			yields(n, 1, tensor.Float32, tensor.Shape{count, max(classes.count(), 2)})
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

// putOneOfTwo writes two scores and the label of one or two classes.
func (k *treeClassifier[T]) putOneOfTwo(c *Call, i int, scores []T, voted []bool) {
	pair := [2]T{scores[0]}
	both := len(scores) == 2 && voted[1]
	if both {
		pair[1] = scores[1]
	}
	switch len(k.base) {
	case 1:
		pair[0] += k.base[0]
	case 2:
		if both && k.oneSided {
			pair[1] = k.base[1] + pair[0]
			pair[0] = -pair[1]
		} else {
			pair[0], pair[1], both = pair[0]+k.base[0], pair[1]+k.base[1], true
		}
	}
	score := pair[0]
	if both {
		score = pair[1]
	}
	k.classes.binary().put(c.Out[0], i, k.verdict(score))
	switch {
	case both, k.finish == probitTransform:
		finishScores(k.finish, pair[:])
	case k.oneSided && k.positive:
		pair = [2]T{1 - score, score}
	case k.finish == logisticTransform:
		pair = [2]T{-score, score}
		finishScores(k.finish, pair[:])
	default:
		pair = [2]T{-score, score}
	}
	k.tell(c, i, pair[:])
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
