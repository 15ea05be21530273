package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
)

// broadcastShapes is the shape that NumPy's rules give operands of the given shapes: aligned at the last dimension, a dimension of 1 repeats.
// It is nil where a rank is unknown; an Unknown dimension is taken to fit a known one above 1.
func broadcastShapes(shapes ...tensor.Shape) (tensor.Shape, error) {
	rank := 0
	for _, s := range shapes {
		if s == nil {
			return nil, nil
		}
		rank = max(rank, len(s))
	}
	out := make(tensor.Shape, rank)
	for i := range out {
		out[i] = 1
	}
	for k, s := range shapes {
		for i, d := range s {
			o := &out[rank-len(s)+i]
			switch {
			case *o == d || d == 1:
			case *o == 1, *o == tensor.Unknown:
				*o = d
			case d != tensor.Unknown:
				return nil, fmt.Errorf("shapes %s and %s do not broadcast", join(shapes[:k]), s)
			}
		}
	}
	return out, nil
}

// join lists shapes for an error.
func join(shapes []tensor.Shape) string {
	text := shapes[0].String()
	for _, s := range shapes[1:] {
		text += ", " + s.String()
	}
	return text
}

// inferBroadcast sets the first output to the broadcast shape of all inputs.
func inferBroadcast(n *graph.Node, d tensor.DType) error {
	shapes := make([]tensor.Shape, 0, len(n.Inputs))
	for _, v := range n.Inputs {
		if v != nil {
			shapes = append(shapes, v.Shape)
		}
	}
	out, err := broadcastShapes(shapes...)
	if err != nil {
		return err
	}
	yields(n, 0, d, out)
	return nil
}

// costElementwise counts so many operations for each element of the first output.
func costElementwise(perElement float64) func(n *graph.Node) Cost {
	return func(n *graph.Node) Cost {
		c := moved(n)
		c.Kind = Elementwise
		if out := n.Outputs[0]; out != nil && out.Static() {
			c.FLOPs = perElement * float64(out.Shape.Elements())
		}
		return c
	}
}

const (
	maxOperands = 3
	maxAxes     = 12 // after merging; ONNX sets no bound, real models stay below 8
)

// broadcast walks the rows of a dense output and, in step with them, up to three dense operands that repeat along some axes. Axes that all operands
// walk as one are merged; the last one is the row. Along a row an operand either has an element for each of the output's, or one for all.
type broadcast struct {
	dims   []int
	stride [maxOperands][]int // by operand and axis, in elements; 0 where it repeats
	rows   int                // the product of all dims but the last; 0 where the output is empty
	row    int                // the last of dims
}

// newBroadcast plans the walk of operands over an output's shape, which each of them broadcasts to. All shapes are static.
func newBroadcast(out tensor.Shape, operands ...tensor.Shape) (*broadcast, error) {
	w := &broadcast{}
	strides := make([][]int, len(operands))
	for k, s := range operands {
		strides[k] = make([]int, len(out))
		own, skip := s.Strides(), len(out)-len(s)
		for i, d := range s {
			if d != 1 {
				strides[k][skip+i] = own[i]
			}
		}
	}
	for i, d := range out {
		if d != 1 {
			w.push(d, i, strides)
		}
	}
	if len(w.dims) == 0 {
		w.dims = []int{1}
		for k := range operands {
			w.stride[k] = []int{0}
		}
	}
	if len(w.dims) > maxAxes {
		return nil, fmt.Errorf("shapes %s broadcast along %d axes; at most %d are supported", join(operands), len(w.dims), maxAxes)
	}
	w.row = w.dims[len(w.dims)-1]
	if w.row > 0 {
		w.rows = tensor.Shape(w.dims[:len(w.dims)-1]).Elements()
	}
	return w, nil
}

// push adds axis i of the output, or merges it into the axis before.
func (w *broadcast) push(d, i int, strides [][]int) {
	if last := len(w.dims) - 1; last >= 0 {
		merge := true
		for k := range strides {
			merge = merge && w.stride[k][last] == strides[k][i]*d
		}
		if merge {
			w.dims[last] *= d
			for k := range strides {
				w.stride[k][last] = strides[k][i]
			}
			return
		}
	}
	w.dims = append(w.dims, d)
	for k := range strides {
		w.stride[k] = append(w.stride[k], strides[k][i])
	}
}

// cursor is a place in a walk: the first element of a row in each operand.
type cursor struct {
	w     *broadcast
	index [maxAxes]int
	at    [maxOperands]int
}

// seek starts a walk at a row.
func (w *broadcast) seek(row int) cursor {
	c := cursor{w: w}
	for i := len(w.dims) - 2; i >= 0 && row > 0; i-- {
		c.index[i] = row % w.dims[i]
		row /= w.dims[i]
		for k := range c.at {
			if w.stride[k] != nil {
				c.at[k] += c.index[i] * w.stride[k][i]
			}
		}
	}
	return c
}

// next moves on by one row.
func (c *cursor) next() {
	for i := len(c.w.dims) - 2; i >= 0; i-- {
		c.index[i]++
		wrap := c.index[i] == c.w.dims[i]
		for k := range c.at {
			s := c.w.stride[k]
			if s == nil {
				break
			}
			c.at[k] += s[i]
			if wrap {
				c.at[k] -= s[i] * c.w.dims[i]
			}
		}
		if !wrap {
			return
		}
		c.index[i] = 0
	}
}

// width is how many elements an operand has along a row: the row's, or one.
func (w *broadcast) width(operand int) int {
	if w.stride[operand][len(w.dims)-1] == 0 {
		return min(1, w.row)
	}
	return w.row
}

// pieces is work on [0, n) in parts that may run at once.
type pieces struct {
	n, parts int
	do       func(from, to int)
}

// worthwhile is the least number of elements that pays for waking a helper: some tens of microseconds of simple arithmetic.
const worthwhile = 1 << 15

// inPieces cuts [0, n) for a team, where each unit handles so many elements. Made in Bind, run many times.
func inPieces(team *parallel.Team, n, elementsEach int, do func(from, to int)) *pieces {
	parts := 1
	if total := n * max(elementsEach, 1); team.Size() > 1 && total >= 2*worthwhile {
		parts = min(n, 4*team.Size(), total/worthwhile)
	}
	return &pieces{n: n, parts: max(parts, 1), do: do}
}

// Do computes part i.
func (p *pieces) Do(_, i int) { p.do(p.n*i/p.parts, p.n*(i+1)/p.parts) }

// run does all parts.
func (p *pieces) run(team *parallel.Team) {
	if p.parts == 1 {
		p.do(0, p.n)
		return
	}
	team.Run(p.parts, p)
}
