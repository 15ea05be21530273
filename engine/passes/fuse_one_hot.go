package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// fuseOneHot takes a row of the weights where a product would add up one of them and zeros:
//
//	eiplan/MatMul(Cast(Equal(x, 0 … n-1)), w, b)  →  eiplan/TakeRow(x, w, b)
//
// x has a last dimension of 1, over which the constant stretches. What equals none of the numbers takes b alone.
var fuseOneHot = rewriting("fuse one-hot", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("eiplan", "MatMul") || n.In(3) != nil || n.Int("transB", 0) != 0 {
		return
	}
	cast := e.maker(n.Inputs[0])
	if cast == nil || !cast.Is("", "Cast") || cast.Outputs[0].DType != tensor.Float32 {
		return
	}
	equal := e.maker(cast.Inputs[0])
	if equal == nil || !equal.Is("", "Equal") {
		return
	}
	for i, numbers := range equal.Inputs {
		x := equal.Inputs[1-i]
		first, ok := countsUp(numbers)
		if !ok || x.Known() || len(x.Shape) == 0 || x.Shape[len(x.Shape)-1] != 1 || len(numbers.Shape) > len(x.Shape) {
			continue
		}
		attributes := map[string]models.Attribute{"first": intAttribute(first)}
		for _, name := range []string{"lo", "hi"} {
			if a, ok := n.Attributes[name]; ok {
				attributes[name] = a
			}
		}
		e.become(n, "eiplan", "TakeRow", []*graph.Value{x, n.Inputs[1], n.In(2)}, attributes, cast, equal)
		return
	}
})

// countsUp reports whether v is a constant row of integers each of which is one more than the one before, and the first.
func countsUp(v *graph.Value) (first int, ok bool) {
	if !v.Known() || len(v.Shape) == 0 || v.Shape.Elements() != v.Shape[len(v.Shape)-1] || v.Shape.Elements() == 0 {
		return 0, false
	}
	var list []int
	switch t := tensor.Aligned(*v.Const); t.DType {
	case tensor.Int32:
		list = integers(tensor.Data[int32](t))
	case tensor.Int64:
		list = integers(tensor.Data[int64](t))
	default:
		return 0, false
	}
	for i, x := range list {
		if x != list[0]+i {
			return 0, false
		}
	}
	return list[0], true
}

func integers[T int32 | int64](x []T) []int {
	list := make([]int, len(x))
	for i, v := range x {
		list[i] = int(v)
	}
	return list
}
