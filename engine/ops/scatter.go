package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// scatterElements copies the first input and writes the elements of the third where the second says, along an axis. scatterND does so with blocks.
// With a reduction, what is written is combined with what is there.
func scatterElements() Op {
	return scattering(func(n *graph.Node) (*places, error) {
		data, index := n.Inputs[0].Shape, n.Inputs[1].Shape
		axis, err := axisOf(n.Int("axis", 0), len(data))
		if err != nil {
			return nil, err
		}
		if len(index) != len(data) || !index.Equal(n.Inputs[2].Shape) {
			return nil, fmt.Errorf("indices %s and updates %s for data %s", index, n.Inputs[2].Shape, data)
		}
		return elementPlaces(data, index, axis)
	})
}

func scatterND() Op {
	return scattering(func(n *graph.Node) (*places, error) {
		p, err := tuplePlaces(n.Inputs[0].Shape, n.Inputs[1].Shape, 0)
		if err == nil && p.count*p.size != n.Inputs[2].Shape.Elements() {
			err = fmt.Errorf("updates %s for %d blocks of %d elements", n.Inputs[2].Shape, p.count, p.size)
		}
		return p, err
	})
}

// boolReductions are those that mean another one for bools: the sum is Or, the product And.
var boolReductions = map[string]string{"add": "max", "mul": "min"}

func scattering(plan func(n *graph.Node) (*places, error)) Op {
	prepare := func(n *graph.Node, _ *Target) (Kernel, error) {
		p, err := plan(n)
		if err != nil {
			return Kernel{}, err
		}
		p.settle(n.Inputs[1])
		reduction, d := n.Str("reduction", "none"), n.Inputs[0].DType
		if same, ok := boolReductions[reduction]; ok && d == tensor.Bool {
			reduction = same
		}
		if reduction != "none" {
			return Kernel{Class: "copy", Bind: laneOf(d).scatter(reduction, p)}, nil
		}
		bind := bySize(d, assign[uint8], assign[uint16], assign[uint32], assign[uint64], assign[complex128], assign[string])
		return Kernel{Class: "copy", Bind: bind(p)}, nil
	}
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 3, 3); err != nil {
				return err
			}
			allowed := anything
			switch r := n.Str("reduction", "none"); r {
			case "none":
			case "add", "mul", "max", "min":
				allowed = numbers | bools
			default:
				return fmt.Errorf("unknown reduction %q", r)
			}
			if err := sameTypes(n, allowed, 0, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			in := n.Inputs[0]
			if in.Static() && n.Inputs[1].Static() && n.Inputs[2].Static() {
				if _, err := plan(n); err != nil {
					return err
				}
			}
			yields(n, 0, in.DType, in.Shape)
			return nil
		},
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			if n.Str("reduction", "none") == "none" {
				return unpacked(prepare)(n, t)
			}
			return halved(prepare)(n, t)
		},
	}
}

func assign[T word](p *places) binder {
	return scatterInto(p, func(dst, src []T) { copy(dst, src) })
}

func (lanes[T]) scatter(reduction string, p *places) binder {
	f := meaning2[T](&graph.Node{Op: map[string]string{"add": "Add", "mul": "Mul", "max": "Max", "min": "Min"}[reduction]})
	return scatterInto(p, func(dst, src []T) {
		for i, v := range src {
			dst[i] = f(dst[i], v)
		}
	})
}

// scatterInto copies the data and puts each block of updates in its place.
func scatterInto[T any](p *places, put func(dst, src []T)) binder {
	return func(c *Call) func() error {
		if p.runs != nil {
			return func() error {
				copyAll(&c.Out[0].Tensor, &c.In[0].Tensor)
				dst, src := elements[T](&c.Out[0].Tensor), elements[T](&c.In[2].Tensor)
				for _, r := range p.runs {
					n := r.blocks * p.size
					put(dst[r.at:r.at+n], src[r.block*p.size:][:n])
				}
				return nil
			}
		}
		return func() error {
			copyAll(&c.Out[0].Tensor, &c.In[0].Tensor)
			dst, src, index := elements[T](&c.Out[0].Tensor), elements[T](&c.In[2].Tensor), indexesOf(&c.In[1].Tensor)
			for i := range p.count {
				at, err := p.at(index, i)
				if err != nil {
					return err
				}
				if p.size > 0 { // else dst is empty, wherever at points
					put(dst[at:at+p.size], src[i*p.size:(i+1)*p.size])
				}
			}
			return nil
		}
	}
}

// tensorScatter copies a cache and writes an update into it along an axis, for each position of the first axis from the index that the optional third
// input gives. In mode circular what reaches the end goes on at the beginning.
func tensorScatter() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 3); err != nil {
				return err
			}
			if err := sameTypes(n, anything&^packed, 0, 1); err != nil {
				return err
			}
			if err := takes(n, 2, 1<<tensor.Int64); err != nil {
				return err
			}
			if mode := n.Str("mode", "linear"); mode != "linear" && mode != "circular" {
				return fmt.Errorf("unknown mode %q", mode)
			}
			yields(n, 0, n.Inputs[0].DType, n.Inputs[0].Shape)
			return nil
		},
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			cache, update := n.Inputs[0].Shape, n.Inputs[1].Shape
			axis, err := axisOf(n.Int("axis", -2), len(cache))
			if err != nil {
				return Kernel{}, err
			}
			if len(update) != len(cache) || axis == 0 || update[axis] > cache[axis] || update.Elements()*cache[axis] != cache.Elements()*update[axis] {
				return Kernel{}, fmt.Errorf("update %s of cache %s along axis %d", update, cache, axis)
			}
			if at := n.In(2); at != nil && at.Shape.Elements() != cache[0] {
				return Kernel{}, fmt.Errorf("write indices %s for a batch of %d", at.Shape, cache[0])
			}
			bind := bySize(n.Inputs[0].DType, bindCache[uint8], bindCache[uint16], bindCache[uint32], bindCache[uint64], bindCache[complex128], bindCache[string])
			return Kernel{Class: "copy", Bind: bind(cache, axis, update[axis], n.Str("mode", "linear") == "circular")}, nil
		},
	}
}

func bindCache[T word](cache tensor.Shape, axis, steps int, circular bool) binder {
	outer, d, inner := span(cache, 0, axis), cache[axis], span(cache, axis+1, len(cache))
	perBatch := span(cache, 1, axis)
	return func(c *Call) func() error {
		return func() error {
			copyAll(&c.Out[0].Tensor, &c.In[0].Tensor)
			dst, src := elements[T](&c.Out[0].Tensor), elements[T](&c.In[1].Tensor)
			for o := range outer {
				first := 0
				if len(c.In) > 2 && c.In[2] != nil {
					first = int(tensor.Data[int64](c.In[2].Tensor)[o/perBatch])
				}
				for s := range steps {
					at := first + s
					if circular {
						at = (at%d + d) % d
					}
					if at < 0 || at >= d {
						return fmt.Errorf("index %d in a cache of %d", at, d)
					}
					copy(dst[(o*d+at)*inner:(o*d+at+1)*inner], src[(o*steps+s)*inner:])
				}
			}
			return nil
		}
	}
}
