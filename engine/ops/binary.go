package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/vector"
)

// arithmetic is an operator over two numbers of one type, with broadcasting: Add, Sub, Mul, Div, PRelu, Mod, BitwiseAnd and their like.
func arithmetic(allowed types) Op {
	return variadic(allowed, 2, 2)
}

// variadic is an operator that folds any number of operands from the left, with broadcasting: Max, Min, Sum and Mean.
func variadic(allowed types, atLeast, atMost int) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, atLeast, atMost); err != nil {
				return err
			}
			every := make([]int, len(n.Inputs))
			for i := range every {
				every[i] = i
			}
			if err := sameTypes(n, allowed, every...); err != nil {
				return err
			}
			if n.Op == "Mod" && floats.has(n.Inputs[0].DType) && n.Int("fmod", 0) == 0 {
				return fmt.Errorf("of %s needs fmod=1", n.Inputs[0].DType)
			}
			return inferBroadcast(n, n.Inputs[0].DType)
		},
		Cost:    func(n *graph.Node) Cost { return costElementwise(float64(max(len(n.Inputs)-1, 1)))(n) },
		Prepare: halved(prepareFold),
	}
}

// prepareFold plans one walk for the first pair of operands and one for each that is folded in after it.
func prepareFold(n *graph.Node, t *Target) (Kernel, error) {
	out := n.Outputs[0].Shape
	walks := make([]*broadcast, max(len(n.Inputs)-1, 1))
	for i := range walks {
		first, second := out, n.Inputs[min(i+1, len(n.Inputs)-1)].Shape
		if i == 0 {
			first = n.Inputs[0].Shape
		}
		var err error
		if walks[i], err = newBroadcast(out, first, second); err != nil {
			return Kernel{}, err
		}
	}
	return Kernel{Class: "elementwise", Bind: laneOf(n.Outputs[0].DType).fold(n, walks, t)}, nil
}

// pairs computes a row: dst[i] = f(a[i], b[i]), where a and b have len(dst) elements or one that stands for all.
type pairs[A, B, U any] func(dst []U, a []A, b []B)

// eachPair makes the loop over rows of a function of two elements.
func eachPair[A, B, U any](f func(a A, b B) U) pairs[A, B, U] {
	return func(dst []U, a []A, b []B) {
		switch {
		case len(a) == len(dst) && len(b) == len(dst):
			for i := range dst {
				dst[i] = f(a[i], b[i])
			}
		case len(a) == len(dst):
			for i := range dst {
				dst[i] = f(a[i], b[0])
			}
		case len(b) == len(dst):
			for i := range dst {
				dst[i] = f(a[0], b[i])
			}
		default:
			v := f(a[0], b[0])
			for i := range dst {
				dst[i] = v
			}
		}
	}
}

// overRows makes the work of one walk: rows from a and b to out.
func overRows[A, B, U any](c *Call, w *broadcast, f pairs[A, B, U], a, b, out *Slot) func() {
	wide, other := w.width(0), w.width(1)
	do := func(from, to int) {
		x, y, z := elements[A](&a.Tensor), elements[B](&b.Tensor), elements[U](&out.Tensor)
		at := w.seek(from)
		for r := from; r < to; r++ {
			f(z[r*w.row:(r+1)*w.row], x[at.at[0]:at.at[0]+wide], y[at.at[1]:at.at[1]+other])
			at.next()
		}
	}
	if w.rows == 0 {
		return func() {}
	}
	if w.rows > 1 {
		p := inPieces(c.Team, w.rows, w.row, do)
		return func() { p.run(c.Team) }
	}
	single := func(from, to int) {
		x, y, z := elements[A](&a.Tensor), elements[B](&b.Tensor), elements[U](&out.Tensor)
		if wide > 1 {
			x = x[from:to]
		}
		if other > 1 {
			y = y[from:to]
		}
		f(z[from:to], x, y)
	}
	p := inPieces(c.Team, w.row, 1, single)
	return func() { p.run(c.Team) }
}

// fold computes out = f(f(in₀, in₁), in₂)…; one operand is copied. Mean divides at the end.
func (lanes[T]) fold(n *graph.Node, walks []*broadcast, t *Target) binder {
	f := pairsOf[T](n, t)
	divides := integerDivision[T](n.Op)
	return func(c *Call) func() error {
		out := c.Out[0]
		if len(c.In) == 1 {
			return func() error { copyAll(&out.Tensor, &c.In[0].Tensor); return nil }
		}
		steps := []func(){overRows(c, walks[0], f, c.In[0], c.In[1], out)}
		for i, w := range walks[1:] {
			steps = append(steps, overRows(c, w, f, out, c.In[i+2], out))
		}
		return func() error {
			if divides && hasZero(elements[T](&c.In[1].Tensor)) {
				return fmt.Errorf("division of integers by zero")
			}
			for _, step := range steps {
				step()
			}
			if n.Op == "Mean" {
				count := T(len(c.In))
				for i, v := range elements[T](&out.Tensor) {
					elements[T](&out.Tensor)[i] = v / count
				}
			}
			return nil
		}
	}
}

// integerDivision reports whether an operator fails on a divisor of 0.
func integerDivision[T number](op string) bool {
	return !isReal[T]() && (op == "Div" || op == "Mod")
}

// isReal reports whether T has fractions.
func isReal[T number]() bool { return T(1)/T(2) != 0 }

func hasZero[T number](list []T) bool {
	for _, v := range list {
		if v == 0 {
			return true
		}
	}
	return false
}

// pairsOf is the loop of an operator: for float32 the vector kernels' where there is one.
func pairsOf[T number](n *graph.Node, t *Target) pairs[T, T, T] {
	if f := float32Pairs(n.Op, t); f != nil {
		if same, ok := any(f).(pairs[T, T, T]); ok {
			return same
		}
	}
	f := meaning2[T](n)
	if f == nil {
		panic(fmt.Sprintf("ops: %s has no meaning for this type", n.Op))
	}
	return eachPair(f)
}

// meaning2 is what an operator of two numbers does to them.
func meaning2[T number](n *graph.Node) func(a, b T) T {
	switch n.Op {
	case "Add", "Sum", "Mean":
		return func(a, b T) T { return a + b }
	case "Sub":
		return func(a, b T) T { return a - b }
	case "Mul":
		return func(a, b T) T { return a * b }
	case "Div":
		return func(a, b T) T { return a / b }
	case "Max":
		return func(a, b T) T { return max(a, b) }
	case "Min":
		return func(a, b T) T { return min(a, b) }
	case "PRelu":
		return func(x, slope T) T {
			if x < 0 {
				return slope * x
			}
			return x
		}
	}
	if f := integerMeaning(n, *new(T)); f != nil {
		return f.(func(a, b T) T)
	}
	if n.Op == "Mod" {
		return func(a, b T) T { return T(math.Mod(float64(a), float64(b))) }
	}
	return nil
}

// float32Pairs runs Add, Sub, Mul, Div, Max, Min and PRelu through the vector kernels. It is nil for other operators.
func float32Pairs(op string, t *Target) pairs[float32, float32, float32] {
	if op == "PRelu" {
		return slopes(vector.For(t.Features))
	}
	type entry struct {
		both, right, left int // left: the first operand is the constant
	}
	e, ok := map[string]entry{
		"Add":  {int(vector.Add), int(vector.AddScalar), int(vector.AddScalar)},
		"Sum":  {int(vector.Add), int(vector.AddScalar), int(vector.AddScalar)},
		"Mean": {int(vector.Add), int(vector.AddScalar), int(vector.AddScalar)},
		"Sub":  {int(vector.Sub), int(vector.SubScalar), int(vector.SubFromScalar)},
		"Mul":  {int(vector.Mul), int(vector.MulScalar), int(vector.MulScalar)},
		"Div":  {int(vector.Div), int(vector.DivScalar), int(vector.DivIntoScalar)},
		"Max":  {int(vector.Max), int(vector.MaxScalar), int(vector.MaxScalar)},
		"Min":  {int(vector.Min), int(vector.MinScalar), int(vector.MinScalar)},
	}[op]
	if !ok {
		return nil
	}
	v := vector.For(t.Features)
	both, right, left := v.Binary[e.both], v.Scalar[e.right], v.Scalar[e.left]
	return func(dst, a, b []float32) {
		switch {
		case len(a) == len(dst) && len(b) == len(dst):
			both(dst, a, b)
		case len(a) == len(dst):
			right(dst, a, b[0])
		case len(b) == len(dst):
			left(dst, b, a[0])
		default:
			both(dst[:1], a, b)
			move.Fill(dst, dst[0])
		}
	}
}

// slopes is PRelu: of one slope for all elements, or one for each.
func slopes(v *vector.Funcs) pairs[float32, float32, float32] {
	each, one := v.Binary[vector.PRelu], v.Param[vector.LeakyRelu]
	return func(dst, x, slope []float32) {
		switch {
		case len(x) == len(dst) && len(slope) == len(dst):
			each(dst, x, slope)
		case len(x) == len(dst):
			one(dst, x, slope[0], 0)
		default:
			v := x[0]
			for i := range dst {
				dst[i] = v
			}
			if v < 0 {
				for i := range dst {
					dst[i] = v * slope[i%len(slope)]
				}
			}
		}
	}
}

// integerMeaning is meaning2 for operators that only integers have; nil for any other operator or type.
func integerMeaning(n *graph.Node, zero any) any {
	switch zero.(type) {
	case int8:
		return bitwise[int8](n)
	case int16:
		return bitwise[int16](n)
	case int32:
		return bitwise[int32](n)
	case int64:
		return bitwise[int64](n)
	case uint8:
		return bitwise[uint8](n)
	case uint16:
		return bitwise[uint16](n)
	case uint32:
		return bitwise[uint32](n)
	case uint64:
		return bitwise[uint64](n)
	}
	return nil
}

// bitwise is a func(a, b T) T, or nil. Mod has the sign of the divisor, or with fmod that of the dividend.
func bitwise[T integer](n *graph.Node) any {
	switch {
	case n.Op == "BitwiseAnd", n.Op == "And":
		return func(a, b T) T { return a & b }
	case n.Op == "BitwiseOr", n.Op == "Or":
		return func(a, b T) T { return a | b }
	case n.Op == "BitwiseXor", n.Op == "Xor":
		return func(a, b T) T { return a ^ b }
	case n.Op == "BitShift" && n.Str("direction", "") == "LEFT":
		return func(a, b T) T { return a << b }
	case n.Op == "BitShift":
		return func(a, b T) T { return a >> b }
	case n.Op == "Mod" && n.Int("fmod", 0) != 0:
		return func(a, b T) T { return a % b }
	case n.Op == "Mod":
		return func(a, b T) T {
			r := a % b
			if r != 0 && (r < 0) != (b < 0) {
				r += b
			}
			return r
		}
	}
	return nil
}
