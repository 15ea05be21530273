package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// negativeLogLikelihood is NegativeLogLikelihoodLoss: for each position of N×d… the negated element of the input N×C×d… that the target names, times
// the weight of that class; added up, or averaged over the weights. Positions of ignore_index count nothing.
func negativeLogLikelihood() Op { return loss(false) }

// softmaxCrossEntropy is that loss of the logarithm of the softmax over C, which is its second output.
func softmaxCrossEntropy() Op { return loss(true) }

func loss(softmax bool) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 3); err != nil {
				return err
			}
			if err := sameTypes(n, floats, 0, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			x, target := n.Inputs[0], n.Inputs[1].Shape
			if x.Shape != nil && target != nil && (len(x.Shape) < 2 || len(target) != len(x.Shape)-1) {
				return fmt.Errorf("target %s for input %s", target, x.Shape)
			}
			if x.Static() && n.Inputs[1].Static() && (x.Shape[0] != target[0] || !x.Shape[2:].Equal(target[1:])) {
				return fmt.Errorf("target %s for input %s", target, x.Shape)
			}
			out := tensor.Shape{}
			switch r := n.Str("reduction", "mean"); r {
			case "none":
				out = target
			case "mean", "sum":
			default:
				return fmt.Errorf("unknown reduction %q", r)
			}
			yields(n, 0, x.DType, out)
			yields(n, 1, x.DType, x.Shape)
			return nil
		},
		Cost: costReduction,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			p, err := newFibres(n.Inputs[0].Shape, 1)
			if err != nil {
				return Kernel{}, err
			}
			if w := n.In(2); w != nil && w.Shape.Elements() != p.d {
				return Kernel{}, fmt.Errorf("weight %s for %d classes", w.Shape, p.d)
			}
			l := likelihood{fibres: *p, softmax: softmax, reduction: n.Str("reduction", "mean")}
			if a, ok := n.Attributes["ignore_index"]; ok && a.Kind == models.IntAttribute {
				l.ignores, l.ignored = true, int(a.Int)
			}
			return Kernel{Class: "reduction", Bind: l.bind}, nil
		},
	}
}

type likelihood struct {
	fibres
	softmax   bool
	reduction string
	ignores   bool
	ignored   int
}

func (l likelihood) bind(c *Call) func() error {
	x := tensor.New(tensor.Float64, c.In[0].Shape)
	losses := tensor.New(tensor.Float64, c.In[1].Shape)
	total := tensor.New(tensor.Float64, tensor.Shape{})
	return func() error {
		if err := (conversion{}).convert(&x, &c.In[0].Tensor); err != nil {
			return err
		}
		logs := tensor.Data[float64](x)
		if l.softmax {
			l.logSoftmax(logs)
		}
		weights, err := l.weigh(c, logs, tensor.Data[float64](losses))
		if err != nil {
			return err
		}
		if c.Out[0] != nil {
			from := &losses
			if l.reduction != "none" {
				sum := 0.0
				for _, v := range tensor.Data[float64](losses) {
					sum += v
				}
				if l.reduction == "mean" {
					sum /= weights
				}
				tensor.Data[float64](total)[0], from = sum, &total
			}
			if err := (conversion{}).convert(&c.Out[0].Tensor, from); err != nil {
				return err
			}
		}
		if len(c.Out) > 1 && c.Out[1] != nil {
			return conversion{}.convert(&c.Out[1].Tensor, &x)
		}
		return nil
	}
}

// logSoftmax replaces each class's score by the logarithm of its softmax.
func (l likelihood) logSoftmax(x []float64) {
	for o := range l.outer {
		for i := range l.inner {
			at := func(k int) *float64 { return &x[(o*l.d+k)*l.inner+i] }
			top, sum := math.Inf(-1), 0.0
			for k := range l.d {
				top = max(top, *at(k))
			}
			for k := range l.d {
				sum += math.Exp(*at(k) - top)
			}
			for k := range l.d {
				*at(k) -= top + math.Log(sum)
			}
		}
	}
}

// weigh computes the loss of each position, and the sum of the weights.
func (l likelihood) weigh(c *Call, logs, losses []float64) (float64, error) {
	target, total := indexesOf(&c.In[1].Tensor), 0.0
	for i := range losses {
		class := target.at(i)
		losses[i] = 0
		if l.ignores && class == l.ignored {
			continue
		}
		if class < 0 || class >= l.d {
			return 0, fmt.Errorf("target %d at position %d is outside [0, %d)", class, i, l.d)
		}
		weight := 1.0
		if len(c.In) > 2 && c.In[2] != nil {
			weight = realAt(&c.In[2].Tensor, class)
		}
		total += weight
		losses[i] = -weight * logs[(i/l.inner*l.d+class)*l.inner+i%l.inner]
	}
	return total, nil
}
