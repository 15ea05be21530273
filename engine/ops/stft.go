package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// stft transforms frames of a signal batch×length×1 (real) or ×2 (complex): frame i begins at i·frame_step and is weighed by a window. Inputs: signal,
// frame_step, window, frame_length, of which the last two may be absent but for one. Output: batch×frames×elements×2; with the attribute onesided,
// which holds unless stated and for real signals alone, an element for each of the first frame_length/2+1.
func stft() Op {
	return Op{
		Infer: inferSTFT,
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			c.Kind = Reduction
			if s, err := framesOf(n, knownContent(n)); err == nil {
				c.FLOPs = transformFLOPs(s.length) * float64(s.shape[0]*s.shape[1])
			}
			return c
		},
		Prepare: byFloat(prepareSTFT[float32], prepareSTFT[float64]),
	}
}

// frames is the geometry of an STFT.
type frames struct {
	shape                tensor.Shape // of the output
	signal, step, length int
	parts                int // 1 for a real signal, 2 for a complex one
}

func framesOf(n *graph.Node, content func(int) *tensor.Tensor) (*frames, error) {
	x := n.Inputs[0].Shape
	if len(x) != 2 && (len(x) != 3 || x[2] != 1 && x[2] != 2) {
		return nil, fmt.Errorf("signal %s; batch×length×1 or ×2 is wanted", x)
	}
	s := &frames{signal: x[1], parts: 1}
	if len(x) == 3 {
		s.parts = x[2]
	}
	window := 0
	if w := n.In(2); w != nil {
		if len(w.Shape) != 1 {
			return nil, fmt.Errorf("window %s; rank 1 is wanted", w.Shape)
		}
		window = w.Shape[0]
	}
	var err error
	if s.step, err = oneInteger(content(1), 0); err != nil {
		return nil, fmt.Errorf("frame_step: %w", err)
	}
	if window == 0 {
		window = s.signal
	}
	if s.length, err = oneInteger(content(3), window); err != nil {
		return nil, fmt.Errorf("frame_length: %w", err)
	}
	if s.step < 1 || s.length < 1 || s.length > s.signal {
		return nil, fmt.Errorf("frames of %d elements, %d apart, of a signal of %d", s.length, s.step, s.signal)
	}
	if n.In(2) != nil && window != s.length {
		return nil, fmt.Errorf("window of %d elements for frames of %d", window, s.length)
	}
	elements := s.length
	if n.Int("onesided", 1) != 0 {
		if s.parts == 2 {
			return nil, fmt.Errorf("onesided with a complex signal %s", x)
		}
		elements = s.length/2 + 1
	}
	s.shape = tensor.Shape{x[0], (s.signal-s.length)/s.step + 1, elements, 2}
	return s, nil
}

func inferSTFT(n *graph.Node) error {
	if err := arity(n, 2, 4); err != nil {
		return err
	}
	if err := sameTypes(n, floats, 0, 2); err != nil {
		return err
	}
	open := !n.Inputs[0].Static() || n.In(2) != nil && !n.In(2).Static()
	for _, i := range []int{1, 3} {
		if err := takes(n, i, indices); err != nil {
			return err
		}
		open = open || n.In(i) != nil && !n.In(i).Known()
	}
	d := n.Inputs[0].DType
	if open {
		yields(n, 0, d, tensor.Shape{tensor.Unknown, tensor.Unknown, tensor.Unknown, 2})
		return nil
	}
	s, err := framesOf(n, knownContent(n))
	if err != nil {
		return err
	}
	yields(n, 0, d, s.shape)
	return nil
}

func prepareSTFT[T real](n *graph.Node, _ *Target) (Kernel, error) {
	plan := func(content func(int) *tensor.Tensor) (*frames, error) { return framesOf(n, content) }
	return settled(n, "fourier", []int{1, 3}, plan, func(c *Call, s *frames) func() error {
		workers := newTransformers(c, s.length)
		count, size := s.shape[1], s.shape[2]
		frame := func(worker, i int) {
			w := &workers[worker]
			x := elements[T](&c.In[0].Tensor)[(i/count*s.signal+i%count*s.step)*s.parts:]
			clear(w.parts)
			for j := range s.length {
				into(w.parts[2*j:], x[j*s.parts:][:s.parts])
			}
			if len(c.In) > 2 && c.In[2] != nil {
				for j, v := range elements[T](&c.In[2].Tensor) {
					multiplyBy(w.parts[2*j:2*j+2], float64(v))
				}
			}
			w.transform(false)
			into(elements[T](&c.Out[0].Tensor)[i*size*2:], w.parts[:size*2])
		}
		return func() error {
			place(c.Out[0], n.Inputs[0].DType, s.shape)
			inParts(c.Team, s.shape[0]*count, frame)
			return nil
		}
	})
}
