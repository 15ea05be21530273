package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// maxUnpool puts the elements of a max pool's output back at the places that its second output told, among zeros. The places count in the shape that
// the pool's attributes imply; a third input states a larger one, whose further elements are zeros.
func maxUnpool() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 3); err != nil {
				return err
			}
			if err := takes(n, 0, floats); err != nil {
				return err
			}
			for i := 1; i < 3; i++ {
				if err := takes(n, i, 1<<tensor.Int64); err != nil {
					return err
				}
			}
			x := n.Inputs[0]
			if !x.Static() || n.In(2) != nil && !n.In(2).Known() {
				var out tensor.Shape
				if x.Shape != nil {
					out = unknowns(len(x.Shape))
				}
				yields(n, 0, x.DType, out)
				return nil
			}
			u, err := newUnpooling(n, knownContent(n))
			if err != nil {
				return err
			}
			yields(n, 0, x.DType, u.out)
			return nil
		},
		Prepare: byFloat(prepareMaxUnpool[float32], prepareMaxUnpool[float64]),
	}
}

// unpooling is the shape that the places count in, and that of the output.
type unpooling struct{ implied, out tensor.Shape }

func newUnpooling(n *graph.Node, content func(int) *tensor.Tensor) (*unpooling, error) {
	x := n.Inputs[0].Shape
	rank := len(x) - 2
	kernel := n.Ints("kernel_shape")
	if rank < 1 || len(kernel) != rank {
		return nil, fmt.Errorf("kernel_shape %v for input %s", kernel, x)
	}
	if p := n.Inputs[1]; p.Static() && !p.Shape.Equal(x) {
		return nil, fmt.Errorf("places %s for input %s", p.Shape, x)
	}
	strides, err := perAxis(n, "strides", rank, 1)
	if err != nil {
		return nil, err
	}
	pads := n.Ints("pads")
	if pads == nil {
		pads = make([]int, 2*rank)
	}
	if len(pads) != 2*rank {
		return nil, fmt.Errorf("pads %v for %d spatial dimensions", pads, rank)
	}
	u := &unpooling{implied: x.Clone()}
	for i := range rank {
		if u.implied[2+i] = (x[2+i]-1)*strides[i] + kernel[i] - pads[i] - pads[rank+i]; u.implied[2+i] < 0 {
			return nil, fmt.Errorf("kernel_shape %v, strides %v and pads %v leave nothing of input %s", kernel, strides, pads, x)
		}
	}
	if u.out = u.implied; content(2) == nil {
		return u, nil
	}
	list, err := integersOf(content(2))
	if err != nil {
		return nil, err
	}
	u.out = list
	if len(u.out) != len(x) {
		return nil, fmt.Errorf("output_shape %s for input %s", u.out, x)
	}
	for i, d := range u.out {
		if d < u.implied[i] {
			return nil, fmt.Errorf("output_shape %s is below %s, which the pool implies", u.out, u.implied)
		}
	}
	return u, nil
}

func prepareMaxUnpool[T real](n *graph.Node, _ *Target) (Kernel, error) {
	plan := func(content func(int) *tensor.Tensor) (*unpooling, error) { return newUnpooling(n, content) }
	return settled(n, "copy", []int{2}, plan, func(c *Call, u *unpooling) func() error {
		strides, all := u.out.Strides(), u.implied.Elements()
		return func() error {
			place(c.Out[0], n.Inputs[0].DType, u.out)
			x, out := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
			clear(out)
			for i, at := range elements[int64](&c.In[1].Tensor) {
				if at < 0 || at >= int64(all) {
					return fmt.Errorf("place %d of element %d is outside %s", at, i, u.implied)
				}
				rest, to := int(at), 0
				for a := len(u.implied) - 1; a >= 0; a-- {
					to += rest % u.implied[a] * strides[a]
					rest /= u.implied[a]
				}
				out[to] = x[i]
			}
			return nil
		}
	})
}

// colToImage is Col2Im: it adds up, in an image of the shape that the second input lists, the blocks that the columns of N×(C·block)×positions are. A
// block has the shape that the third input lists; where it lies for each position, the attributes of a convolution say.
func colToImage() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 3, 3); err != nil {
				return err
			}
			if err := takes(n, 0, floats); err != nil {
				return err
			}
			for i := 1; i < 3; i++ {
				if err := takes(n, i, 1<<tensor.Int64); err != nil {
					return err
				}
			}
			x := n.Inputs[0]
			if !x.Static() || !n.Inputs[1].Known() || !n.Inputs[2].Known() {
				yields(n, 0, x.DType, nil)
				return nil
			}
			f, err := newFolding(n, knownContent(n))
			if err != nil {
				return err
			}
			yields(n, 0, x.DType, f.out)
			return nil
		},
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			c.Kind, c.FLOPs = Pool, c.Reads
			return c
		},
		Prepare: byFloat(prepareColToImage[float32], prepareColToImage[float64]),
	}
}

// folding is the window that a Col2Im undoes.
type folding struct {
	grid
	out tensor.Shape
}

func newFolding(n *graph.Node, content func(int) *tensor.Tensor) (*folding, error) {
	image, err := integersOf(content(1))
	if err != nil {
		return nil, fmt.Errorf("image_shape: %w", err)
	}
	block, err := integersOf(content(2))
	if err != nil {
		return nil, fmt.Errorf("block_shape: %w", err)
	}
	if negative(image) >= 0 {
		return nil, fmt.Errorf("image_shape %v has a negative dimension", image)
	}
	w, err := windowOf(n, image, block)
	if err != nil {
		return nil, err
	}
	x, taps := n.Inputs[0].Shape, tensor.Shape(block).Elements()
	if len(x) != 3 || x[1]%taps != 0 || x[2] != tensor.Shape(w.out).Elements() {
		return nil, fmt.Errorf("input %s for %d positions of blocks of %d elements", x, tensor.Shape(w.out).Elements(), taps)
	}
	g, err := w.grid()
	return &folding{g, append(tensor.Shape{x[0], x[1] / taps}, image...)}, err
}

func prepareColToImage[T real](n *graph.Node, _ *Target) (Kernel, error) {
	plan := func(content func(int) *tensor.Tensor) (*folding, error) { return newFolding(n, content) }
	return settled(n, "plain col2im", []int{1, 2}, plan, func(c *Call, f *folding) func() error {
		plane, positions, taps := size(f.in), size(f.grid.out), size(f.kernel)
		part := func(_, i int) {
			from, to := elements[T](&c.In[0].Tensor)[i*taps*positions:], elements[T](&c.Out[0].Tensor)[i*plane:][:plane]
			clear(to)
			f.eachRow(func(tap, row, x0, x1, at int) {
				for _, v := range from[tap*positions+row+x0 : tap*positions+row+x1] {
					to[at] += v
					at += f.stride[2]
				}
			})
		}
		return func() error {
			place(c.Out[0], n.Inputs[0].DType, f.out)
			inParts(c.Team, f.out[0]*f.out[1], part)
			return nil
		}
	})
}
