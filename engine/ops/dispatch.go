package ops

import (
	"fmt"
	"unsafe"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

type real interface{ float32 | float64 }

// number is what Go computes in. float16 and bfloat16 are computed in float32: see halved.
type number interface{ integer | real }

// word is what stands for an element that is only moved: all of one size are alike.
type word interface {
	uint8 | uint16 | uint32 | uint64 | complex128 | string
}

// binder is a Kernel's Bind.
type binder = func(c *Call) func() error

// lane is the arithmetic of one element type. lanes[T] implements it, each family's part in the family's file.
type lane interface {
	unary(n *graph.Node, t *Target) binder
	clip(t *Target) binder
	fold(n *graph.Node, w []*broadcast, t *Target) binder
	cast(to tensor.DType) binder
	compare(op string, w *broadcast) binder
	power(base tensor.DType, w *broadcast) binder
	extreme(n *graph.Node, p *fibres, t *Target) binder
	top(n *graph.Node, axis int) binder
	cumulate(n *graph.Node) func(c *Call, p *fibres) func() error
	scatter(reduction string, p *places) binder
	contract(e *equation) binder
	reduce(n *graph.Node, t *Target) func(c *Call, p *reduction) func() error
}

type lanes[T number] struct{}

// laneOf is the arithmetic of a type that Go computes in. It panics for any other: Infer has let only these through.
func laneOf(d tensor.DType) lane {
	switch d {
	case tensor.Float32:
		return lanes[float32]{}
	case tensor.Float64:
		return lanes[float64]{}
	case tensor.Int8:
		return lanes[int8]{}
	case tensor.Int16:
		return lanes[int16]{}
	case tensor.Int32:
		return lanes[int32]{}
	case tensor.Int64:
		return lanes[int64]{}
	case tensor.Uint8, tensor.Bool:
		return lanes[uint8]{}
	case tensor.Uint16:
		return lanes[uint16]{}
	case tensor.Uint32:
		return lanes[uint32]{}
	case tensor.Uint64:
		return lanes[uint64]{}
	}
	panic(fmt.Sprintf("ops: no arithmetic for %s", d))
}

// bySize picks among the instances of one generic function the one for the elements of a type, whatever they mean.
func bySize[F any](d tensor.DType, of1, of2, of4, of8, of16, ofString F) F {
	if d == tensor.String {
		return ofString
	}
	switch d.Bits() {
	case 8:
		return of1
	case 16:
		return of2
	case 32:
		return of4
	case 64:
		return of8
	case 128:
		return of16
	}
	panic(fmt.Sprintf("ops: elements of %s have no address of their own", d))
}

// elements views a tensor's elements as any type of their size, or as strings.
func elements[T any](t *tensor.Tensor) []T {
	var zero T
	if _, text := any(zero).(string); text {
		return *(*[]T)(unsafe.Pointer(&t.Strings))
	}
	if len(t.Bytes) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&t.Bytes[0])), len(t.Bytes)/int(unsafe.Sizeof(zero)))
}

// halved lets a Prepare for numbers that Go computes in serve nodes of float16 and bfloat16 too: in float32, rounded once.
func halved(prepare preparer) preparer {
	return func(n *graph.Node, t *Target) (Kernel, error) {
		for _, list := range [][]*graph.Value{n.Inputs, n.Outputs} {
			for _, v := range list {
				if v != nil && narrow(v.DType) {
					return widened(n, t, prepare)
				}
			}
		}
		return prepare(n, t)
	}
}

// copyAll copies the elements of src to dst, which has as many.
func copyAll(dst, src *tensor.Tensor) {
	copy(dst.Strings, src.Strings)
	if len(src.Bytes) > 0 && len(dst.Bytes) > 0 && &src.Bytes[0] != &dst.Bytes[0] {
		copy(dst.Bytes, src.Bytes)
	}
}

// place makes sure that an output can take a shape that only the run told: one whose shape was known before has its memory already.
func place(out *Slot, d tensor.DType, shape tensor.Shape) {
	if out.DType == d && out.Shape != nil && out.Shape.Equal(shape) {
		return
	}
	out.Alloc(d, shape.Clone())
}

// settled makes the kernel of a node whose plan depends on the contents of inputs. Where these are known, the plan is made once; else before every
// run, from the slots. plan gets the content of an input, or nil for one that is absent; it asks only for the given inputs. bind makes the work of
// a plan.
func settled[P any](n *graph.Node, class string, inputs []int, plan func(content func(int) *tensor.Tensor) (P, error), bind func(c *Call, p P) func() error) (Kernel, error) {
	static := true
	for _, i := range inputs {
		static = static && (n.In(i) == nil || n.In(i).Known())
	}
	if static {
		p, err := plan(func(i int) *tensor.Tensor {
			if v := n.In(i); v != nil {
				return v.Const
			}
			return nil
		})
		return Kernel{Class: class, Bind: func(c *Call) func() error { return bind(c, p) }}, err
	}
	return Kernel{Class: class, Bind: func(c *Call) func() error {
		content := func(i int) *tensor.Tensor {
			if i >= len(c.In) || c.In[i] == nil {
				return nil
			}
			return &c.In[i].Tensor
		}
		return func() error {
			p, err := plan(content)
			if err != nil {
				return err
			}
			return bind(c, p)()
		}
	}}, nil
}
