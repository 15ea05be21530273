package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// linearModel is X·Wᵀ + b over samples: W has a row of coefficients for each target. Without intercepts b is 0.
type linearModel struct {
	count, features, targets int
	coefficients, intercepts []float32
	dot                      func(a, b []float32) float32
}

func newLinearModel(n *graph.Node, t *Target, targets int) (*linearModel, error) {
	m := &linearModel{targets: targets, dot: vector.For(t.Features).Dot, coefficients: floatList(n, "coefficients"), intercepts: floatList(n, "intercepts")}
	var err error
	if m.count, m.features, err = samples(n.Inputs[0].Shape); err != nil {
		return nil, err
	}
	if len(m.coefficients) != m.features*targets {
		return nil, fmt.Errorf("%d coefficients for %d features and %d targets", len(m.coefficients), m.features, targets)
	}
	if len(m.intercepts) != 0 && len(m.intercepts) != targets {
		return nil, fmt.Errorf("%d intercepts for %d targets", len(m.intercepts), targets)
	}
	return m, nil
}

// scores computes a sample's score for each target.
func (m *linearModel) scores(dst, x []float32) {
	for t := range dst {
		var total float32
		if len(m.intercepts) > 0 {
			total = m.intercepts[t]
		}
		dst[t] = total + m.dot(x, m.coefficients[t*m.features:][:m.features])
	}
}

// costLinear counts a multiplication and an addition for each coefficient and sample.
func costLinear(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Host
	c.Weights = float64(len(floatList(n, "coefficients")))
	if count, _, err := samples(n.Inputs[0].Shape); err == nil {
		c.FLOPs = 2 * c.Weights * float64(count)
	}
	return c
}

// linearRegressor makes targets scores for each sample, by default one.
func linearRegressor() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, learned); err != nil {
				return err
			}
			count, err := sampleCount(n)
			if err != nil {
				return err
			}
			if _, err := transformOf(n); err != nil {
				return err
			}
			targets := n.Int("targets", 1)
			if targets < 1 {
				return fmt.Errorf("targets is %d", targets)
			}
			yields(n, 0, tensor.Float32, tensor.Shape{count, targets})
			return nil
		},
		Cost: costLinear,
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			m, err := newLinearModel(n, t, n.Int("targets", 1))
			if err != nil {
				return Kernel{}, err
			}
			finish, err := transformOf(n)
			read := asReal[float32](n.Inputs[0])
			return Kernel{Class: "host", Bind: func(c *Call) func() error {
				var x []float32
				work := inPieces(c.Team, m.count, len(m.coefficients), func(from, to int) {
					for i := from; i < to; i++ {
						y := elements[float32](&c.Out[0].Tensor)[i*m.targets:][:m.targets]
						m.scores(y, x[i*m.features:][:m.features])
						finishScores(finish, y)
					}
				})
				return func() error {
					x = read(c.In[0])
					work.run(c.Team)
					return nil
				}
			}}, err
		},
	}
}

// linearClassifier makes a label and the scores of each sample. There are as many scores as intercepts; a single one of two classes is that of the second.
func linearClassifier() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, learned); err != nil {
				return err
			}
			count, err := sampleCount(n)
			if err != nil {
				return err
			}
			if _, err := transformOf(n); err != nil {
				return err
			}
			classes, err := labelsOf(n, "classlabels_ints", "classlabels_strings")
			if err != nil {
				return err
			}
			yields(n, 0, classes.dtype(), tensor.Shape{count})
			yields(n, 1, tensor.Float32, tensor.Shape{count, linearScores(n, classes)})
			return nil
		},
		Cost:    costLinear,
		Prepare: prepareLinearClassifier,
	}
}

// linearTargets is how many scores a LinearClassifier computes; without intercepts it is one for each class.
func linearTargets(n *graph.Node, classes labels) int {
	if b := floatList(n, "intercepts"); len(b) > 0 {
		return len(b)
	}
	return classes.count()
}

// linearScores is how many scores a LinearClassifier tells.
func linearScores(n *graph.Node, classes labels) int {
	if targets := linearTargets(n, classes); targets > 1 || classes.count() != 2 {
		return targets
	}
	return 2
}

func prepareLinearClassifier(n *graph.Node, t *Target) (Kernel, error) {
	classes, err := labelsOf(n, "classlabels_ints", "classlabels_strings")
	if err != nil {
		return Kernel{}, err
	}
	m, err := newLinearModel(n, t, linearTargets(n, classes))
	if err != nil {
		return Kernel{}, err
	}
	if m.targets > 1 && classes.count() < m.targets {
		return Kernel{}, fmt.Errorf("%d labels for %d classes", classes.count(), m.targets)
	}
	finish, err := transformOf(n)
	read := asReal[float32](n.Inputs[0])
	told := linearScores(n, classes)
	return Kernel{Class: "host", Bind: func(c *Call) func() error {
		var x []float32
		own := make([]float32, m.count*told) // for scores that nobody wants
		work := inPieces(c.Team, m.count, len(m.coefficients), func(from, to int) {
			all := own
			if len(c.Out) > 1 && c.Out[1] != nil {
				all = elements[float32](&c.Out[1].Tensor)
			}
			for i := from; i < to; i++ {
				scores := all[i*told:][:told]
				m.scores(scores[:m.targets], x[i*m.features:][:m.features])
				classifyLinear(c.Out[0], i, scores, m.targets, classes, finish)
			}
		})
		return func() error {
			x = read(c.In[0])
			work.run(c.Team)
			return nil
		}
	}}, err
}

// classifyLinear puts a sample's label and transforms its scores, of which so many are computed.
func classifyLinear(label *Slot, i int, scores []float32, computed int, classes labels, finish transform) {
	if computed > 1 {
		best := 0
		for k, s := range scores {
			if s > scores[best] {
				best = k
			}
		}
		classes.put(label, i, best)
		finishScores(finish, scores)
		return
	}
	yes := 0
	if scores[0] > 0 {
		yes = 1
	}
	classes.binary().put(label, i, yes)
	if len(scores) == 2 {
		pair := pairOf(finish, scores[0], true)
		copy(scores, pair[:])
		return
	}
	finishScores(finish, scores)
}
