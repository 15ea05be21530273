package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// fusedStep computes one block: result = loop(a, b). A function of one operand has it twice.
type fusedStep struct {
	loop   pairs[float32, float32, float32]
	result int // ids: operands first, then temporaries
	a, b   int
	scale  *float32 // where the step is a times this number, and nothing else
}

// composer turns the members of a fused node into steps.
type composer struct {
	target *Target
	plan   *fusedPlan
	shapes []*graph.Value // of the operands
	ids    map[*graph.Value]int
	uses   map[*graph.Value]int
	temps  int

	channels int // of a Channels layout, those after the last included: what constants with a number for each are padded to; else 0
}

// temporary is the id of a new temporary. Operands and temporaries are numbered apart until all are known: temporaries from -1 down.
func (c *composer) temporary() int {
	c.temps++
	return -c.temps
}

// last is the id of the last step's result.
func (c *composer) last() int { return c.plan.steps[len(c.plan.steps)-1].result }

// id is where v is found: constants become operands when they are first met.
func (c *composer) id(v *graph.Value) int {
	if i, ok := c.ids[v]; ok {
		return i
	}
	if !v.Known() {
		panic("ops: a fused node reads " + v.String() + ", which nobody made")
	}
	c.ids[v] = len(c.plan.operands)
	data := constant[float32](v)
	if len(data) > 1 && len(data) < c.channels {
		data = append(make([]float32, 0, c.channels), data...)[:c.channels]
	}
	c.plan.operands = append(c.plan.operands, fusedOperand{input: none, constant: data})
	c.shapes = append(c.shapes, v)
	return c.ids[v]
}

// none stands for the input of an operand that is a constant.
const none = -1

// binary adds a step of two operands.
func (c *composer) binary(loop pairs[float32, float32, float32], a, b int) int {
	r := c.temporary()
	c.plan.steps = append(c.plan.steps, fusedStep{loop: loop, result: r, a: a, b: b})
	return r
}

// unary adds a step of one operand.
func (c *composer) unary(loop func(dst, x []float32), a int) int {
	return c.binary(func(dst, x, _ []float32) { loop(dst, x) }, a, a)
}

func (c *composer) op(op vector.UnaryOp, a int) int { return c.unary(c.plan.v.Unary[op], a) }

func (c *composer) param(op vector.ParamOp, a int, alpha, beta float32) int {
	f := c.plan.v.Param[op]
	return c.unary(func(dst, x []float32) { f(dst, x, alpha, beta) }, a)
}

func (c *composer) scalar(op vector.ScalarOp, a int, s float32) int {
	f := c.plan.v.Scalar[op]
	return c.unary(func(dst, x []float32) { f(dst, x, s) }, a)
}

func (c *composer) pair(op string, a, b int) int {
	return c.binary(float32Pairs(op, c.target), a, b)
}

// member adds the steps of a node.
func (c *composer) member(n *graph.Node) {
	c.ids[n.Outputs[0]] = c.result(n)
}

func (c *composer) result(n *graph.Node) int {
	x := c.id(n.Inputs[0])
	switch n.Op {
	case "Clip":
		return c.clip(n, x)
	case "Pow":
		return c.power(x, realAt(n.Inputs[1].Const, 0))
	case "Celu":
		a := n.Float("alpha", 1)
		return c.scalar(vector.MulScalar, c.param(vector.Elu, c.scalar(vector.DivScalar, x, a), 1, 0), a)
	case "Selu":
		return c.scalar(vector.MulScalar, c.param(vector.Elu, x, n.Float("alpha", 1.67326319217681884765625), 0), n.Float("gamma", 1.05070102214813232421875))
	case "Mish":
		return c.pair("Mul", c.op(vector.Tanh, c.op(vector.Softplus, x)), x)
	case "Softsign":
		return c.pair("Div", x, c.scalar(vector.AddScalar, c.op(vector.Abs, x), 1))
	case "Tan":
		return c.pair("Div", c.op(vector.Sin, x), c.op(vector.Cos, x))
	case "Swish":
		if a := n.Float("alpha", 1); a != 1 {
			return c.pair("Mul", c.op(vector.Sigmoid, c.scalar(vector.MulScalar, x, a)), x)
		}
	}
	if fusedFolds[n.Op] {
		return c.fold(n, x)
	}
	if f := float32Unary(n, c.plan.v); f != nil {
		return c.unary(f, x)
	}
	return c.unary(eachElement(meaning1[float32](n)), x)
}

// fold takes the operands of an operator together from the left.
func (c *composer) fold(n *graph.Node, x int) int {
	if len(n.Inputs) == 1 {
		return c.unary(func(dst, x []float32) { copy(dst, x) }, x)
	}
	for i, v := range n.Inputs[1:] {
		if joined, ok := c.affine(n, i); ok {
			return joined
		}
		x = c.pair(n.Op, x, c.id(v))
		if k := c.number(n.Inputs, n.Op == "Mul"); k != nil {
			c.plan.steps[len(c.plan.steps)-1].scale = k
		}
	}
	if n.Op == "Mean" {
		return c.scalar(vector.DivScalar, x, float32(len(n.Inputs)))
	}
	return x
}

// number is the one number among two operands that is known; nil where there is none, or unless wanted.
func (c *composer) number(inputs []*graph.Value, wanted bool) *float32 {
	if !wanted || len(inputs) != 2 {
		return nil
	}
	for i, v := range inputs {
		if v.Known() && v.Const.Len() == 1 && !inputs[1-i].Known() {
			return &constant[float32](v)[0]
		}
	}
	return nil
}

// affine joins x·a + b, of two numbers that are known, into one step that rounds once. first is always 0 where it applies.
func (c *composer) affine(n *graph.Node, first int) (int, bool) {
	k := c.number(n.Inputs, n.Op == "Add" || n.Op == "Sub" && n.Inputs[1].Known())
	if k == nil || first != 0 || len(c.plan.steps) == 0 {
		return 0, false
	}
	v := n.Inputs[0]
	if v.Known() {
		v = n.Inputs[1]
	}
	step := &c.plan.steps[len(c.plan.steps)-1]
	if step.scale == nil || c.ids[v] != step.result || c.uses[v] != 1 {
		return 0, false
	}
	alpha, beta := *step.scale, *k
	if n.Op == "Sub" {
		beta = -beta
	}
	f := c.plan.v.Param[vector.Affine]
	from := step.a
	if c.isNumber(from) {
		from = step.b
	}
	*step = fusedStep{result: step.result, a: from, b: from, loop: func(dst, x, _ []float32) { f(dst, x, alpha, beta) }}
	return step.result, true
}

// isNumber reports whether an id is that of a constant of one element.
func (c *composer) isNumber(id int) bool {
	return id >= 0 && len(c.plan.operands[id].constant) == 1
}

// clip bounds by what is known in one step, and by what is made in the run in two.
func (c *composer) clip(n *graph.Node, x int) int {
	low, high := limits[float32]()
	lo, hi := n.In(1), n.In(2)
	if (lo == nil || lo.Known()) && (hi == nil || hi.Known()) {
		if lo != nil {
			low = constant[float32](lo)[0]
		}
		if hi != nil {
			high = constant[float32](hi)[0]
		}
		return c.param(vector.Clip, x, low, high)
	}
	if lo != nil {
		x = c.pair("Max", x, c.id(lo))
	}
	if hi != nil {
		x = c.pair("Min", x, c.id(hi))
	}
	return x
}

// power raises to a known power.
func (c *composer) power(x int, e float64) int {
	switch e {
	case 0:
		return c.unary(func(dst, _ []float32) { fill(dst, 1) }, x)
	case 1:
		return c.unary(func(dst, x []float32) { copy(dst, x) }, x)
	case 2:
		return c.pair("Mul", x, x)
	case 3:
		return c.pair("Mul", c.pair("Mul", x, x), x)
	case 4:
		square := c.pair("Mul", x, x)
		return c.pair("Mul", square, square)
	case 0.5:
		return c.op(vector.Sqrt, x)
	case -0.5:
		return c.op(vector.Reciprocal, c.op(vector.Sqrt, x))
	case -1:
		return c.op(vector.Reciprocal, x)
	}
	raise := powerOf[float32, float64]()
	return c.unary(eachElement(func(x float32) float32 { return raise(x, e) }), x)
}
