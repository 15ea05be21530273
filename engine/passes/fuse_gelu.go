package passes

import (
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
)

// fuseGelu joins the two spellings of GELU, their factors in any order:
//
//	x · ½ · (1 + Erf(x/√2))                         →  Gelu(x)
//	x · ½ · (1 + Tanh(√(2/π) · (x + 0.044715·x³)))  →  Gelu(x, approximate=tanh)
var fuseGelu = rewriting("fuse gelu", func(e *editor, n *graph.Node, _ Options) {
	var x *graph.Value
	var inner []*graph.Node
	approximate := "none"
	switch {
	case n.Is("", "Erf"):
		x, inner = scaledBy(e, n.Inputs[0], math.Sqrt2/2)
	case n.Is("", "Tanh"):
		approximate = "tanh"
		x, inner = tanhArgument(e, n.Inputs[0])
	}
	if x == nil {
		return
	}
	plus := e.reader(n.Outputs[0])
	if plus == nil || !plus.Is("", "Add") || !isNumber(other(plus, n.Outputs[0]), 1) {
		return
	}
	last, outer := timesHalfOf(e, plus, x)
	if last == nil {
		return
	}
	attributes := map[string]models.Attribute{"approximate": stringAttribute(approximate)}
	e.become(last, "", "Gelu", []*graph.Value{x}, attributes, append(append(inner, n, plus), outer...)...)
})

// scaledBy reads v as factor·x, made for one reader.
func scaledBy(e *editor, v *graph.Value, factor float64) (*graph.Value, []*graph.Node) {
	n := e.maker(v)
	if n == nil {
		return nil, nil
	}
	if x := multiplied(n, factor); x != nil {
		return x, []*graph.Node{n}
	}
	return nil, nil
}

// multiplied is the x of which n makes factor·x; nil where it makes something else.
func multiplied(n *graph.Node, factor float64) *graph.Value {
	switch {
	case len(n.Inputs) != 2:
	case n.Is("", "Div") && isNumber(n.Inputs[1], 1/factor):
		return n.Inputs[0]
	case n.Is("", "Mul") && isNumber(n.Inputs[1], factor):
		return n.Inputs[0]
	case n.Is("", "Mul") && isNumber(n.Inputs[0], factor):
		return n.Inputs[1]
	}
	return nil
}

// tanhArgument reads v as √(2/π)·(x + 0.044715·x³).
func tanhArgument(e *editor, v *graph.Value) (*graph.Value, []*graph.Node) {
	sum, nodes := scaledBy(e, v, math.Sqrt(2/math.Pi))
	plus := e.maker(sum)
	if plus == nil || !plus.Is("", "Add") {
		return nil, nil
	}
	for i, x := range plus.Inputs {
		cube, more := scaledBy(e, plus.Inputs[1-i], 0.044715)
		power := e.maker(cube)
		if power == nil {
			continue
		}
		if rest := cubed(e, power, x); rest != nil {
			return x, append(append(append(nodes, plus), more...), rest...)
		}
	}
	return nil, nil
}

// cubed reads a node as x³: Pow(x, 3) or two products; nil where it is not.
func cubed(e *editor, n *graph.Node, x *graph.Value) []*graph.Node {
	switch {
	case n.Is("", "Pow") && n.Inputs[0] == x && isNumber(n.Inputs[1], 3):
		return []*graph.Node{n}
	case n.Is("", "Mul"):
		if square := e.maker(other(n, x)); square != nil && squares(square, x) {
			return []*graph.Node{square, n}
		}
	}
	return nil
}

// squares reports whether a node is x².
func squares(n *graph.Node, x *graph.Value) bool {
	return n.Is("", "Mul") && n.Inputs[0] == x && n.Inputs[1] == x || n.Is("", "Pow") && n.Inputs[0] == x && isNumber(n.Inputs[1], 2)
}

// timesHalfOf follows the product of n with x and ½, in any order, to its last node.
func timesHalfOf(e *editor, n *graph.Node, x *graph.Value) (last *graph.Node, passed []*graph.Node) {
	var half, whole bool
	for last = n; !half || !whole; {
		v := last.Outputs[0]
		next := e.reader(v)
		if next == nil || !next.Is("", "Mul") {
			return nil, nil
		}
		factor := other(next, v)
		switch {
		case factor == nil:
			return nil, nil
		case factor == x && !whole:
			whole = true
		case isNumber(factor, 0.5) && !half:
			half = true
		default:
			of, nodes := scaledBy(e, factor, 0.5)
			if of != x || half || whole {
				return nil, nil
			}
			half, whole = true, true
			passed = append(passed, nodes...)
		}
		passed = append(passed, next)
		last = next
	}
	return last, passed
}
