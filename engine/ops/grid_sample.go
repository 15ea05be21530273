package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// gridSample reads an input N×C×spatial at the places that a grid N×outputs×axes names: coordinates from -1 to 1 along each axis, the innermost axis
// first. The attribute mode is nearest, linear or cubic (the convolution of Keys, "Cubic convolution interpolation", 1981, with a = -0.75);
// padding_mode says what lies outside: zeros, the border, or the reflected input.
func gridSample() Op {
	return Op{
		Infer: inferGridSample,
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			c.Kind = Copy
			taps := map[string]float64{"nearest": 1, "cubic": 4}[n.Str("mode", "linear")]
			if taps == 0 {
				taps = 2
			}
			c.FLOPs = 2 * math.Pow(taps, float64(len(n.Inputs[0].Shape)-2)) * c.Writes
			return c
		},
		Prepare: byFloat(prepareGridSample[float32], prepareGridSample[float64]),
	}
}

func inferGridSample(n *graph.Node) error {
	if err := arity(n, 2, 2); err != nil {
		return err
	}
	for i := range 2 {
		if err := takes(n, i, floats); err != nil {
			return err
		}
	}
	for name, allowed := range map[string][]string{"mode": {"nearest", "linear", "cubic"}, "padding_mode": {"zeros", "border", "reflection"}} {
		known := false
		for _, a := range allowed {
			known = known || n.Str(name, a) == a
		}
		if !known {
			return fmt.Errorf("unknown %s %q", name, n.Str(name, ""))
		}
	}
	x, g := n.Inputs[0].Shape, n.Inputs[1].Shape
	if x == nil || g == nil {
		yields(n, 0, n.Inputs[0].DType, nil)
		return nil
	}
	axes := len(x) - 2
	if len(g) != len(x) || axes < 1 || axes > maxSpatial || g[len(g)-1] != axes && g[len(g)-1] != tensor.Unknown {
		return fmt.Errorf("input %s with grid %s; N×C×spatial and N×outputs×axes of 1 to %d axes are wanted", x, g, maxSpatial)
	}
	if x[0] != g[0] && x[0] != tensor.Unknown && g[0] != tensor.Unknown {
		return fmt.Errorf("input %s and grid %s differ in their batch", x, g)
	}
	yields(n, 0, n.Inputs[0].DType, append(x[:2:2].Clone(), g[1:len(g)-1]...))
	return nil
}

// sampler turns grid coordinates into taps.
type sampler struct {
	in      []int // spatial dimensions
	corners bool  // -1 and 1 are the centres of the outermost elements, not their edges
	padding string
	mode    string
}

// tap4 is where a coordinate falls along an axis: up to four elements with their weights; -1 is outside, where all is zero.
type tap4 struct {
	at     [4]int
	weight [4]float64
	count  int
}

func prepareGridSample[T real](n *graph.Node, _ *Target) (Kernel, error) {
	x, out := n.Inputs[0].Shape, n.Outputs[0].Shape
	s := &sampler{in: x[2:], corners: n.Int("align_corners", 0) != 0, padding: n.Str("padding_mode", "zeros"), mode: n.Str("mode", "linear")}
	axes, positions, plane, channels := len(s.in), out[2:].Elements(), x[2:].Elements(), x[1]
	if plane == 0 && out.Elements() > 0 {
		return Kernel{}, fmt.Errorf("input %s has no element to sample", x)
	}
	single := n.Inputs[1].DType != tensor.Float64
	return Kernel{Class: "sample", Scratch: 8 * n.Inputs[1].Shape.Elements(), Bind: func(c *Call) func() error {
		grid := tensor.Tensor{DType: tensor.Float64, Shape: n.Inputs[1].Shape, Bytes: c.Scratch}
		work := inPieces(c.Team, x[0]*positions, channels*axes*4, func(from, to int) {
			src, dst, places := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor), elements[float64](&grid)
			var taps [maxSpatial]tap4
			for i := from; i < to; i++ {
				for a := range axes {
					taps[a] = s.taps(places[i*axes+axes-1-a], s.in[a], single)
				}
				sample, at := i/positions, i%positions
				for ch := range channels {
					p := sample*channels + ch
					dst[p*positions+at] = T(interpolate(src[p*plane:][:plane], s.in, taps[:axes], 0))
				}
			}
		})
		return func() error {
			if err := (conversion{}).convert(&grid, &c.In[1].Tensor); err != nil {
				return err
			}
			work.run(c.Team)
			return nil
		}
	}}, nil
}

// interpolate adds up the taps of all axes, the outermost first; at is the place that the axes before have settled.
func interpolate[T real](x []T, dims []int, taps []tap4, at int) float64 {
	if len(taps) == 0 {
		return float64(x[at])
	}
	sum := 0.0
	for i := range taps[0].count {
		if p := taps[0].at[i]; p >= 0 {
			sum += taps[0].weight[i] * interpolate(x, dims[1:], taps[1:], at*dims[0]+p)
		}
	}
	return sum
}

// taps is where a coordinate between -1 and 1 falls along an axis of d elements. single rounds it to float32, as the grid has it.
func (s *sampler) taps(v float64, d int, single bool) tap4 {
	x := ((v+1)*float64(d) - 1) / 2
	low, high := -0.5, float64(d)-0.5
	if s.corners {
		x, low, high = (v+1)/2*float64(d-1), 0, float64(d-1)
	}
	if single {
		x = float64(float32(x))
	}
	if s.mode == "nearest" {
		x = math.RoundToEven(x)
	}
	if x < low || x > high {
		switch s.padding {
		case "border":
			x = min(max(x, 0), float64(d-1))
		case "reflection":
			x = reflect(x, low, high)
		}
	}
	const far = 1 << 40
	if x != x {
		x = -far
	}
	x = min(max(x, -far), far) // outside, and still an integer
	first := math.Floor(x)
	f := x - first
	t := tap4{count: 2, weight: [4]float64{1 - f, f}}
	switch s.mode {
	case "nearest":
		t = tap4{count: 1, weight: [4]float64{1}}
	case "cubic":
		first--
		t = tap4{count: 4, weight: cubicWeights(f)}
	}
	for i := range t.count {
		t.at[i] = s.inside(int(first)+i, d, low, high)
	}
	return t
}

// inside is the element that stands for place i of an axis; -1 where it is zero.
func (s *sampler) inside(i, d int, low, high float64) int {
	if i >= 0 && i < d {
		return i
	}
	switch s.padding {
	case "border":
		return min(max(i, 0), d-1)
	case "reflection":
		return min(max(int(reflect(float64(i), low, high)), 0), d-1)
	}
	return -1
}

// reflect mirrors a coordinate at the borders until it lies between them.
func reflect(x, low, high float64) float64 {
	span := high - low
	if span <= 0 {
		return low
	}
	off := math.Mod(math.Abs(x-low), 2*span)
	if off > span {
		off = 2*span - off
	}
	return low + off
}

// cubicWeights are those of the four elements around a fraction.
func cubicWeights(f float64) [4]float64 {
	const a = -0.75
	near := func(d float64) float64 { return ((a+2)*d-(a+3))*d*d + 1 }
	wide := func(d float64) float64 { return ((a*d-5*a)*d+8*a)*d - 4*a }
	return [4]float64{wide(1 + f), near(f), near(1 - f), wide(2 - f)}
}
