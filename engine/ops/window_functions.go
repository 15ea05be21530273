package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// windowFunction is HannWindow or its like: a0 - a1·cos(x) + a2·cos(2x) over one turn of x, in as many steps as the input says; with the attribute
// periodic, which holds unless stated, the last step is one short of the turn.
func windowFunction(a0, a1, a2 float64) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			if err := takes(n, 0, indices); err != nil {
				return err
			}
			d := tensor.DType(n.Int("output_datatype", int(tensor.Float32)))
			if !numbers.has(d) {
				return badType(d)
			}
			out := tensor.Shape{tensor.Unknown}
			if n.Inputs[0].Known() {
				size, err := windowSize(n.Inputs[0].Const)
				if err != nil {
					return err
				}
				out[0] = size
			}
			yields(n, 0, d, out)
			return nil
		},
		Cost: costElementwise(40),
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			d := n.Outputs[0].DType
			periodic := n.Int("periodic", 1) != 0
			plan := func(content func(int) *tensor.Tensor) (int, error) { return windowSize(content(0)) }
			return settled(n, "elementwise", []int{0}, plan, func(c *Call, size int) func() error {
				values := tensor.New(tensor.Float64, tensor.Shape{size})
				turn := size
				if !periodic {
					turn--
				}
				for i := range size {
					x := 2 * math.Pi * float64(i) / float64(max(turn, 1))
					tensor.Data[float64](values)[i] = a0 - a1*math.Cos(x) + a2*math.Cos(2*x)
				}
				return func() error {
					place(c.Out[0], d, values.Shape)
					return conversion{}.convert(&c.Out[0].Tensor, &values)
				}
			})
		},
	}
}

// windowSize is the size that a scalar states.
func windowSize(t *tensor.Tensor) (int, error) {
	size, err := oneInteger(t, 0)
	if err != nil {
		return 0, err
	}
	if size < 0 || size > maxStated {
		return 0, fmt.Errorf("size %d; 0 to %d is wanted", size, maxStated)
	}
	return size, nil
}

// melWeightMatrix is (dft_length/2+1)×num_mel_bins triangles that sum the elements of a spectrum into bands that are even on the mel scale
// m = 2595·log₁₀(1 + f/700) (O'Shaughnessy, 1987). Inputs, all scalars: num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz.
func melWeightMatrix() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 5, 5); err != nil {
				return err
			}
			for i, allowed := range []types{indices, indices, indices, floats, floats} {
				if err := takes(n, i, allowed); err != nil {
					return err
				}
			}
			d := tensor.DType(n.Int("output_datatype", int(tensor.Float32)))
			if !numbers.has(d) {
				return badType(d)
			}
			out := unknowns(2)
			if n.Inputs[0].Known() && n.Inputs[1].Known() {
				bins, err := windowSize(n.Inputs[0].Const)
				if err != nil {
					return fmt.Errorf("num_mel_bins: %w", err)
				}
				length, err := windowSize(n.Inputs[1].Const)
				if err != nil {
					return fmt.Errorf("dft_length: %w", err)
				}
				out = tensor.Shape{length/2 + 1, bins}
			}
			yields(n, 0, d, out)
			return nil
		},
		Cost: costElementwise(4),
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			d := n.Outputs[0].DType
			return settled(n, "elementwise", []int{0, 1, 2, 3, 4}, melWeights, func(c *Call, weights *tensor.Tensor) func() error {
				return func() error {
					place(c.Out[0], d, weights.Shape)
					return conversion{}.convert(&c.Out[0].Tensor, weights)
				}
			})
		},
	}
}

// melWeights computes the matrix.
func melWeights(content func(int) *tensor.Tensor) (*tensor.Tensor, error) {
	var in [5]float64
	for i := range in {
		if content(i).Len() != 1 {
			return nil, fmt.Errorf("input %d is %s; a scalar is wanted", i, content(i))
		}
		in[i] = realAt(content(i), 0)
	}
	bins, length, rate := int(in[0]), int(in[1]), in[2]
	rows := length/2 + 1
	low, high := 2595*math.Log10(1+in[3]/700), 2595*math.Log10(1+in[4]/700)
	if bins < 0 || length < 0 || length > maxStated || !(rate > 0) || !(low >= 0) || !(high >= low) || math.IsInf(high, 1) || clampedProduct(bins, rows) > maxStated {
		return nil, fmt.Errorf("%d bins of %d elements at %v Hz from %v to %v Hz", bins, length, rate, in[3], in[4])
	}
	edges := make([]int, bins+2) // elements of the spectrum
	for i := range edges {
		hertz := 700 * (math.Pow(10, (low+float64(i)*(high-low)/float64(bins+2))/2595) - 1)
		if edges[i] = int(math.Floor(float64(length+1) * hertz / rate)); edges[i] >= rows {
			return nil, fmt.Errorf("%v Hz is beyond half the sample rate of %v Hz", hertz, rate)
		}
	}
	out := tensor.New(tensor.Float64, tensor.Shape{rows, bins})
	weights := tensor.Data[float64](out)
	for i := range bins {
		left, top, right := edges[i], edges[i+1], edges[i+2]
		for j := left; j < top; j++ {
			weights[j*bins+i] = float64(j-left) / float64(top-left)
		}
		weights[top*bins+i] = 1
		for j := top; j < right; j++ {
			weights[j*bins+i] = float64(right-j) / float64(right-top)
		}
	}
	return &out, nil
}
