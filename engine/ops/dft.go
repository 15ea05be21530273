package ops

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// dft is the discrete Fourier transform y[k] = Σ x[j]·exp(-2πi·jk/n), or with the attribute inverse Σ x[j]·exp(2πi·jk/n)/n, along an axis: the third
// input, or the last but one. The last dimension is 1 for real elements and 2 for complex ones. The second input, dft_length, is n: the axis is cut
// or filled up with zeros. onesided makes only the first n/2+1 elements, of a real input, or where inverse, takes only them and makes real ones.
func dft() Op {
	return Op{
		Infer: inferDFT,
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			c.Kind = Reduction
			if s, err := spectrumOf(n, n.Inputs[0].Shape, knownContent(n)); err == nil {
				c.FLOPs = transformFLOPs(s.length) * float64(s.outer*s.inner)
			}
			return c
		},
		Prepare: byFloat(prepareDFT[float32], prepareDFT[float64]),
	}
}

// transformFLOPs is the usual estimate for a fast Fourier transform of n complex elements.
func transformFLOPs(n int) float64 { return 5 * float64(n) * math.Log2(max(float64(n), 2)) }

// knownContent reads the inputs whose content is known.
func knownContent(n *graph.Node) func(int) *tensor.Tensor {
	return func(i int) *tensor.Tensor {
		if v := n.In(i); v != nil {
			return v.Const
		}
		return nil
	}
}

// oneInteger is the only element of an integer input; fallback where there is none.
func oneInteger(t *tensor.Tensor, fallback int) (int, error) {
	if t == nil {
		return fallback, nil
	}
	list, err := integersOf(t)
	if err != nil {
		return 0, err
	}
	if len(list) != 1 {
		return 0, fmt.Errorf("%s where one integer is wanted", t)
	}
	return list[0], nil
}

// spectrum is the geometry of a DFT.
type spectrum struct {
	shape             tensor.Shape // of the output
	outer, inner      int          // positions before and after the axis
	in, out, length   int          // elements along the axis; those of the transform
	partsIn, partsOut int          // 1 for real elements, 2 for complex ones
	inverse, onesided bool
}

func spectrumOf(n *graph.Node, x tensor.Shape, content func(int) *tensor.Tensor) (*spectrum, error) {
	last := len(x) - 1
	if last < 1 || x[last] != 1 && x[last] != 2 {
		return nil, fmt.Errorf("input %s; its last dimension is 1 or 2, after at least another", x)
	}
	axis, err := oneInteger(content(2), -2)
	if err != nil {
		return nil, fmt.Errorf("axis: %w", err)
	}
	if axis, err = axisOf(axis, len(x)); err != nil {
		return nil, err
	}
	if axis == last {
		return nil, fmt.Errorf("axis %d is that of the real and the imaginary part", axis)
	}
	s := &spectrum{outer: span(x, 0, axis), inner: span(x, axis+1, last), in: x[axis], partsIn: x[last], partsOut: 2,
		inverse: n.Int("inverse", 0) != 0, onesided: n.Int("onesided", 0) != 0}
	whole := s.in
	if s.inverse && s.onesided {
		whole, s.partsOut = 2*(s.in-1), 1
	}
	if s.length, err = oneInteger(content(1), whole); err != nil {
		return nil, fmt.Errorf("dft_length: %w", err)
	}
	if s.length < 1 || s.length > maxStated {
		return nil, fmt.Errorf("dft_length %d; 1 to %d is wanted", s.length, maxStated)
	}
	if s.onesided && !s.inverse && s.partsIn == 2 {
		return nil, fmt.Errorf("onesided with a complex input %s", x)
	}
	s.out = s.length
	if s.onesided && !s.inverse {
		s.out = s.length/2 + 1
	}
	s.shape = x.Clone()
	s.shape[axis], s.shape[last] = s.out, s.partsOut
	return s, nil
}

// maxStated bounds a size that an input or attribute states, and not the shape of one.
const maxStated = 1 << 26

func inferDFT(n *graph.Node) error {
	if err := arity(n, 1, 3); err != nil {
		return err
	}
	if err := takes(n, 0, floats); err != nil {
		return err
	}
	open := !n.Inputs[0].Static()
	for i := 1; i < 3; i++ {
		if err := takes(n, i, indices); err != nil {
			return err
		}
		open = open || n.In(i) != nil && !n.In(i).Known()
	}
	x := n.Inputs[0]
	switch {
	case x.Shape == nil:
		yields(n, 0, x.DType, nil)
		return nil
	case open:
		yields(n, 0, x.DType, unknowns(len(x.Shape)))
		return nil
	}
	s, err := spectrumOf(n, x.Shape, knownContent(n))
	if err != nil {
		return err
	}
	yields(n, 0, x.DType, s.shape)
	return nil
}

func prepareDFT[T real](n *graph.Node, _ *Target) (Kernel, error) {
	plan := func(content func(int) *tensor.Tensor) (*spectrum, error) {
		return spectrumOf(n, n.Inputs[0].Shape, content)
	}
	return settled(n, "fourier", []int{1, 2}, plan, func(c *Call, s *spectrum) func() error {
		workers := newTransformers(c, s.length)
		part := func(worker, i int) {
			w := &workers[worker]
			loadLine(s, w.parts, i, elements[T](&c.In[0].Tensor))
			w.transform(s.inverse)
			storeLine(s, elements[T](&c.Out[0].Tensor), i, w.parts)
		}
		return func() error {
			place(c.Out[0], n.Inputs[0].DType, s.shape)
			inParts(c.Team, s.outer*s.inner, part)
			return nil
		}
	})
}

// transformer is what one worker needs to transform lines.
type transformer struct {
	fft   *fourier.CmplxFFT
	line  []complex128
	parts []float64 // the same memory: the real and the imaginary part of each
}

func newTransformers(c *Call, length int) []transformer {
	list := make([]transformer, c.Team.Size())
	for i := range list {
		line := tensor.New(tensor.Complex128, tensor.Shape{length})
		list[i] = transformer{fourier.NewCmplxFFT(length), tensor.Data[complex128](line), elements[float64](&line)}
	}
	return list
}

// transform replaces the line by its transform.
func (t *transformer) transform(inverse bool) {
	if !inverse {
		t.fft.Coefficients(t.line, t.line)
		return
	}
	t.fft.Sequence(t.line, t.line)
	multiplyBy(t.parts, 1/float64(len(t.line)))
}

// loadLine reads line i of the input, as long as the transform. The second half of one whose inverse is real is the conjugate of the first.
func loadLine[T real](s *spectrum, parts []float64, i int, x []T) {
	clear(parts)
	take := min(s.in, s.length)
	mirrored := s.inverse && s.onesided
	if mirrored {
		take = min(take, s.length/2+1)
	}
	at := (i/s.inner*s.in*s.inner + i%s.inner) * s.partsIn
	for j := range take {
		parts[2*j] = float64(x[at])
		if s.partsIn == 2 {
			parts[2*j+1] = float64(x[at+1])
		}
		if k := s.length - j; mirrored && j > 0 && k > j {
			parts[2*k], parts[2*k+1] = parts[2*j], -parts[2*j+1]
		}
		at += s.inner * s.partsIn
	}
}

// storeLine writes line i of the output.
func storeLine[T real](s *spectrum, out []T, i int, parts []float64) {
	at := (i/s.inner*s.out*s.inner + i%s.inner) * s.partsOut
	for j := range s.out {
		into(out[at:], parts[2*j:][:s.partsOut])
		at += s.inner * s.partsOut
	}
}
