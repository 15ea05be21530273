package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// rescale makes an operator on features that makes float32 of the input's shape. plan gives the work on one sample of so many features.
func rescale(plan func(n *graph.Node, features int) (func(dst, x []float32), error)) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			yields(n, 0, tensor.Float32, n.Inputs[0].Shape)
			return takes(n, 0, learned)
		},
		Cost: func(n *graph.Node) Cost {
			c := costHost(n)
			c.FLOPs = 2 * c.Writes
			return c
		},
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			shape := n.Inputs[0].Shape
			features := 1
			if len(shape) > 0 {
				features = shape[len(shape)-1]
			}
			row, err := plan(n, features)
			if err != nil {
				return Kernel{}, err
			}
			read := asReal[float32](n.Inputs[0])
			return Kernel{Class: "host", Bind: func(c *Call) func() error {
				return func() error {
					x, y := read(c.In[0]), elements[float32](&c.Out[0].Tensor)
					for i := 0; i < len(x); i += features {
						row(y[i:i+features], x[i:i+features])
					}
					return nil
				}
			}}, nil
		},
	}
}

// scaler is (X - offset) · scale, with one offset and scale or one for each feature.
func scaler() Op {
	return rescale(func(n *graph.Node, features int) (func(dst, x []float32), error) {
		offset, scale := floatList(n, "offset"), floatList(n, "scale")
		if len(offset) != len(scale) || len(scale) != 1 && len(scale) != features {
			return nil, fmt.Errorf("%d offsets and %d scales for %d features", len(offset), len(scale), features)
		}
		return func(dst, x []float32) {
			for i, v := range x {
				k := i % len(scale)
				dst[i] = (v - offset[k]) * scale[k]
			}
		}, nil
	})
}

// normalizer divides each sample by its largest feature, by the sum of their magnitudes or by the root of the sum of their squares; one for which that
// is 0 stays. In the L2 form a negative feature keeps its sign.
func normalizer() Op {
	return rescale(func(n *graph.Node, _ int) (func(dst, x []float32), error) {
		kind := n.Str("norm", "MAX")
		if kind != "MAX" && kind != "L1" && kind != "L2" {
			return nil, fmt.Errorf("norm is %q", kind)
		}
		return func(dst, x []float32) {
			by := 0.0
			switch kind {
			case "MAX":
				by = float64(largest(x))
			case "L1":
				for _, v := range x {
					by += math.Abs(float64(v))
				}
			default:
				for _, v := range x {
					by += float64(v) * float64(v)
				}
				by = math.Sqrt(by)
			}
			if by == 0 {
				by = 1
			}
			for i, v := range x {
				dst[i] = float32(float64(v) / by)
			}
		}, nil
	})
}

// onFeatures makes an operator that keeps the input's type and shape and does something to each element in float64, by its place in its row.
func onFeatures(plan func(n *graph.Node, features int) (func(x float64, feature int) float64, error)) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			yields(n, 0, n.Inputs[0].DType, n.Inputs[0].Shape)
			return takes(n, 0, learned)
		},
		Cost: costHost,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			features := 1
			if s := n.Inputs[0].Shape; len(s) > 0 {
				features = s[len(s)-1]
			}
			one, err := plan(n, features)
			if err != nil {
				return Kernel{}, err
			}
			return Kernel{Class: "host", Bind: func(c *Call) func() error {
				var e scalars
				return func() error {
					in, out := &c.In[0].Tensor, &c.Out[0].Tensor
					for at := 0; at < in.Len(); at += chunk {
						count := min(chunk, in.Len()-at)
						e.load(in, at, count)
						_ = e.change(in.DType, tensor.Float64, count) // numbers always change
						for i := range count {
							e.part[i] = one(e.part[i], (at+i)%features)
						}
						_ = e.change(tensor.Float64, out.DType, count)
						conversion{}.store(out, at, count, &e)
					}
					return nil
				}
			}}, nil
		},
	}
}

// binarizer is 1 above the threshold and 0 elsewhere.
func binarizer() Op {
	return onFeatures(func(n *graph.Node, _ int) (func(float64, int) float64, error) {
		threshold := float64(n.Float("threshold", 0))
		return func(x float64, _ int) float64 { return choose(x > threshold, 1, 0) }, nil
	})
}

// imputer replaces one value, NaN among them, by another one or by one for each feature.
func imputer() Op {
	return onFeatures(func(n *graph.Node, features int) (func(float64, int) float64, error) {
		replaced := float64(n.Float("replaced_value_float", 0))
		var with []float64
		for _, v := range floatList(n, "imputed_value_floats") {
			with = append(with, float64(v))
		}
		if n.Inputs[0].DType == tensor.Int64 || n.Inputs[0].DType == tensor.Int32 {
			replaced, with = float64(n.Int("replaced_value_int64", 0)), nil
			for _, v := range longList(n, "imputed_value_int64s") {
				with = append(with, float64(v))
			}
		}
		if len(with) != 1 && len(with) != features {
			return nil, fmt.Errorf("%d imputed values for %d features", len(with), features)
		}
		return func(x float64, feature int) float64 {
			if x == replaced || x != x && replaced != replaced {
				return with[feature%len(with)]
			}
			return x
		}, nil
	})
}

// featureVectorizer joins samples: the i-th input gives inputdimensions[i] features, 0 where it has fewer.
func featureVectorizer() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, -1); err != nil {
				return err
			}
			widths := n.Ints("inputdimensions")
			if len(widths) != len(n.Inputs) {
				return fmt.Errorf("%d inputdimensions for %d inputs", len(widths), len(n.Inputs))
			}
			count, err := sampleCount(n)
			if err != nil {
				return err
			}
			total := 0
			for i, w := range widths {
				if err := takes(n, i, learned); err != nil {
					return err
				}
				if w < 0 || n.Inputs[i] == nil {
					return fmt.Errorf("inputdimensions %v, input %d", widths, i)
				}
				total += w
			}
			yields(n, 0, tensor.Float32, tensor.Shape{count, total})
			return nil
		},
		Cost:    costHost,
		Prepare: prepareFeatureVectorizer,
	}
}

func prepareFeatureVectorizer(n *graph.Node, _ *Target) (Kernel, error) {
	widths, out := n.Ints("inputdimensions"), n.Outputs[0].Shape
	reads, own := make([]func(*Slot) []float32, len(widths)), make([]int, len(widths))
	for i, v := range n.Inputs {
		count, features, err := samples(v.Shape)
		if err != nil {
			return Kernel{}, err
		}
		if count != out[0] {
			return Kernel{}, fmt.Errorf("input %d has %d samples where the first has %d", i, count, out[0])
		}
		reads[i], own[i] = asReal[float32](v), features
	}
	return Kernel{Class: "host", Bind: func(c *Call) func() error {
		return func() error {
			y := elements[float32](&c.Out[0].Tensor)
			clear(y)
			at := 0
			for i, read := range reads {
				x := read(c.In[i])
				for row := range out[0] {
					copy(y[row*out[1]+at:][:widths[i]], x[row*own[i]:][:own[i]])
				}
				at += widths[i]
			}
			return nil
		}
	}}, nil
}

// arrayFeatureExtractor picks positions of the last axis by the indices of the second input.
func arrayFeatureExtractor() Op {
	inner := gather()
	last := func(n *graph.Node) *graph.Node {
		g := *n
		g.Attributes = map[string]models.Attribute{"axis": {Kind: models.IntAttribute, Int: -1}}
		index := *n.Inputs[1]
		if index.Static() {
			index.Shape = tensor.Shape{index.Shape.Elements()} // of any rank
		} else {
			index.Shape = nil
		}
		g.Inputs = []*graph.Value{n.Inputs[0], &index}
		return &g
	}
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 0, learned|texts); err != nil {
				return err
			}
			if err := inner.Infer(last(n)); err != nil {
				return err
			}
			if out := n.Outputs[0]; len(n.Inputs[0].Shape) == 1 && out != nil && out.Shape != nil {
				out.Shape = append(tensor.Shape{1}, out.Shape...)
			}
			return nil
		},
		Cost: func(n *graph.Node) Cost {
			c := costGathered(n)
			c.Kind = Host
			return c
		},
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) { return inner.Prepare(last(n), t) },
	}
}
