package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// indexes reads a tensor of int32 or int64 without copying it.
type indexes struct {
	long  []int64
	short []int32
}

func indexesOf(t *tensor.Tensor) indexes {
	if t.DType == tensor.Int32 {
		return indexes{short: elements[int32](t)}
	}
	return indexes{long: elements[int64](t)}
}

// at is the i-th number.
func (x indexes) at(i int) int {
	if x.short != nil {
		return int(x.short[i])
	}
	return int(x.long[i])
}

// within is the i-th index into a dimension; negative ones count from its end.
func (x indexes) within(i, dimension int) (int, error) {
	v := x.at(i)
	if v < -dimension || v >= dimension {
		return 0, fmt.Errorf("index %d at position %d is outside [%d, %d)", v, i, -dimension, dimension)
	}
	if v < 0 {
		v += dimension
	}
	return v, nil
}

// gather picks slices of the first input along an axis by the indices of the second.
func gather() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			data, index := n.Inputs[0], n.Inputs[1]
			if data.Shape == nil || index.Shape == nil {
				yields(n, 0, data.DType, nil)
				return nil
			}
			axis, err := axisOf(n.Int("axis", 0), len(data.Shape))
			if err != nil {
				return err
			}
			out := append(data.Shape[:axis:axis].Clone(), index.Shape...)
			yields(n, 0, data.DType, append(out, data.Shape[axis+1:]...))
			return nil
		},
		Cost: costGathered,
		Prepare: unpacked(func(n *graph.Node, _ *Target) (Kernel, error) {
			data := n.Inputs[0].Shape
			axis, err := axisOf(n.Int("axis", 0), len(data))
			if err != nil {
				return Kernel{}, err
			}
			bind := bySize(n.Inputs[0].DType, bindGather[uint8], bindGather[uint16], bindGather[uint32], bindGather[uint64], bindGather[complex128], bindGather[string])
			return Kernel{Class: "copy", Bind: bind(span(data, 0, axis), data[axis], span(data, axis+1, len(data)))}, nil
		}),
	}
}

// costGathered counts what is picked, not all there is to pick from.
func costGathered(n *graph.Node) Cost {
	c := moved(n)
	c.Weights, c.Reads = 0, 2*c.Writes
	return c
}

// bindGather copies, for each of outer blocks of d rows, the rows that the indices name; a row has inner elements.
func bindGather[T word](outer, d, inner int) binder {
	return func(c *Call) func() error {
		return func() error {
			src, dst, index := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor), indexesOf(&c.In[1].Tensor)
			count := c.In[1].Len()
			if len(dst) == 0 {
				return nil
			}
			if outer == 1 && inner == 1 && index.long != nil {
				return pickElements(dst, src[:d], index.long)
			}
			for i := range count {
				row, err := index.within(i, d)
				if err != nil {
					return err
				}
				for o := range outer {
					to, from := (o*count+i)*inner, (o*d+row)*inner
					if inner == 1 {
						dst[to] = src[from]
						continue
					}
					copy(dst[to:to+inner], src[from:from+inner])
				}
			}
			return nil
		}
	}
}

// pickElements copies single elements.
func pickElements[T word](dst, src []T, index []int64) error {
	for i, at := range index {
		if at < 0 {
			at += int64(len(src))
		}
		if uint64(at) >= uint64(len(src)) {
			_, err := indexes{long: index}.within(i, len(src))
			return err
		}
		dst[i] = src[at]
	}
	return nil
}

// places says where, in a dense tensor, the blocks lie that the indices of a GatherElements, GatherND, ScatterElements or ScatterND name.
type places struct {
	count int // blocks
	size  int // elements of a block
	at    func(index indexes, block int) (int, error)
	runs  []placeRun // where the indices are known, blocks that follow one another joined; else nil
}

// placeRun is so many blocks from the given one on, which lie one after the other at a place.
type placeRun struct{ block, blocks, at int }

// settle finds the runs of known indices. What is wrong with an index is left for the run to report.
func (p *places) settle(index *graph.Value) {
	if !index.Known() || p.size == 0 || p.count == 0 {
		return
	}
	t := tensor.Aligned(*index.Const)
	list := indexesOf(&t)
	var runs []placeRun
	for i := range p.count {
		at, err := p.at(list, i)
		if err != nil {
			return
		}
		if last := len(runs) - 1; last >= 0 && runs[last].at+runs[last].blocks*p.size == at {
			runs[last].blocks++
			continue
		}
		runs = append(runs, placeRun{i, 1, at})
	}
	p.runs = runs
}

// elementPlaces are those of GatherElements and ScatterElements: the index's own position, but for one axis, where it is the index.
func elementPlaces(data, index tensor.Shape, axis int) (*places, error) {
	strides := data.Strides()
	step := strides[axis]
	strides[axis] = 0
	var w broadcast
	for i, d := range index {
		if i != axis && d > data[i] {
			return nil, fmt.Errorf("indices %s reach beyond %s", index, data)
		}
		w.pushIfWide(d, i, [][]int{strides})
	}
	if err := w.finish(); err != nil {
		return nil, err
	}
	return &places{count: index.Elements(), size: 1, at: func(list indexes, i int) (int, error) {
		v, err := list.within(i, data[axis])
		cursor := w.seek(i / w.row)
		return cursor.at[0] + i%w.row*w.inner() + v*step, err
	}}, nil
}

// tuplePlaces are those of GatherND and ScatterND: the last dimension of the indices holds tuples, each of which names a block of the dimensions after
// those that it indexes. The first batch dimensions are the tuple's own.
func tuplePlaces(data, index tensor.Shape, batch int) (*places, error) {
	if len(index) == 0 {
		return nil, fmt.Errorf("indices are a scalar")
	}
	depth := index[len(index)-1]
	if batch < 0 || batch >= len(index) || batch+depth > len(data) {
		return nil, fmt.Errorf("indices %s with %d batch dimensions for %s", index, batch, data)
	}
	if !index[:batch].Equal(data[:batch]) {
		return nil, fmt.Errorf("indices %s and data %s differ in the first %d dimensions", index, data, batch)
	}
	strides := data.Strides()
	perBatch, batchSize := max(span(index, batch, len(index)-1), 1), span(data, batch, len(data))
	return &places{count: span(index, 0, len(index)-1), size: span(data, batch+depth, len(data)), at: func(list indexes, i int) (int, error) {
		at := i / perBatch * batchSize
		for k := range depth {
			v, err := list.within(i*depth+k, data[batch+k])
			if err != nil {
				return 0, err
			}
			at += v * strides[batch+k]
		}
		return at, nil
	}}, nil
}

// gatherElements picks single elements along an axis.
func gatherElements() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			data, index := n.Inputs[0], n.Inputs[1]
			if data.Shape != nil && index.Shape != nil && len(data.Shape) != len(index.Shape) {
				return fmt.Errorf("indices %s for data %s differ in rank", index.Shape, data.Shape)
			}
			yields(n, 0, data.DType, index.Shape)
			return nil
		},
		Cost: costGathered,
		Prepare: unpacked(func(n *graph.Node, _ *Target) (Kernel, error) {
			data := n.Inputs[0].Shape
			axis, err := axisOf(n.Int("axis", 0), len(data))
			if err != nil {
				return Kernel{}, err
			}
			p, err := elementPlaces(data, n.Inputs[1].Shape, axis)
			if err != nil {
				return Kernel{}, err
			}
			return gathering(n, p), nil
		}),
	}
}

// gatherND picks blocks by tuples of indices.
func gatherND() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := takes(n, 1, indices); err != nil {
				return err
			}
			data, index, batch := n.Inputs[0], n.Inputs[1], n.Int("batch_dims", 0)
			if data.Shape == nil || len(index.Shape) == 0 || index.Shape[len(index.Shape)-1] == tensor.Unknown {
				yields(n, 0, data.DType, nil)
				return nil
			}
			last := len(index.Shape) - 1
			from := batch + index.Shape[last]
			if batch < 0 || batch > last || from > len(data.Shape) {
				return fmt.Errorf("indices %s with %d batch dimensions for data %s", index.Shape, batch, data.Shape)
			}
			yields(n, 0, data.DType, append(index.Shape[:last:last].Clone(), data.Shape[from:]...))
			return nil
		},
		Cost: costGathered,
		Prepare: unpacked(func(n *graph.Node, _ *Target) (Kernel, error) {
			p, err := tuplePlaces(n.Inputs[0].Shape, n.Inputs[1].Shape, n.Int("batch_dims", 0))
			if err != nil {
				return Kernel{}, err
			}
			return gathering(n, p), nil
		}),
	}
}

// gathering copies the blocks at places of the first input to the output, one after the other.
func gathering(n *graph.Node, p *places) Kernel {
	p.settle(n.Inputs[1])
	bind := bySize(n.Inputs[0].DType, bindPlaces[uint8], bindPlaces[uint16], bindPlaces[uint32], bindPlaces[uint64], bindPlaces[complex128], bindPlaces[string])
	return Kernel{Class: "copy", Bind: bind(p)}
}

func bindPlaces[T word](p *places) binder {
	return func(c *Call) func() error {
		if p.runs != nil {
			return func() error {
				src, dst := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
				for _, r := range p.runs {
					if r.blocks*p.size == 1 { // which a copy would take longer for
						dst[r.block] = src[r.at]
						continue
					}
					copy(dst[r.block*p.size:][:r.blocks*p.size], src[r.at:])
				}
				return nil
			}
		}
		return func() error {
			src, dst, index := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor), indexesOf(&c.In[1].Tensor)
			for i := range p.count {
				at, err := p.at(index, i)
				if err != nil {
					return err
				}
				if p.size > 0 { // else src is empty, wherever at points
					copy(dst[i*p.size:(i+1)*p.size], src[at:at+p.size])
				}
			}
			return nil
		}
	}
}
