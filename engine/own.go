package engine

import (
	"slices"
	"unsafe"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models/tensor"
)

// owner copies what lies in a model's file to memory of the program's own, so that a program outlives the model, and a file that shrinks under it.
// Large constants that kernels pack are not copied, as nobody reads them again.
type owner struct {
	mapped func([]byte) bool
	copies map[*byte][]byte
}

// smallConstant is the size in bytes below which a constant is copied without asking who packs it: biases, of which kernels keep the slice.
const smallConstant = 64 << 10

func newOwner(mapped func([]byte) bool) *owner {
	return &owner{mapped: mapped, copies: map[*byte][]byte{}}
}

// own is t in memory that stays.
func (o *owner) own(t tensor.Tensor) tensor.Tensor {
	if !o.mapped(t.Bytes) {
		return t
	}
	first := unsafe.SliceData(t.Bytes)
	if len(o.copies[first]) < len(t.Bytes) {
		o.copies[first] = t.Clone().Bytes
	}
	t.Bytes = o.copies[first][:len(t.Bytes)]
	return t
}

// value makes v's content stay; it reports whether that was in the file before.
func (o *owner) value(v *graph.Value) bool {
	if !v.Known() || !o.mapped(v.Const.Bytes) {
		return false
	}
	t := o.own(*v.Const)
	v.Const = &t
	return true
}

// before makes the contents stay that a node's kernel may keep when it is prepared, or in dynamic steps later on: all but large ones of a static step.
func (o *owner) before(n *graph.Node, how manner) {
	for _, v := range slices.Concat(n.Inputs, n.Outputs) {
		if v.Known() && (how != static || len(v.Const.Bytes) < smallConstant) {
			o.value(v)
		}
	}
	for name, a := range n.Attributes {
		if o.mapped(a.Tensor.Bytes) {
			a.Tensor = o.own(a.Tensor)
			n.Attributes[name] = a
		}
	}
	for _, body := range n.Bodies {
		o.graph(body)
	}
}

// after makes the contents stay that a prepared kernel did not pack. Where there were any, the node must be prepared again.
func (o *owner) after(n *graph.Node, k ops.Kernel) (again bool) {
	for i, v := range n.Inputs {
		if !slices.Contains(k.Packed, i) && o.value(v) {
			again = true
		}
	}
	return again
}

// graph makes everything in a body stay.
func (o *owner) graph(g *graph.Graph) {
	for _, n := range g.Nodes {
		o.before(n, dynamic)
	}
	for _, v := range g.Outputs {
		o.value(v)
	}
}

// forget takes the contents away that still lie in the file, which nobody reads any more.
func (o *owner) forget(v *graph.Value) {
	if v.Known() && o.mapped(v.Const.Bytes) {
		v.Const = &tensor.Tensor{DType: v.DType, Shape: v.Shape}
	}
}
