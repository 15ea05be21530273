package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// window is how a convolution or a pool slides over its input: one entry for each spatial axis. Inputs and outputs may be tensor.Unknown.
type window struct {
	in, out                  []int
	kernel, stride, dilation []int
	begin, end               []int // padding before the first and after the last position
	ceil                     bool  // the last window may begin inside and end outside
}

// effective is the extent of one window along an axis, holes included.
func (w *window) effective(axis int) int { return (w.kernel[axis]-1)*w.dilation[axis] + 1 }

// windowOf reads the sliding attributes of a node over the spatial dimensions of its input, and works out the output's.
func windowOf(n *graph.Node, in, kernel []int) (*window, error) {
	rank := len(in)
	if rank == 0 {
		return nil, fmt.Errorf("no spatial dimension")
	}
	if len(kernel) != rank {
		return nil, fmt.Errorf("kernel %s for %d spatial dimensions", tensor.Shape(kernel), rank)
	}
	w := &window{in: in, kernel: kernel, ceil: n.Int("ceil_mode", 0) != 0}
	var err error
	if w.stride, err = perAxis(n, "strides", rank, 1); err != nil {
		return nil, err
	}
	if w.dilation, err = perAxis(n, "dilations", rank, 1); err != nil {
		return nil, err
	}
	for i := range rank {
		if kernel[i] < 1 || w.stride[i] < 1 || w.dilation[i] < 1 {
			return nil, fmt.Errorf("kernel %v, strides %v and dilations %v must be positive", kernel, w.stride, w.dilation)
		}
	}
	if err := w.pad(n); err != nil {
		return nil, err
	}
	w.out = make([]int, rank)
	for i := range rank {
		if w.out[i], err = w.positions(i); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// perAxis is a list attribute with one entry for each spatial axis, or fallback for all of them where the node does not state it.
func perAxis(n *graph.Node, name string, rank, fallback int) ([]int, error) {
	list := n.Ints(name)
	if list == nil {
		list = make([]int, rank)
		for i := range list {
			list[i] = fallback
		}
	}
	if len(list) != rank {
		return nil, fmt.Errorf("%s %v for %d spatial dimensions", name, list, rank)
	}
	return list, nil
}

// pad settles the padding, which auto_pad may make depend on the input's size.
func (w *window) pad(n *graph.Node) error {
	rank := len(w.in)
	w.begin, w.end = make([]int, rank), make([]int, rank)
	mode := n.Str("auto_pad", "NOTSET")
	switch mode {
	case "NOTSET", "":
		pads := n.Ints("pads")
		if pads == nil {
			return nil
		}
		if len(pads) != 2*rank {
			return fmt.Errorf("pads %v for %d spatial dimensions", pads, rank)
		}
		copy(w.begin, pads[:rank])
		copy(w.end, pads[rank:])
		for _, p := range pads {
			if p < 0 {
				return fmt.Errorf("negative pads %v", pads)
			}
		}
	case "VALID":
	case "SAME_UPPER", "SAME_LOWER":
		for i := range rank {
			if w.in[i] == tensor.Unknown {
				continue
			}
			out := ceilDiv(w.in[i], w.stride[i])
			w.begin[i], w.end[i] = splitPadding(max((out-1)*w.stride[i]+w.effective(i)-w.in[i], 0), mode)
		}
	default:
		return fmt.Errorf("unknown auto_pad %q", mode)
	}
	return nil
}

// splitPadding halves a sum of padding; where it is odd, SAME_UPPER pads more after, SAME_LOWER before.
func splitPadding(total int, mode string) (begin, end int) {
	small := total / 2
	if mode == "SAME_LOWER" {
		return total - small, small
	}
	return small, total - small
}

// positions is the output's size along an axis. A window that would begin in the padding after the input is left out, as PyTorch and ONNX do.
func (w *window) positions(axis int) (int, error) {
	in := w.in[axis]
	if in == tensor.Unknown {
		return tensor.Unknown, nil
	}
	span := in + w.begin[axis] + w.end[axis] - w.effective(axis)
	if span < 0 {
		if in == 0 {
			return 0, nil
		}
		return 0, fmt.Errorf("kernel %s exceeds input %s", tensor.Shape(w.kernel), tensor.Shape(w.in))
	}
	out := span/w.stride[axis] + 1
	if w.ceil {
		out = ceilDiv(span, w.stride[axis]) + 1
		if (out-1)*w.stride[axis] >= in+w.begin[axis] {
			out--
		}
	}
	return out, nil
}

// ceilDiv divides and rounds up; b is positive.
func ceilDiv(a, b int) int { return (a + b - 1) / b }

// roundUp is the smallest multiple of m that is not below a.
func roundUp(a, m int) int { return ceilDiv(a, m) * m }

// maxSpatial is the number of spatial dimensions that the plain loops know.
const maxSpatial = 3

// grid is a window over three spatial axes, the form that the plain loops take; missing axes are outermost and of size 1.
type grid struct {
	in, out                  [maxSpatial]int
	kernel, stride, dilation [maxSpatial]int
	begin                    [maxSpatial]int
}

// grid spreads a window over three axes.
func (w *window) grid() (grid, error) {
	g := grid{}
	rank := len(w.in)
	if rank > maxSpatial {
		return g, fmt.Errorf("%d spatial dimensions; at most %d are supported", rank, maxSpatial)
	}
	for i := range maxSpatial {
		g.in[i], g.out[i], g.kernel[i], g.stride[i], g.dilation[i] = 1, 1, 1, 1, 1
	}
	for i := range rank {
		j := maxSpatial - rank + i
		g.in[j], g.out[j] = w.in[i], w.out[i]
		g.kernel[j], g.stride[j], g.dilation[j], g.begin[j] = w.kernel[i], w.stride[i], w.dilation[i], w.begin[i]
	}
	return g, nil
}

// taps is the range of taps along an axis outside of which none meets the input.
func (g *grid) taps(axis int) (from, to int) {
	lowest := g.begin[axis] - (g.out[axis]-1)*g.stride[axis] // what the dilated tap must reach for the last window
	return max(ceilDiv(lowest, g.dilation[axis]), 0), min((g.in[axis]-1+g.begin[axis])/g.dilation[axis]+1, g.kernel[axis])
}

// size is the number of positions of the input, of the output or of the kernel.
func size(d [maxSpatial]int) int { return d[0] * d[1] * d[2] }

// inside is the range of output positions along an axis whose input position for the given tap lies in the input.
func (g *grid) inside(axis, tap int) (from, to int) {
	first := tap*g.dilation[axis] - g.begin[axis] // the input position of output 0
	s := g.stride[axis]
	if first < 0 {
		from = ceilDiv(-first, s)
	}
	if last := g.in[axis] - 1 - first; last >= 0 {
		to = min(last/s+1, g.out[axis])
	}
	return min(from, to), to
}
