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
	each := 1
	for range axes {
		each *= map[string]int{"nearest": 1, "linear": 2, "cubic": 4}[s.mode]
	}
	single := n.Inputs[1].DType != tensor.Float64
	return Kernel{Class: "sample", Scratch: 8 * n.Inputs[1].Shape.Elements(), Bind: func(c *Call) func() error {
		grid := tensor.Tensor{DType: tensor.Float64, Shape: n.Inputs[1].Shape, Bytes: c.Scratch}
		work := inPieces(c.Team, x[0]*positions, channels*axes*4, func(from, to int) {
			src, dst, places := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor), elements[float64](&grid)
			b := sampled[T]{each: each}
			for i := from; i < to; {
				sample, at := i/positions, i%positions
				count := min(sampleTaps/each, to-i, positions-at)
				b.settle(s, places[i*axes:(i+count)*axes], single)
				for ch := range channels {
					p := sample*channels + ch
					b.sum(dst[p*positions+at:][:count], src[p*plane:][:plane])
				}
				i += count
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

// sampled are places of one image whose taps are settled: all its channels are read there. A place's taps follow one another.
type sampled[T real] struct {
	each   int // taps of a place
	at     [sampleTaps]int
	weight [sampleTaps]T
}

// sampleTaps is how many taps are settled at a time: those of one place of cubic interpolation over three axes, or of more places of less.
const sampleTaps = 1 << 10

// settle finds the taps of some places, whose coordinates are in the order of a grid.
func (b *sampled[T]) settle(s *sampler, coordinates []float64, single bool) {
	axes := len(s.in)
	for i := range len(coordinates) / axes {
		at, weight := b.at[i*b.each:][:b.each], b.weight[i*b.each:][:b.each]
		at[0], weight[0] = 0, 1
		count := 1
		for a, d := range s.in {
			// The taps so far, each with all of this axis; from the last on, as the first ones take their place.
			taps := s.taps(coordinates[i*axes+axes-1-a], d, single)
			for j := count - 1; j >= 0; j-- {
				p, w := at[j], weight[j]
				for k := range taps.count {
					to := j*taps.count + k
					at[to], weight[to] = p*d+taps.at[k], w*T(taps.weight[k])
					if p < 0 || taps.at[k] < 0 {
						at[to] = -1
					}
				}
			}
			count *= taps.count
		}
	}
}

// sum interpolates a plane at each place; taps outside it are zero.
func (b *sampled[T]) sum(dst, plane []T) {
	switch b.each {
	case 1:
		for i, at := range b.at[:len(dst)] {
			if dst[i] = 0; at >= 0 {
				dst[i] = plane[at]
			}
		}
	case 4:
		for i := range dst {
			at, w := b.at[4*i:][:4], b.weight[4*i:][:4]
			if at[0]|at[1]|at[2]|at[3] < 0 {
				dst[i] = inside(plane, at, w)
				continue
			}
			dst[i] = plane[at[0]]*w[0] + plane[at[1]]*w[1] + (plane[at[2]]*w[2] + plane[at[3]]*w[3])
		}
	default:
		for i := range dst {
			dst[i] = inside(plane, b.at[i*b.each:][:b.each], b.weight[i*b.each:][:b.each])
		}
	}
}

// inside sums up the taps that meet the plane.
func inside[T real](plane []T, at []int, weight []T) T {
	var even, odd T
	for i := 0; i+1 < len(at); i += 2 {
		if p := at[i]; p >= 0 {
			even += plane[p] * weight[i]
		}
		if p := at[i+1]; p >= 0 {
			odd += plane[p] * weight[i+1]
		}
	}
	return even + odd
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
