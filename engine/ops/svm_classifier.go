package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// svmClassifier makes a label and scores: with prob_a and prob_b a probability for each class, else the score of each pair of classes. Without support
// vectors it is a linear model with a score for each class. What ONNX leaves open about two classes is as in ONNX Runtime.
func svmClassifier() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			count, err := inferSamples(n)
			if err != nil {
				return err
			}
			m, err := newMachine(n)
			if err != nil {
				return err
			}
			yields(n, 0, m.classes.dtype(), tensor.Shape{count})
			yields(n, 1, tensor.Float32, tensor.Shape{count, m.told})
			return nil
		},
		Cost: costSupport,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			m, err := newMachine(n)
			if err != nil {
				return Kernel{}, err
			}
			s, err := newSupportVectors(n, m.vectors, m.classes.count())
			if err != nil {
				return Kernel{}, err
			}
			if m.vectors == 0 {
				return s.run(n, m.putLinear), nil
			}
			return s.run(n, m.put), nil
		},
	}
}

// machine is a classifier made of one for each pair of classes.
type machine struct {
	classes      labels
	vectors      int // support vectors; none is a linear model
	first, each  []int
	coefficients []float32 // (classes - 1) × vectors
	rho          []float32 // of each pair
	a, b         []float32 // of each pair's probability, or none
	finish       transform
	told         int // scores of a sample
	positive     bool
}

func newMachine(n *graph.Node) (*machine, error) {
	m := &machine{
		each: n.Ints("vectors_per_class"), coefficients: floatList(n, "coefficients"), rho: floatList(n, "rho"),
		a: floatList(n, "prob_a"), b: floatList(n, "prob_b"),
	}
	var err error
	if m.classes, err = labelsOf(n, "classlabels_ints", "classlabels_strings"); err != nil {
		return nil, err
	}
	if m.finish, err = transformOf(n); err != nil {
		return nil, err
	}
	for _, count := range m.each {
		if count < 0 {
			return nil, fmt.Errorf("vectors_per_class %v", m.each)
		}
		m.first = append(m.first, m.vectors)
		m.vectors += count
	}
	m.positive = !slices.ContainsFunc(m.coefficients, func(w float32) bool { return w < 0 })
	k := m.classes.count()
	pairs := k * (k - 1) / 2
	m.told = k
	if m.vectors == 0 {
		if len(m.rho) == 0 {
			return nil, fmt.Errorf("rho is missing")
		}
		return m, nil
	}
	if len(m.each) != k || len(m.coefficients) < (k-1)*m.vectors || len(m.rho) < pairs || len(m.a) != len(m.b) || len(m.a) > 0 && len(m.a) < pairs {
		return nil, fmt.Errorf("%d classes with %d vectors_per_class, %d coefficients, %d rho, %d prob_a, %d prob_b",
			k, len(m.each), len(m.coefficients), len(m.rho), len(m.a), len(m.b))
	}
	if len(m.a) == 0 && k > 2 {
		m.told = pairs
	}
	return m, nil
}

// putLinear writes the label and the scores of a linear model.
func (m *machine) putLinear(c *Call, i int, scores []float32) {
	best := 0
	for j := range scores {
		scores[j] += m.rho[0]
		if scores[j] > scores[best] {
			best = j
		}
	}
	top := scores[best]
	if len(scores) == 2 && (m.positive && top >= 0.5 || !m.positive && top > 0) {
		best = 1
	}
	m.classes.put(c.Out[0], i, best)
	finishScores(m.finish, scores)
	m.tell(c, i, scores)
}

// put writes the label that most pairs vote for, and the scores.
func (m *machine) put(c *Call, i int, compared []float32) {
	k := m.classes.count()
	votes, scores := make([]int, k), make([]float32, 0, k*(k-1)/2)
	for a := range k {
		for b := a + 1; b < k; b++ {
			s := m.duel(a, b, compared) + m.rho[len(scores)]
			if s > 0 {
				votes[a]++
			} else {
				votes[b]++
			}
			scores = append(scores, s)
		}
	}
	best := 0
	for j, v := range votes {
		if v > votes[best] {
			best = j
		}
	}
	switch {
	case len(m.a) > 0:
		scores = m.probabilities(scores)
		finishScores(m.finish, scores)
	case k == 2:
		pair := pairOf(m.finish, scores[0], m.finish != noTransform)
		scores = pair[:]
	default:
		finishScores(m.finish, scores)
	}
	m.classes.put(c.Out[0], i, best)
	m.tell(c, i, scores)
}

// duel is the score of class a against class b, but for rho: a row of coefficients belongs to each of a class's opponents.
func (m *machine) duel(a, b int, compared []float32) float32 {
	var total float64
	for _, side := range [2][2]int{{a, b - 1}, {b, a}} {
		from := m.first[side[0]]
		weights := m.coefficients[side[1]*m.vectors:]
		for j := from; j < from+m.each[side[0]]; j++ {
			total += float64(weights[j] * compared[j])
		}
	}
	return float32(total)
}

// probabilities turns the scores of pairs into probabilities of classes.
func (m *machine) probabilities(scores []float32) []float32 {
	k := m.classes.count()
	r := make([]float32, k*k)
	at := 0
	for a := range k {
		for b := a + 1; b < k; b++ {
			v := sigmoid(-float64(scores[at]*m.a[at] + m.b[at]))
			r[a*k+b] = float32(min(max(v, 1e-7), 1-1e-7))
			r[b*k+a] = 1 - r[a*k+b]
			at++
		}
	}
	p := make([]float32, k)
	coupled(p, r)
	return p
}

// tell writes a sample's scores, where anybody wants them.
func (m *machine) tell(c *Call, i int, scores []float32) {
	if len(c.Out) > 1 && c.Out[1] != nil {
		copy(elements[float32](&c.Out[1].Tensor)[i*m.told:], scores)
	}
}
