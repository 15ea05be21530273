package ops

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// random is an operator that draws each element of its output. Which shape and type it has, a node says by the attributes shape and dtype, or by
// those of its input.
func random(like bool, draw func(n *graph.Node) (func(r *rand.Rand, given float64) float64, error)) Op {
	return Op{
		Random: true,
		Infer: func(n *graph.Node) error {
			if _, err := draw(n); err != nil {
				return err
			}
			if like {
				if err := arity(n, 1, 1); err != nil {
					return err
				}
				if err := takes(n, 0, numbers|bools); err != nil {
					return err
				}
				d := tensor.DType(n.Int("dtype", int(n.Inputs[0].DType)))
				if !(numbers | bools).has(d) {
					return badType(d)
				}
				yields(n, 0, d, n.Inputs[0].Shape)
				return nil
			}
			d := tensor.DType(n.Int("dtype", int(tensor.Float32)))
			if !floats.has(d) {
				return badType(d)
			}
			shape := append(tensor.Shape{}, n.Ints("shape")...)
			if negative(shape) >= 0 {
				return fmt.Errorf("shape %v has a negative dimension", n.Ints("shape"))
			}
			yields(n, 0, d, shape)
			return arity(n, 0, 0)
		},
		Cost: costElementwise(20),
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			next, err := draw(n)
			return Kernel{Class: "random", Bind: func(c *Call) func() error {
				r := generator(n)
				return func() error {
					var s scalars
					how, out := conversion{saturate: true}, &c.Out[0].Tensor
					for at := 0; at < out.Len(); at += chunk {
						count := min(chunk, out.Len()-at)
						if n.Op == "Bernoulli" {
							s.load(&c.In[0].Tensor, at, count)
						}
						for i := range count {
							s.part[i] = next(r, s.part[i])
						}
						if err := s.change(tensor.Float64, out.DType, count); err != nil {
							return err
						}
						how.store(out, at, count, &s)
					}
					return nil
				}
			}}, err
		},
	}
}

// generator is PCG, seeded by the attribute seed. Without it the seed is the node's name, so that the nodes of a model draw independently of each other. Either
// way a new session draws what the last one drew, and one session's runs go on from each other.
func generator(n *graph.Node) *rand.Rand {
	switch a := n.Attributes["seed"]; a.Kind {
	case models.FloatAttribute:
		return rand.New(rand.NewPCG(uint64(math.Float32bits(a.Float)), 0))
	case models.IntAttribute:
		return rand.New(rand.NewPCG(uint64(a.Int), 1))
	}
	name := fnv.New64a()
	name.Write([]byte(n.Name))
	return rand.New(rand.NewPCG(name.Sum64(), 2))
}

// normal draws from the normal distribution of the attributes mean and scale.
func normal(n *graph.Node) (func(r *rand.Rand, given float64) float64, error) {
	mean, scale := float64(n.Float("mean", 0)), float64(n.Float("scale", 1))
	return func(r *rand.Rand, _ float64) float64 { return mean + scale*r.NormFloat64() }, nil
}

// uniform draws from [low, high).
func uniform(n *graph.Node) (func(r *rand.Rand, given float64) float64, error) {
	low, high := float64(n.Float("low", 0)), float64(n.Float("high", 1))
	if low > high {
		return nil, fmt.Errorf("low %v is above high %v", low, high)
	}
	return func(r *rand.Rand, _ float64) float64 { return low + (high-low)*r.Float64() }, nil
}

// bernoulli draws 1 with the probability that the input gives, else 0.
func bernoulli(*graph.Node) (func(r *rand.Rand, given float64) float64, error) {
	return func(r *rand.Rand, given float64) float64 {
		if r.Float64() < given {
			return 1
		}
		return 0
	}, nil
}

// multinomial draws sample_size classes for each row of logarithms of weights.
func multinomial() Op {
	return Op{
		Random: true,
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, floats); err != nil {
				return err
			}
			in, d := n.Inputs[0].Shape, tensor.DType(n.Int("dtype", int(tensor.Int32)))
			if in != nil && (len(in) != 2 || in[1] == 0) {
				return fmt.Errorf("input %s is no matrix of at least one class", in)
			}
			if !indices.has(d) {
				return badType(d)
			}
			out := tensor.Shape{tensor.Unknown, n.Int("sample_size", 1)}
			if in != nil {
				out[0] = in[0]
			}
			yields(n, 0, d, out)
			return nil
		},
		Cost: costHost,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			classes, samples := n.Inputs[0].Shape[1], n.Int("sample_size", 1)
			return Kernel{Class: "random", Bind: func(c *Call) func() error {
				r, sums := generator(n), make([]float64, classes)
				return func() error {
					out := &c.Out[0].Tensor
					for i := range out.Len() {
						if i%samples == 0 {
							sumWeights(sums, &c.In[0].Tensor, i/samples*classes)
						}
						drawn := pick(sums, r.Float64())
						if out.DType == tensor.Int64 {
							elements[int64](out)[i] = int64(drawn)
						} else {
							elements[int32](out)[i] = int32(drawn)
						}
					}
					return nil
				}
			}}, nil
		},
	}
}

// sumWeights adds up the weights of a row of logarithms, the largest taken as 1.
func sumWeights(sums []float64, t *tensor.Tensor, at int) {
	top := math.Inf(-1)
	for i := range sums {
		top = max(top, realAt(t, at+i))
	}
	total := 0.0
	for i := range sums {
		total += math.Exp(realAt(t, at+i) - top)
		sums[i] = total
	}
}

// pick is the class at a fraction of the sum of weights.
func pick(sums []float64, fraction float64) int {
	want := fraction * sums[len(sums)-1]
	for i, sum := range sums {
		if want < sum {
			return i
		}
	}
	return len(sums) - 1
}
