package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// fuseSwish joins an activation that is its input times a gate made of it:
//
//	x · Sigmoid(x)                     →  Swish(x)
//	x · HardSigmoid(x, 1/6, 1/2)       →  HardSwish(x)
//	x · Clip(x + 3, 0, 6)  /  6        →  HardSwish(x)
//	x · (Clip(x + 3, 0, 6)  /  6)      →  HardSwish(x)
var fuseSwish = rewriting("fuse swish", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("", "Mul") || len(n.Inputs) != 2 {
		return
	}
	for i, x := range n.Inputs {
		gate := e.maker(n.Inputs[1-i])
		if gate == nil {
			continue
		}
		if gate.Is("", "Sigmoid") && gate.Inputs[0] == x {
			fuseGate(e, n, "Swish", x, gate)
			return
		}
		if gate.Is("", "HardSigmoid") && gate.Inputs[0] == x && near(gate.Float("alpha", 0.2), 1./6) && near(gate.Float("beta", 0.5), 0.5) {
			fuseGate(e, n, "HardSwish", x, gate)
			return
		}
		if of, nodes := scaledBy(e, n.Inputs[1-i], 1./6); of != nil {
			if clip := clippedPlusThree(e, of, x); clip != nil {
				fuseGate(e, n, "HardSwish", x, append(clip, nodes...)...)
				return
			}
		}
		if clip := clippedPlusThree(e, n.Inputs[1-i], x); clip != nil {
			if last := e.reader(n.Outputs[0]); last != nil && multiplied(last, 1./6) == n.Outputs[0] {
				fuseGate(e, last, "HardSwish", x, append(clip, n)...)
				return
			}
		}
	}
})

// fuseGate makes last apply an operator to x, where the engine has it.
func fuseGate(e *editor, last *graph.Node, op string, x *graph.Value, others ...*graph.Node) {
	if _, ok := ops.Lookup("", op); ok {
		e.become(last, "", op, []*graph.Value{x}, nil, others...)
	}
}

func near(a, b float32) bool { return max(a-b, b-a) < 1e-3 }

// clippedPlusThree reads v as Clip(x + 3, 0, 6); nil where it is not.
func clippedPlusThree(e *editor, v, x *graph.Value) []*graph.Node {
	clip := e.maker(v)
	if clip == nil || !clip.Is("", "Clip") || !isZero(clip.In(1)) || !isNumber(clip.In(2), 6) {
		return nil
	}
	plus := e.maker(clip.Inputs[0])
	if plus == nil || !plus.Is("", "Add") || !isNumber(other(plus, x), 3) {
		return nil
	}
	return []*graph.Node{plus, clip}
}

// isZero reports whether v is the number 0.
func isZero(v *graph.Value) bool {
	c, ok := number(v)
	return ok && c == 0
}
