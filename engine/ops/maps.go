package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// A map lies in a Slot as two Items, vectors of its keys and of its values. A sequence of maps has those of each map, one after the other.

// zipMap makes a map of each row of scores: from the labels to the scores.
func zipMap() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		if err := takes(n, 0, 1<<tensor.Float32); err != nil {
			return err
		}
		keys, err := labelsOf(n, "classlabels_int64s", "classlabels_strings")
		if err != nil {
			return err
		}
		if s := n.Inputs[0].Shape; s != nil {
			if _, width, err := samples(s); err != nil || width != tensor.Unknown && width != keys.count() {
				return fmt.Errorf("input %s for %d labels", s, keys.count())
			}
		}
		if wants(n, 0) {
			n.Outputs[0].SetType(&graph.Value{Kind: models.SequenceKind, DType: tensor.Float32, Elem: graph.Elem{Kind: models.MapKind, Key: keys.dtype()}})
		}
		return nil
	}, func(n *graph.Node, _ *Target, c *Call) error {
		l, err := labelsOf(n, "classlabels_int64s", "classlabels_strings")
		if err != nil {
			return err
		}
		count, width, err := samples(c.In[0].Shape)
		if err != nil {
			return err
		}
		keys := tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{width}, Strings: l.texts}
		if l.texts == nil {
			keys = tensor.From(tensor.Int64, tensor.Shape{width}, l.ints)
		}
		items := make([]tensor.Tensor, 0, 2*count)
		for i := range count {
			values := tensor.New(tensor.Float32, tensor.Shape{width})
			copy(elements[float32](&values), elements[float32](&c.In[0].Tensor)[i*width:])
			items = append(items, keys, values)
		}
		c.Out[0].Items = items
		return nil
	})
}

// dictVectorizer makes a row of a map: its value for each word of a vocabulary, 0 or "" for a word that is no key. The type of the values is that of the
// input, which is a map.
func dictVectorizer() Op {
	vocabulary := func(n *graph.Node) (labels, error) { return labelsOf(n, "int64_vocabulary", "string_vocabulary") }
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		if n.Inputs[0].Kind != models.MapKind {
			return fmt.Errorf("the input is no map")
		}
		words, err := vocabulary(n)
		yields(n, 0, n.Inputs[0].DType, tensor.Shape{1, words.count()})
		return err
	}, func(n *graph.Node, _ *Target, c *Call) error {
		words, err := vocabulary(n)
		if err != nil {
			return err
		}
		if len(c.In[0].Items) != 2 {
			return fmt.Errorf("the input is no map")
		}
		keys, values := &c.In[0].Items[0], &c.In[0].Items[1]
		if keys.DType != words.dtype() {
			return fmt.Errorf("keys are %s and the vocabulary is %s", keys.DType, words.dtype())
		}
		place(c.Out[0], values.DType, tensor.Shape{1, words.count()})
		list, find := tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{words.count()}, Strings: words.texts}, placesOf[string]
		if words.texts == nil {
			list, find = tensor.From(tensor.Int64, tensor.Shape{words.count()}, words.ints), placesOf[int64]
		}
		zero := tensor.New(values.DType, tensor.Shape{1})
		put := bySize(values.DType, putMapped[uint8], putMapped[uint16], putMapped[uint32], putMapped[uint64], putMapped[complex128], putMapped[string])
		put(&c.Out[0].Tensor, values, &zero, find(keys)(&list))
		return nil
	})
}
