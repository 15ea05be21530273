package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// learned is every type that the operators of ai.onnx.ml take as features.
const learned types = 1<<tensor.Float32 | 1<<tensor.Float64 | 1<<tensor.Int64 | 1<<tensor.Int32

// floatList is a list of floats, or nil where the node does not state it.
func floatList(n *graph.Node, name string) []float32 {
	if a, ok := n.Attributes[name]; ok && a.Kind == models.FloatsAttribute {
		return a.Floats
	}
	return nil
}

// textList is a list of strings, or nil where the node does not state it.
func textList(n *graph.Node, name string) []string {
	if a, ok := n.Attributes[name]; ok && a.Kind == models.StringsAttribute {
		return a.Strs
	}
	return nil
}

// longList is a list of integers as ONNX stores them, or nil where the node does not state it.
func longList(n *graph.Node, name string) []int64 {
	if a, ok := n.Attributes[name]; ok && a.Kind == models.IntsAttribute {
		return a.Ints
	}
	return nil
}

// samples is a feature matrix N×C as N and C; a vector of C is one sample.
func samples(s tensor.Shape) (count, features int, err error) {
	switch len(s) {
	case 1:
		return 1, s[0], nil
	case 2:
		return s[0], s[1], nil
	}
	return 0, 0, fmt.Errorf("input is %s; samples are wanted, N×C or C", s)
}

// sampleCount is N of the first input's samples, or tensor.Unknown.
func sampleCount(n *graph.Node) (int, error) {
	if n.Inputs[0].Shape == nil {
		return tensor.Unknown, nil
	}
	count, _, err := samples(n.Inputs[0].Shape)
	return count, err
}

// asReal makes the reader of an input's elements as T: its own memory where it has that type, else a copy.
func asReal[T real](v *graph.Value) func(s *Slot) []T {
	d := tensor.Float32
	if _, wide := any(*new(T)).(float64); wide {
		d = tensor.Float64
	}
	if v.DType == d {
		return func(s *Slot) []T { return elements[T](&s.Tensor) }
	}
	own := tensor.New(d, v.Shape)
	return func(s *Slot) []T {
		_ = conversion{}.convert(&own, &s.Tensor) // numbers always convert
		return elements[T](&own)
	}
}

// labels are a classifier's classes: strings or integers.
type labels struct {
	texts []string
	ints  []int64
}

// labelsOf reads the labels from one of two attributes.
func labelsOf(n *graph.Node, ints, texts string) (labels, error) {
	l := labels{texts: textList(n, texts)}
	if len(l.texts) == 0 {
		l = labels{ints: longList(n, ints)}
	}
	if l.count() == 0 {
		return l, fmt.Errorf("neither %s nor %s is given", ints, texts)
	}
	return l, nil
}

func (l labels) count() int { return max(len(l.texts), len(l.ints)) }

func (l labels) dtype() tensor.DType {
	if l.texts != nil {
		return tensor.String
	}
	return tensor.Int64
}

// binary is the labels of no and yes: 0 and 1 where there are not two.
func (l labels) binary() labels {
	switch {
	case l.count() == 2:
		return l
	case l.texts != nil:
		return labels{texts: []string{"0", "1"}}
	}
	return labels{ints: []int64{0, 1}}
}

// put writes the label of a class as an element of an output, where anybody wants it.
func (l labels) put(out *Slot, i, class int) {
	switch {
	case out == nil:
	case l.texts != nil:
		out.Strings[i] = l.texts[class]
	default:
		elements[int64](&out.Tensor)[i] = l.ints[class]
	}
}

// transform is what a model does with its scores at last. The numbers are those of TreeEnsemble's post_transform.
type transform int

const (
	noTransform transform = iota
	softmaxTransform
	logisticTransform
	softmaxZeroTransform
	probitTransform
)

// transformOf reads the attribute post_transform.
func transformOf(n *graph.Node) (transform, error) {
	name := n.Str("post_transform", "NONE")
	t, ok := map[string]transform{
		"NONE": noTransform, "SOFTMAX": softmaxTransform, "LOGISTIC": logisticTransform, "SOFTMAX_ZERO": softmaxZeroTransform, "PROBIT": probitTransform,
	}[name]
	if !ok {
		return t, fmt.Errorf("post_transform is %q", name)
	}
	return t, nil
}

// finishScores transforms the scores of one sample. A score that is alone only PROBIT transforms, as in ONNX Runtime.
func finishScores[T real](t transform, scores []T) {
	if len(scores) < 2 && t != probitTransform {
		return
	}
	switch t {
	case softmaxTransform:
		softmaxScores(scores, func(T) bool { return true })
	case softmaxZeroTransform:
		softmaxScores(scores, func(x T) bool { return x > 1e-7 || x < -1e-7 })
	case logisticTransform:
		for i, x := range scores {
			scores[i] = T(sigmoid(float64(x)))
		}
	case probitTransform:
		for i, x := range scores {
			scores[i] = T(probit(float32(x)))
		}
	}
}

// softmaxScores is the softmax over the scores that count; the others stay what they are, 0 but for rounding.
func softmaxScores[T real](scores []T, counts func(x T) bool) {
	top, total := largest(scores), 0.0
	for i, x := range scores {
		e := math.Exp(float64(x - top))
		if counts(x) {
			total += e
		} else {
			e = float64(x) * math.Exp(-float64(top))
		}
		scores[i] = T(e)
	}
	for i := range scores {
		scores[i] = T(float64(scores[i]) / total)
	}
}

// pairOf is the scores of no and yes that one score of yes stands for: a probability, or a margin that is 0 where neither is likelier.
func pairOf[T real](t transform, yes T, probability bool) [2]T {
	switch {
	case t == logisticTransform:
		return [2]T{T(sigmoid(-float64(yes))), T(sigmoid(float64(yes)))}
	case t == probitTransform:
		p := T(probit(float32(yes)))
		return [2]T{-p, p}
	case probability:
		return [2]T{1 - yes, yes}
	}
	return [2]T{-yes, yes}
}

// probit is the inverse of the normal distribution's cumulative function, by S. Winitzki's approximation of the inverse error function (2008) with
// a = 0.147, in float32, which is what ONNX Runtime computes.
func probit(p float32) float32 {
	const a = 0.147
	x := 2*p - 1
	log := float32(math.Log(float64((1 - x) * (1 + x))))
	v := 2/(math.Pi*a) + log/2
	far := float32(math.Sqrt(float64(v*v-log/a))) - v
	return math.Sqrt2 * float32(math.Copysign(math.Sqrt(float64(far)), float64(x)))
}
