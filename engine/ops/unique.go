package ops

import (
	"cmp"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// unique lists the different slices along an axis, or elements of the flattened input, in ascending order or with sorted=0 in that of their first
// appearance; then where each appears first, which of them each input is, and how often each appears.
func unique() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, 1); err != nil {
				return err
			}
			in := n.Inputs[0]
			if err := takes(n, 0, numbers|bools|texts); err != nil {
				return err
			}
			out, all := tensor.Shape{tensor.Unknown}, tensor.Unknown
			if in.Shape != nil {
				if _, ok := n.Attributes["axis"]; ok {
					axis, err := axisOf(n.Int("axis", 0), len(in.Shape))
					if err != nil {
						return err
					}
					out, all = in.Shape.Clone(), in.Shape[axis]
					out[axis] = tensor.Unknown
				} else if in.Static() {
					all = in.Shape.Elements()
				}
			} else if _, ok := n.Attributes["axis"]; ok {
				out = nil
			}
			yields(n, 0, in.DType, out)
			yields(n, 1, tensor.Int64, tensor.Shape{tensor.Unknown})
			yields(n, 2, tensor.Int64, tensor.Shape{all})
			yields(n, 3, tensor.Int64, tensor.Shape{tensor.Unknown})
			return nil
		},
		Cost: costReduction,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			shape, axis := n.Inputs[0].Shape, 0
			if _, ok := n.Attributes["axis"]; !ok {
				shape = tensor.Shape{shape.Elements()}
			} else {
				var err error
				if axis, err = axisOf(n.Int("axis", 0), len(shape)); err != nil {
					return Kernel{}, err
				}
			}
			sorted := n.Int("sorted", 1) != 0
			return Kernel{Class: "sort", Bind: func(c *Call) func() error {
				return func() error { return runUnique(c, shape, axis, sorted) }
			}}, nil
		},
	}
}

func runUnique(c *Call, shape tensor.Shape, axis int, sorted bool) error {
	in := &c.In[0].Tensor
	p := fibres{outer: span(shape, 0, axis), d: shape[axis], inner: span(shape, axis+1, len(shape))}
	compare := sliceOrder(in, p)
	order := make([]int, p.d) // the slices, equal ones side by side, the first of them first
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, compare)
	var first []int // the first of each group
	group := make([]int, p.d)
	for i, at := range order {
		if i == 0 || compare(order[i-1], at) != 0 {
			first = append(first, at)
		}
		group[at] = len(first) - 1
	}
	if !sorted {
		rank := make([]int, len(first))
		for i := range rank {
			rank[i] = i
		}
		slices.SortFunc(rank, func(a, b int) int { return cmp.Compare(first[a], first[b]) })
		place := make([]int, len(first))
		for to, from := range rank {
			place[from] = to
		}
		for i := range group {
			group[i] = place[group[i]]
		}
		slices.Sort(first)
	}
	return storeUnique(c, shape, axis, p, first, group)
}

// sliceOrder compares the slices at two positions of an axis, element by element.
func sliceOrder(t *tensor.Tensor, p fibres) func(a, b int) int {
	return func(a, b int) int {
		for o := range p.outer {
			for i := range p.inner {
				x, y := (o*p.d+a)*p.inner+i, (o*p.d+b)*p.inner+i
				var by int
				switch t.DType {
				case tensor.String:
					by = cmp.Compare(t.Strings[x], t.Strings[y])
				case tensor.Int64:
					by = cmp.Compare(elements[int64](t)[x], elements[int64](t)[y])
				case tensor.Uint64:
					by = cmp.Compare(elements[uint64](t)[x], elements[uint64](t)[y])
				default:
					by = cmp.Compare(realAt(t, x), realAt(t, y))
				}
				if by != 0 {
					return by
				}
			}
		}
		return 0
	}
}

func storeUnique(c *Call, shape tensor.Shape, axis int, p fibres, first, group []int) error {
	if c.Out[0] != nil {
		out := shape.Clone()
		out[axis] = len(first)
		place(c.Out[0], c.In[0].DType, out)
		pick := bySize(c.In[0].DType, pickSlices[uint8], pickSlices[uint16], pickSlices[uint32], pickSlices[uint64], pickSlices[complex128], pickSlices[string])
		pick(&c.Out[0].Tensor, &c.In[0].Tensor, p, first)
	}
	counts := make([]int, len(first))
	for _, g := range group {
		counts[g]++
	}
	for i, list := range [][]int{1: first, 2: group, 3: counts} {
		if i == 0 || i >= len(c.Out) || c.Out[i] == nil {
			continue
		}
		place(c.Out[i], tensor.Int64, tensor.Shape{len(list)})
		into(tensor.Data[int64](c.Out[i].Tensor), toInt64(list))
	}
	return nil
}

func toInt64(list []int) []int64 {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

func pickSlices[T word](dst, src *tensor.Tensor, p fibres, which []int) {
	x, out := elements[T](src), elements[T](dst)
	for o := range p.outer {
		for _, at := range which {
			out = out[copy(out, x[(o*p.d+at)*p.inner:(o*p.d+at+1)*p.inner]):]
		}
	}
}
