package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// supportVectors is the kernel of a support vector machine and what it compares samples with: support vectors, or for a linear model its coefficients.
type supportVectors struct {
	count, features int // of the samples
	vectors         []float32
	each            int // vectors
	kernel          func(x, v []float32) float32
}

// newSupportVectors reads a kernel for so many support vectors; with none, the model is linear, of so many rows of coefficients.
func newSupportVectors(n *graph.Node, vectors, rows int) (*supportVectors, error) {
	s := &supportVectors{vectors: floatList(n, "support_vectors"), each: vectors}
	var err error
	if s.count, s.features, err = samples(n.Inputs[0].Shape); err != nil {
		return nil, err
	}
	s.kernel, err = supportKernel(n)
	if vectors == 0 {
		s.vectors, s.each = floatList(n, "coefficients"), rows
		s.kernel = func(x, v []float32) float32 { return dot(x, 1, v) }
	}
	if len(s.vectors) != s.each*s.features {
		return nil, fmt.Errorf("%d vectors of %d features in %d numbers", s.each, s.features, len(s.vectors))
	}
	return s, err
}

// supportKernel is the function of a sample and a vector that kernel_type names; kernel_params are gamma, coef0 and degree.
func supportKernel(n *graph.Node) (func(x, v []float32) float32, error) {
	params := append(append([]float32(nil), floatList(n, "kernel_params")...), 0, 0, 0)
	gamma, coef0, degree := float64(params[0]), float64(params[1]), float64(params[2])
	switch kind := n.Str("kernel_type", "LINEAR"); kind {
	case "LINEAR":
		return func(x, v []float32) float32 { return dot(x, 1, v) }, nil
	case "POLY":
		return func(x, v []float32) float32 { return float32(math.Pow(gamma*float64(dot(x, 1, v))+coef0, degree)) }, nil
	case "SIGMOID":
		return func(x, v []float32) float32 { return float32(math.Tanh(gamma*float64(dot(x, 1, v)) + coef0)) }, nil
	case "RBF":
		return func(x, v []float32) float32 {
			var far float32
			for i, a := range x {
				far += (a - v[i]) * (a - v[i])
			}
			return float32(math.Exp(-gamma * float64(far)))
		}, nil
	default:
		return nil, fmt.Errorf("kernel_type is %q", kind)
	}
}

// compare writes the kernel of a sample with each vector.
func (s *supportVectors) compare(dst, x []float32) {
	for i := range dst {
		dst[i] = s.kernel(x, s.vectors[i*s.features:][:s.features])
	}
}

// run makes the kernel that hands each sample's comparisons to finish.
func (s *supportVectors) run(n *graph.Node, finish func(c *Call, i int, compared []float32)) Kernel {
	read := asReal[float32](n.Inputs[0])
	return Kernel{Class: "host", Bind: func(c *Call) func() error {
		var x []float32
		compared := make([]float32, s.count*s.each)
		work := inPieces(c.Team, s.count, len(s.vectors), func(from, to int) {
			for i := from; i < to; i++ {
				own := compared[i*s.each:][:s.each]
				s.compare(own, x[i*s.features:][:s.features])
				finish(c, i, own)
			}
		})
		return func() error {
			x = read(c.In[0])
			work.run(c.Team)
			return nil
		}
	}}
}

// costSupport counts a multiplication and an addition for each number of the support vectors, or of the coefficients where there are none.
func costSupport(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Host
	c.Weights = float64(max(len(floatList(n, "support_vectors")), len(floatList(n, "coefficients"))))
	if count, _, err := samples(n.Inputs[0].Shape); err == nil {
		c.FLOPs = 2 * c.Weights * float64(count)
	}
	return c
}

// svmRegressor is the sum of the kernels with the support vectors, weighted, and rho; with one_class its sign.
func svmRegressor() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			count, err := inferSamples(n)
			if err != nil {
				return err
			}
			yields(n, 0, tensor.Float32, tensor.Shape{count, 1})
			return nil
		},
		Cost: costSupport,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			vectors := n.Int("n_supports", 0)
			s, err := newSupportVectors(n, vectors, 1)
			if err != nil {
				return Kernel{}, err
			}
			weights, rho := floatList(n, "coefficients"), floatList(n, "rho")
			if len(rho) == 0 || vectors > 0 && len(weights) != vectors {
				return Kernel{}, fmt.Errorf("%d coefficients and %d rho for %d support vectors", len(weights), len(rho), vectors)
			}
			oneClass := n.Int("one_class", 0) != 0
			return s.run(n, func(c *Call, i int, compared []float32) {
				y := compared[0]
				if vectors > 0 {
					y = dot(compared, 1, weights)
				}
				y += rho[0]
				if oneClass {
					y = float32(choose(y > 0, 1, -1))
				}
				elements[float32](&c.Out[0].Tensor)[i] = y
			}), nil
		},
	}
}

// coupled turns the probabilities of one class against another, r[i·k+j] of i against j, into those p of k classes: the second method of T.-F. Wu,
// C.-J. Lin and R. C. Weng, "Probability Estimates for Multi-class Classification by Pairwise Coupling" (JMLR 5, 2004).
func coupled(p, r []float32) {
	k := len(p)
	q, qp := make([]float32, k*k), make([]float32, k)
	for i := range p {
		p[i] = 1 / float32(k)
		for j := range p {
			if i != j {
				q[i*k+i] += r[j*k+i] * r[j*k+i]
				q[i*k+j] = -r[j*k+i] * r[i*k+j]
			}
		}
	}
	for range 100 {
		var pqp, worst float32
		for i := range p {
			qp[i] = dot(p, 1, q[i*k:][:k])
			pqp += p[i] * qp[i]
		}
		for _, v := range qp {
			worst = max(worst, v-pqp, pqp-v)
		}
		if worst < 0.005/float32(k) {
			return
		}
		for i := range p {
			step := (pqp - qp[i]) / q[i*k+i]
			p[i] += step
			pqp = (pqp + step*(step*q[i*k+i]+2*qp[i])) / (1 + step) / (1 + step)
			for j := range p {
				qp[j] = (qp[j] + step*q[i*k+j]) / (1 + step)
				p[j] /= 1 + step
			}
		}
	}
}
