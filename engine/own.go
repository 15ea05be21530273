package engine

import (
	"runtime/debug"
	"slices"
	"unsafe"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
)

// owner copies what lies in a model's file to memory of the program's own, so that a program outlives the model, and a file that shrinks under it.
// Large constants that kernels pack are not copied, and not kept where passes made them, as nobody reads them again.
type owner struct {
	mapped  func([]byte) bool
	release func() // of the file's memory
	copies  map[*byte][]byte
	packed  map[*graph.Value]bool // by every kernel so far that has it for an input
	readers map[*graph.Value]int  // nodes whose kernels are not prepared yet, and outputs
	gone    int                   // bytes of contents that were copied or taken away since memory was freed
	enough  int                   // to free memory
}

// smallConstant is the size in bytes below which a constant is copied without asking who packs it: biases, of which kernels keep the slice.
const smallConstant = 64 << 10

// Memory is given back to the system, which takes a collection of garbage, whenever a share of the contents was copied or taken away, and not for little.
const (
	freedShare = 16
	freedLeast = 4 << 20
)

func newOwner(g *graph.Graph, mapped func([]byte) bool, release func()) *owner {
	o := &owner{mapped: mapped, release: release, copies: map[*byte][]byte{}, packed: map[*graph.Value]bool{}, readers: map[*graph.Value]int{}}
	contents := 0
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if o.readers[v]++; v.Known() && o.readers[v] == 1 {
				contents += len(v.Const.Bytes)
			}
		}
	}
	o.enough = max(contents/freedShare, freedLeast)
	for _, v := range g.Outputs {
		o.readers[v]++
	}
	return o
}

// read takes the contents away of which n, whose kernel is prepared, was the last reader.
func (o *owner) read(n *graph.Node) {
	for _, v := range n.Inputs {
		if o.readers[v]--; v != nil && o.readers[v] == 0 {
			o.forget(v)
		}
	}
	if o.gone >= o.enough {
		o.free()
	}
}

// free gives the memory of contents back that were taken away, and that of the file.
func (o *owner) free() {
	o.gone = 0
	o.release()
	debug.FreeOSMemory()
}

// own is t in memory that stays.
func (o *owner) own(t tensor.Tensor) tensor.Tensor {
	if !o.mapped(t.Bytes) {
		return t
	}
	first := unsafe.SliceData(t.Bytes)
	if len(o.copies[first]) < len(t.Bytes) {
		o.copies[first] = copied(t)
		o.gone += len(t.Bytes)
	}
	t.Bytes = o.copies[first][:len(t.Bytes)]
	return t
}

// copied is t's contents in memory of their own. Of large ones every processor copies a part, as the system gives out memory no faster than it is first written.
func copied(t tensor.Tensor) []byte {
	to := tensor.New(t.DType, t.Shape).Bytes
	parallel.Ranges(len(to), copiedAtOnce, func(first, last int) { copy(to[first:last], t.Bytes[first:last]) })
	return to
}

// copiedAtOnce is the number of bytes that one processor copies at a time.
const copiedAtOnce = 1 << 20

// output makes the content of a program's output stay.
func (o *owner) output(v *graph.Value) {
	o.value(v)
	o.packed[v] = false
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
		if how != static {
			o.packed[v] = false
		}
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
		packed := slices.Contains(k.Packed, i)
		if !packed && o.value(v) {
			again = true
		}
		if before, seen := o.packed[v]; v.Known() {
			o.packed[v] = packed && (before || !seen)
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

// forget takes the contents away that still lie in the file, and large ones that kernels hold in forms of their own: nobody reads them any more.
func (o *owner) forget(v *graph.Value) {
	if v.Known() && (o.mapped(v.Const.Bytes) || o.packed[v] && len(v.Const.Bytes) >= smallConstant) {
		o.gone += len(v.Const.Bytes)
		v.Const = &tensor.Tensor{DType: v.DType, Shape: v.Shape}
	}
}
