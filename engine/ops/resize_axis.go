package ops

import (
	"fmt"
	"math"
)

// sampling is how a Resize reads its input, from its attributes.
type sampling struct {
	mode       string // nearest, linear, cubic
	coordinate string // coordinate_transformation_mode
	nearest    string // nearest_mode
	cubicA     float64
	exclude    bool // weights of positions outside the input count for nothing
	antialias  bool
	extra      float32 // what positions outside a tf_crop_and_resize window become
}

// axisPlan is the resizing of one axis: output o is the sum of width inputs, at[o·width+j] with weight[o·width+j].
type axisPlan struct {
	axis, in, out, width int
	at                   []int
	weight               []float32 // nil for nearest, which only copies
	outside              []bool    // outputs that take the extrapolation value; nil for none
}

// plan settles an axis of length in that becomes out; start and end are its part of the region of interest.
func (s *sampling) plan(axis, in, out int, scale, start, end float64) (axisPlan, error) {
	p := axisPlan{axis: axis, in: in, out: out, width: 1}
	if in == 0 && out > 0 {
		return p, fmt.Errorf("axis %d of length 0 can't grow to %d", axis, out)
	}
	for o := range out {
		x, err := s.origin(o, in, out, scale, start, end)
		if err != nil {
			return p, err
		}
		if s.coordinate == "tf_crop_and_resize" {
			outside := x < 0 || x > float64(in-1)
			if outside && p.outside == nil {
				p.outside = make([]bool, out)
			}
			if outside {
				p.outside[o] = true
			}
		}
		if s.mode == "nearest" {
			at, err := s.closest(x)
			if err != nil {
				return p, err
			}
			p.at = append(p.at, min(max(at, 0), in-1))
			continue
		}
		first, weights := s.taps(x, scale)
		p.width = len(weights)
		if s.exclude {
			excludeOutside(first, in, weights)
		}
		for j, w := range weights {
			p.at = append(p.at, min(max(first+j, 0), in-1))
			p.weight = append(p.weight, float32(w))
		}
	}
	return p, nil
}

// origin is where in the input output o lies, by coordinate_transformation_mode.
func (s *sampling) origin(o, in, out int, scale, start, end float64) (float64, error) {
	x := float64(o)
	switch s.coordinate {
	case "half_pixel":
		return (x+0.5)/scale - 0.5, nil
	case "half_pixel_symmetric":
		whole := float64(in) * scale
		return float64(in)/2*(1-float64(out)/whole) + (x+0.5)/scale - 0.5, nil
	case "pytorch_half_pixel":
		if out == 1 {
			return 0, nil
		}
		return (x+0.5)/scale - 0.5, nil
	case "align_corners":
		if out == 1 {
			return 0, nil
		}
		return x * float64(in-1) / (float64(in)*scale - 1), nil // ONNX's reference takes the length before it is rounded down
	case "asymmetric":
		return x / scale, nil
	case "tf_crop_and_resize":
		if out == 1 {
			return 0.5 * (start + end) * float64(in-1), nil
		}
		return start*float64(in-1) + x*(end-start)*float64(in-1)/float64(out-1), nil
	}
	return 0, fmt.Errorf("unknown coordinate_transformation_mode %q", s.coordinate)
}

// closest is the position that nearest_mode picks.
func (s *sampling) closest(x float64) (int, error) {
	switch s.nearest {
	case "round_prefer_floor":
		return int(math.Ceil(x - 0.5)), nil
	case "round_prefer_ceil":
		return int(math.Floor(x + 0.5)), nil
	case "floor":
		return int(math.Floor(x)), nil
	case "ceil":
		return int(math.Ceil(x)), nil
	}
	return 0, fmt.Errorf("unknown nearest_mode %q", s.nearest)
}

// taps is the first position and the weights that make up the point x. With antialias a reduction widens the filter to 1/scale.
func (s *sampling) taps(x, scale float64) (first int, weights []float64) {
	floor := math.Floor(x)
	ratio := x - floor
	if ratio == 0 {
		floor, ratio = floor-1, 1
	}
	narrowing := 1.0
	if s.antialias {
		narrowing = min(scale, 1)
	}
	reach, shape := 1.0, triangle
	if s.mode == "cubic" {
		reach, shape = 2, s.cubic
	}
	start := int(math.Floor(-reach/narrowing)) + 1
	total := 0.0
	for i := start; i < 2-start; i++ {
		w := shape(math.Abs(float64(i)-ratio) * narrowing)
		weights = append(weights, w)
		total += w
	}
	if s.antialias {
		for i := range weights {
			weights[i] /= total
		}
	}
	return int(floor) + start, weights
}

// triangle is the linear filter at a distance.
func triangle(d float64) float64 { return max(1-d, 0) }

// cubic is the cubic convolution filter of R. Keys (1981) at a distance, with the coefficient cubic_coeff_a.
func (s *sampling) cubic(d float64) float64 {
	a := s.cubicA
	switch {
	case d <= 1:
		return ((a+2)*d-(a+3))*d*d + 1
	case d < 2:
		return ((d-5)*d+8)*d*a - 4*a
	}
	return 0
}

// excludeOutside drops the weights of positions outside [0, in) and lets the others sum to 1.
func excludeOutside(first, in int, weights []float64) {
	total := 0.0
	for j := range weights {
		if at := first + j; at < 0 || at >= in {
			weights[j] = 0
		}
		total += weights[j]
	}
	for j := range weights {
		weights[j] /= total
	}
}
