package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// reduce is ReduceSum and its like: the axes of the optional second input, or all, become one element.
func reduce(allowed types, flops float64) Op {
	return Op{
		Infer: func(n *graph.Node) error { return inferReduce(n, allowed) },
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			c.Kind = Reduction
			if n.Inputs[0].Static() {
				c.FLOPs = flops * float64(n.Inputs[0].Shape.Elements())
			}
			return c
		},
		Prepare: halved(func(n *graph.Node, t *Target) (Kernel, error) {
			plan := func(content func(int) *tensor.Tensor) (*reduction, error) {
				var axes []int
				if list := content(1); list != nil {
					var err error
					if axes, err = integersOf(list); err != nil {
						return nil, err
					}
				}
				return newReduction(n, axes)
			}
			return settled(n, "reduction", []int{1}, plan, laneOf(n.Inputs[0].DType).reduce(n, t))
		}),
	}
}

func inferReduce(n *graph.Node, allowed types) error {
	if err := arity(n, 1, 2); err != nil {
		return err
	}
	if err := takes(n, 0, allowed); err != nil {
		return err
	}
	if err := takes(n, 1, indices); err != nil {
		return err
	}
	x := n.Inputs[0]
	keep := n.Int("keepdims", 1) != 0
	if x.Shape == nil || n.In(1) != nil && !n.In(1).Known() {
		if x.Shape != nil && keep {
			yields(n, 0, x.DType, unknowns(len(x.Shape)))
			return nil
		}
		yields(n, 0, x.DType, nil)
		return nil
	}
	list, err := known(n, 1)
	if err != nil {
		return err
	}
	reduced, err := reducedAxes(n, list, len(x.Shape))
	if err != nil {
		return err
	}
	out := tensor.Shape{}
	for i, d := range x.Shape {
		switch {
		case !slices.Contains(reduced, i):
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	yields(n, 0, x.DType, out)
	return nil
}

// reducedAxes settles which axes go: those listed; without a list all, or with noop_with_empty_axes none.
func reducedAxes(n *graph.Node, list []int, rank int) ([]int, error) {
	if len(list) > 0 {
		return axesOf(list, rank)
	}
	if n.Int("noop_with_empty_axes", 0) != 0 {
		return nil, nil
	}
	all := make([]int, rank)
	for i := range all {
		all[i] = i
	}
	return all, nil
}

// reduction walks the kept axes of a tensor in the order of the output, and for each of their positions the reduced ones.
type reduction struct {
	kept, reduced broadcast // their only operand is the input
	count         int       // elements that become one
}

func newReduction(n *graph.Node, list []int) (*reduction, error) {
	shape := n.Inputs[0].Shape
	axes, err := reducedAxes(n, list, len(shape))
	if err != nil {
		return nil, err
	}
	p := &reduction{count: 1}
	strides := [][]int{shape.Strides()}
	for i, d := range shape {
		if slices.Contains(axes, i) {
			p.count *= d
			p.reduced.pushIfWide(d, i, strides)
		} else {
			p.kept.pushIfWide(d, i, strides)
		}
	}
	if err := p.kept.finish(); err != nil {
		return nil, err
	}
	return p, p.reduced.finish()
}

// inner is the distance of neighbours along a walk's row.
func (w *broadcast) inner() int { return w.stride[0][len(w.dims)-1] }

func (w *broadcast) pushIfWide(d, i int, strides [][]int) {
	if d != 1 {
		w.push(d, i, strides)
	}
}

// finish sets a walk's rows.
func (w *broadcast) finish() error {
	if len(w.dims) == 0 {
		w.dims, w.stride[0] = []int{1}, []int{0}
	}
	if len(w.dims) > maxAxes {
		return fmt.Errorf("%d separate axes; at most %d are supported", len(w.dims), maxAxes)
	}
	w.row = w.dims[len(w.dims)-1]
	w.rows = tensor.Shape(w.dims[:len(w.dims)-1]).Elements()
	return nil
}

func (lanes[T]) reduce(n *graph.Node, t *Target) func(c *Call, p *reduction) func() error {
	return func(c *Call, p *reduction) func() error {
		var do func(from, to int)
		if is[T, float32]() {
			if fast := float32Reduce(c, n.Op, p, t); fast != nil {
				return fast
			}
		}
		if isReal[T]() || slices.Contains([]string{"ReduceL2", "ReduceLogSum", "ReduceLogSumExp"}, n.Op) {
			do = reduceIn[T](c, p, reductionMeaning[float64](n.Op, p.count), n.Op == "ReduceLogSumExp")
		} else {
			m := reductionMeaning[T](n.Op, p.count)
			if n.Inputs[0].DType == tensor.Bool {
				m.from = min(m.from, 1) // the least of no bools is true
			}
			do = reduceIn[T](c, p, m, false)
		}
		work := inPieces(c.Team, p.kept.rows, p.kept.row*p.count, do)
		return func() error { work.run(c.Team); return nil }
	}
}

// is reports whether T and U are the same type.
func is[T, U any]() bool {
	_, same := any(*new(T)).(U)
	return same
}

// accumulation is a reduction's meaning: begin with from, take in each element by step, and end.
type accumulation[A number] struct {
	from A
	step func(sum, x A) A
	end  func(sum A) A
}

// reduceIn makes the general loop, which adds up in A; rows of the kept walk are its units. shift takes out the largest element before and puts it back
// at the end, for the logarithm of a sum of exponentials.
func reduceIn[T, A number](c *Call, p *reduction, m accumulation[A], shift bool) func(from, to int) {
	largest := reductionMeaning[A]("ReduceMax", p.count)
	return func(from, to int) {
		x, out := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
		kept := p.kept.seek(from)
		for r := from; r < to; r++ {
			for i := range p.kept.row {
				base := kept.at[0] + i*p.kept.inner()
				var top A
				if shift {
					top = overReduced(x, base, p, largest, 0)
					if math.IsInf(float64(top), 0) {
						top = 0
					}
				}
				out[r*p.kept.row+i] = T(m.end(overReduced(x, base, p, m, top)) + top)
			}
			kept.next()
		}
	}
}

// overReduced accumulates the elements of one position.
func overReduced[T, A number](x []T, base int, p *reduction, m accumulation[A], top A) A {
	sum := m.from
	w := &p.reduced
	at := w.seek(0)
	for range w.rows {
		offset := base + at.at[0]
		for range w.row {
			sum = m.step(sum, A(x[offset])-top)
			offset += w.inner()
		}
		at.next()
	}
	return sum
}

// reductionMeaning says what an operator does with count elements.
func reductionMeaning[A number](op string, count int) accumulation[A] {
	same := func(sum A) A { return sum }
	low, high := limits[A]()
	add := func(sum, x A) A { return sum + x }
	switch op {
	case "ReduceSum":
		return accumulation[A]{0, add, same}
	case "ReduceMean":
		return accumulation[A]{0, add, func(sum A) A {
			if !isReal[A]() && count == 0 {
				return 0
			}
			return sum / A(count)
		}}
	case "ReduceMax":
		return accumulation[A]{low, func(sum, x A) A { return max(sum, x) }, same}
	case "ReduceMin":
		return accumulation[A]{high, func(sum, x A) A { return min(sum, x) }, same}
	case "ReduceProd":
		return accumulation[A]{1, func(sum, x A) A { return sum * x }, same}
	case "ReduceL1":
		return accumulation[A]{0, func(sum, x A) A { return sum + x*sign(x) }, same}
	case "ReduceSumSquare":
		return accumulation[A]{0, func(sum, x A) A { return sum + x*x }, same}
	case "ReduceL2":
		return accumulation[A]{0, func(sum, x A) A { return sum + x*x }, func(sum A) A { return A(math.Sqrt(float64(sum))) }}
	case "ReduceLogSum":
		return accumulation[A]{0, add, func(sum A) A { return A(math.Log(float64(sum))) }}
	case "ReduceLogSumExp":
		return accumulation[A]{0, func(sum, x A) A { return sum + A(math.Exp(float64(x))) }, func(sum A) A { return A(math.Log(float64(sum))) }}
	}
	panic(fmt.Sprintf("ops: %s is no reduction", op))
}
