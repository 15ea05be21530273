package ops_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// draws reports whether a node's outputs are random for the inputs at hand, so that only their types, their shapes and their statistics can be judged.
func draws(n *graph.Node, in []*ops.Slot) bool {
	if n.Op != "Dropout" {
		return ops.Of(n).Random
	}
	training, ratio := droppedBy(in)
	return training && ratio != 0
}

// droppedBy reads a Dropout's mode and ratio from its inputs.
func droppedBy(in []*ops.Slot) (training bool, ratio float64) {
	ratio = 0.5
	if len(in) > 1 && in[1] != nil {
		ratio = numbersOf(in[1].Tensor)[0]
	}
	return len(in) > 2 && in[2] != nil && in[2].Bytes[0] != 0, ratio
}

// plausible judges what a Dropout made: each element is 0, or the input's divided by the share that is kept; as many as that are kept, within five
// deviations of the binomial distribution; and the mask agrees. Of other operators it asks nothing.
func plausible(n *graph.Node, in, out []*ops.Slot) error {
	if n.Op != "Dropout" {
		return nil
	}
	_, ratio := droppedBy(in)
	x, y, kept := numbersOf(in[0].Tensor), numbersOf(out[0].Tensor), 0.0
	for i := range x {
		want := x[i] / (1 - ratio)
		on := y[i] != 0
		if len(out) > 1 && out[1] != nil {
			on = out[1].Bytes[i] != 0
		}
		if !on {
			want = 0
		} else {
			kept++
		}
		if math.Abs(y[i]-want) > 1e-6*math.Abs(want) {
			return fmt.Errorf("element %d of Dropout is %v of %v, kept %v; the ratio is %v", i, y[i], x[i], on, ratio)
		}
	}
	count := float64(len(x))
	if off := math.Abs(kept - count*(1-ratio)); off > 5*math.Sqrt(count*ratio*(1-ratio))+float64(zeros(x)) {
		return fmt.Errorf("Dropout with ratio %v kept %v of %v elements", ratio, kept, count)
	}
	return nil
}

func zeros(x []float64) (n int) {
	for _, v := range x {
		if v == 0 {
			n++
		}
	}
	return n
}

// numbersOf are the elements of a float32, float64, int32 or int64 tensor.
func numbersOf(t tensor.Tensor) []float64 {
	out := make([]float64, t.Len())
	for i := range out {
		switch t.DType {
		case tensor.Float32:
			out[i] = float64(tensor.Data[float32](t)[i])
		case tensor.Float64:
			out[i] = tensor.Data[float64](t)[i]
		case tensor.Int32:
			out[i] = float64(tensor.Data[int32](t)[i])
		case tensor.Int64:
			out[i] = float64(tensor.Data[int64](t)[i])
		default:
			panic("numbers of " + t.DType.String())
		}
	}
	return out
}

type attributes map[string]models.Attribute

func real32(v float32) models.Attribute {
	return models.Attribute{Kind: models.FloatAttribute, Float: v}
}

func whole(v int64) models.Attribute { return models.Attribute{Kind: models.IntAttribute, Int: v} }

// drawn runs a node with one output.
func drawn(t *testing.T, name, op string, a attributes, in ...tensor.Tensor) tensor.Tensor {
	t.Helper()
	n := &graph.Node{Name: name, Op: op, Attributes: a, Outputs: []*graph.Value{{}}}
	var slots []*ops.Slot
	for _, x := range in {
		n.Inputs, slots = append(n.Inputs, &graph.Value{}), append(slots, &ops.Slot{Tensor: x})
	}
	out, err := ops.Eval(n, slots, target(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Tensor
}

const draft = 20000 // elements that a distribution is judged by

// TestContinuousDraws compares what is drawn with the distribution that the attributes state: mean and variance within five standard errors, and the
// Kolmogorov–Smirnov distance from the exact quantiles below the bound of one false alarm in a thousand.
func TestContinuousDraws(t *testing.T) {
	shape := models.Attribute{Kind: models.IntsAttribute, Ints: []int64{draft}}
	like := tensor.New(tensor.Float32, tensor.Shape{draft})
	double := int64(tensor.Float64)
	for _, c := range []struct {
		reason, op string
		attributes attributes
		in         []tensor.Tensor
		want       interface {
			Quantile(float64) float64
			Mean() float64
			Variance() float64
		}
	}{
		{"the standard one", "RandomNormal", attributes{"shape": shape, "seed": real32(1)}, nil, distuv.UnitNormal},
		{"mean and scale", "RandomNormal", attributes{"shape": shape, "seed": real32(2), "mean": real32(-3), "scale": real32(0.5)}, nil, distuv.Normal{Mu: -3, Sigma: 0.5}},
		{"in float64, like an input", "RandomNormalLike", attributes{"dtype": whole(double), "seed": real32(3), "scale": real32(10)}, []tensor.Tensor{like}, distuv.Normal{Sigma: 10}},
		{"no seed", "RandomNormal", attributes{"shape": shape}, nil, distuv.UnitNormal},
		{"the standard one", "RandomUniform", attributes{"shape": shape, "seed": real32(4)}, nil, distuv.UnitUniform},
		{"bounds", "RandomUniform", attributes{"shape": shape, "seed": real32(5), "low": real32(-2), "high": real32(6)}, nil, distuv.Uniform{Min: -2, Max: 6}},
		{"like an input", "RandomUniformLike", attributes{"seed": real32(6)}, []tensor.Tensor{like}, distuv.UnitUniform},
	} {
		t.Run(c.op+" "+c.reason, func(t *testing.T) {
			x := numbersOf(drawn(t, "n", c.op, c.attributes, c.in...))
			slices.Sort(x)
			exact := make([]float64, 10*draft)
			for i := range exact {
				exact[i] = c.want.Quantile((float64(i) + 0.5) / float64(len(exact)))
			}
			if d, bound := stat.KolmogorovSmirnov(x, nil, exact, nil), 1.95/math.Sqrt(draft); d > bound {
				t.Errorf("Kolmogorov–Smirnov distance %.4f, above %.4f", d, bound)
			}
			mean, variance := stat.MeanVariance(x, nil)
			if off := math.Abs(mean - c.want.Mean()); off > 5*math.Sqrt(c.want.Variance()/draft) {
				t.Errorf("mean %v, want %v", mean, c.want.Mean())
			}
			if off := math.Abs(variance/c.want.Variance() - 1); off > 5*math.Sqrt(2.0/draft) {
				t.Errorf("variance %v, want %v", variance, c.want.Variance())
			}
		})
	}
}

// TestDiscreteDraws judges how often each class is drawn by χ², at the bound of one false alarm in a thousand.
func TestDiscreteDraws(t *testing.T) {
	probability := tensor.New(tensor.Float32, tensor.Shape{draft})
	for i := range tensor.Data[float32](probability) {
		tensor.Data[float32](probability)[i] = 0.3
	}
	logs := tensor.From(tensor.Float32, tensor.Shape{1, 4}, []float32{float32(math.Log(1)), float32(math.Log(2)), float32(math.Log(3)), float32(math.Log(4))})
	ones := tensor.New(tensor.Float32, tensor.Shape{draft})
	for i := range tensor.Data[float32](ones) {
		tensor.Data[float32](ones)[i] = 1
	}
	for _, c := range []struct {
		reason, op string
		attributes attributes
		in         []tensor.Tensor
		want       map[float64]float64 // probability by what is drawn
	}{
		{"one probability", "Bernoulli", attributes{"seed": real32(1)}, []tensor.Tensor{probability}, map[float64]float64{0: 0.7, 1: 0.3}},
		{"no seed", "Bernoulli", nil, []tensor.Tensor{probability}, map[float64]float64{0: 0.7, 1: 0.3}},
		{"weights 1 to 4", "Multinomial", attributes{"seed": real32(2), "sample_size": whole(draft)}, []tensor.Tensor{logs}, map[float64]float64{0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4}},
		{"as int64", "Multinomial", attributes{"seed": real32(3), "sample_size": whole(draft), "dtype": whole(int64(tensor.Int64))}, []tensor.Tensor{logs}, map[float64]float64{0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4}},
		{"training", "Dropout", attributes{"seed": whole(4)}, []tensor.Tensor{ones, tensor.Scalar(tensor.Float32, float32(0.75)), tensor.Scalar(tensor.Bool, true)}, map[float64]float64{0: 0.75, 4: 0.25}},
	} {
		t.Run(c.op+" "+c.reason, func(t *testing.T) {
			counts := map[float64]float64{}
			for _, v := range numbersOf(drawn(t, "n", c.op, c.attributes, c.in...)) {
				counts[v]++
			}
			var got, want []float64
			for v, p := range c.want {
				got, want = append(got, counts[v]), append(want, p*draft)
			}
			if len(counts) != len(c.want) {
				t.Fatalf("drawn: %v", counts)
			}
			if p := 1 - (distuv.ChiSquared{K: float64(len(want) - 1)}).CDF(stat.ChiSquare(got, want)); p < 1e-3 {
				t.Errorf("%v, want %v: χ² happens with probability %v", got, want, p)
			}
		})
	}
}

// TestSeeds draws by each operator: one seed draws the same twice, another seed or, without any, another node's name draws something else.
func TestSeeds(t *testing.T) {
	x := tensor.New(tensor.Float32, tensor.Shape{1, 64})
	for i := range tensor.Data[float32](x) {
		tensor.Data[float32](x)[i] = 0.5
	}
	shape := models.Attribute{Kind: models.IntsAttribute, Ints: []int64{64}}
	for _, c := range []struct {
		op         string
		attributes attributes
		in         []tensor.Tensor
		seeds      [2]models.Attribute
	}{
		{"RandomNormal", attributes{"shape": shape}, nil, [2]models.Attribute{real32(1), real32(2)}},
		{"RandomUniform", attributes{"shape": shape}, nil, [2]models.Attribute{real32(1), real32(2)}},
		{"RandomNormalLike", attributes{}, []tensor.Tensor{x}, [2]models.Attribute{real32(1), real32(2)}},
		{"RandomUniformLike", attributes{}, []tensor.Tensor{x}, [2]models.Attribute{real32(1), real32(2)}},
		{"Bernoulli", attributes{}, []tensor.Tensor{x}, [2]models.Attribute{real32(1), real32(2)}},
		{"Multinomial", attributes{"sample_size": whole(64)}, []tensor.Tensor{x}, [2]models.Attribute{real32(1), real32(2)}},
		{"Dropout", attributes{}, []tensor.Tensor{x, tensor.Scalar(tensor.Float32, float32(0.5)), tensor.Scalar(tensor.Bool, true)}, [2]models.Attribute{whole(1), whole(2)}},
	} {
		t.Run(c.op, func(t *testing.T) {
			draw := func(name string, seed *models.Attribute) []byte {
				a := attributes{}
				for k, v := range c.attributes {
					a[k] = v
				}
				if seed != nil {
					a["seed"] = *seed
				}
				return drawn(t, name, c.op, a, c.in...).Bytes
			}
			seeded, unseeded := draw("a", &c.seeds[0]), draw("a", nil)
			if !bytes.Equal(seeded, draw("b", &c.seeds[0])) || !bytes.Equal(unseeded, draw("a", nil)) {
				t.Error("the same seed draws something else")
			}
			if bytes.Equal(seeded, draw("a", &c.seeds[1])) || bytes.Equal(unseeded, draw("b", nil)) || bytes.Equal(seeded, unseeded) {
				t.Error("another seed draws the same")
			}
		})
	}
}

// TestDropoutRefuses gives Dropout ratios that keep nothing, or more than all.
func TestDropoutRefuses(t *testing.T) {
	for _, ratio := range []float32{1, -0.5, 2, float32(math.NaN())} {
		n := &graph.Node{Op: "Dropout", Inputs: []*graph.Value{{}, {}, {}}, Outputs: []*graph.Value{{}}}
		in := []*ops.Slot{{Tensor: tensor.New(tensor.Float32, tensor.Shape{2})}, {Tensor: tensor.Scalar(tensor.Float32, ratio)}, {Tensor: tensor.Scalar(tensor.Bool, true)}}
		if _, err := ops.Eval(n, in, target(), nil); err == nil {
			t.Errorf("ratio %v is taken", ratio)
		}
		in[2].Bytes[0] = 0
		if _, err := ops.Eval(n, in, target(), nil); err != nil {
			t.Errorf("ratio %v where nothing is dropped: %v", ratio, err)
		}
	}
}
