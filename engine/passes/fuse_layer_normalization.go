package passes

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// fuseLayerNormalization joins the spelling of PyTorch's exporter, over the last axes:
//
//	d = x - ReduceMean(x);  d / Sqrt(ReduceMean(d²) + epsilon)  →  LayerNormalization(x, 1)
//	… · scale                                                   →  LayerNormalization(x, scale)
//	… + shift                                                   →  LayerNormalization(x, scale, shift)
var fuseLayerNormalization = rewriting("fuse layer normalization", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("", "Div") {
		return
	}
	root := e.maker(n.Inputs[1])
	if root == nil || !root.Is("", "Sqrt") {
		return
	}
	m := momentsOf(e, root, n.Inputs[0], n)
	if m == nil {
		return
	}
	last, nodes := n, append(m.nodes, root)
	shape := m.x.Shape[m.axis:]
	ones := make([]float32, shape.Elements())
	for i := range ones {
		ones[i] = 1
	}
	inputs := []*graph.Value{m.x, constantOf(n.Name+".scale", shape.Clone(), ones)}
	if scale, next := parameter(e, last, "Mul", shape); next != nil {
		inputs[1] = scale
		nodes, last = append(nodes, last), next
		if shift, next := parameter(e, last, "Add", shape); next != nil {
			inputs = append(inputs, shift)
			nodes, last = append(nodes, last), next
		}
	}
	attributes := map[string]models.Attribute{"axis": intAttribute(m.axis - len(m.x.Shape)), "epsilon": floatAttribute(m.epsilon)}
	e.become(last, "", "LayerNormalization", inputs, attributes, nodes...)
})

// moments is what a normalisation is made of: x, the first of the axes it is taken over, and the nodes that compute x - mean and the variance.
type moments struct {
	x       *graph.Value
	axis    int
	epsilon float32
	nodes   []*graph.Node
}

// momentsOf reads root, a Sqrt or what stands for it, as the deviation of the x of which difference is the distance from the mean. The difference is
// read by the square and by user alone.
func momentsOf(e *editor, root *graph.Node, difference *graph.Value, user *graph.Node) *moments {
	plus := e.maker(root.Inputs[0])
	if plus == nil || !plus.Is("", "Add") {
		return nil
	}
	m := &moments{}
	var variance *graph.Node
	for i, v := range plus.Inputs {
		if c, ok := number(plus.Inputs[1-i]); ok {
			m.epsilon, variance = float32(c), e.maker(v)
		}
	}
	if variance == nil || !variance.Is("", "ReduceMean") {
		return nil
	}
	square := e.maker(variance.Inputs[0])
	if square == nil || !squares(square, difference) {
		return nil
	}
	minus := difference.Producer
	if minus == nil || !minus.Is("", "Sub") || e.outputs[difference] || !onlyReadBy(e, difference, square, user) {
		return nil
	}
	m.x = minus.Inputs[0]
	mean := e.maker(minus.Inputs[1])
	if mean == nil || !mean.Is("", "ReduceMean") || mean.Inputs[0] != m.x || m.x.Shape == nil || m.x.DType != tensor.Float32 {
		return nil
	}
	var ok, same bool
	m.axis, ok = lastAxes(mean, len(m.x.Shape))
	again, same := lastAxes(variance, len(m.x.Shape))
	if !ok || !same || again != m.axis || !m.x.Shape[m.axis:].Static() {
		return nil
	}
	m.nodes = []*graph.Node{mean, minus, square, variance, plus}
	return m
}

// onlyReadBy reports whether the given nodes are all that read v.
func onlyReadBy(e *editor, v *graph.Value, nodes ...*graph.Node) bool {
	for _, r := range e.readers[v] {
		found := false
		for _, n := range nodes {
			found = found || n == r
		}
		if !found {
			return false
		}
	}
	return true
}

// lastAxes is the first axis of a reduction that keeps its dimensions and runs over all axes from there on.
func lastAxes(n *graph.Node, rank int) (first int, ok bool) {
	if n.Int("keepdims", 1) != 1 || !n.In(1).Known() || n.Inputs[1].DType != tensor.Int64 {
		return 0, false
	}
	seen := make([]bool, rank)
	first = rank
	axes := tensor.Data[int64](tensor.Aligned(*n.Inputs[1].Const))
	for _, a := range axes {
		at := (int(a) + rank) % rank
		first = min(first, at)
		seen[at] = true
	}
	for _, s := range seen[first:] {
		if !s {
			return 0, false
		}
	}
	return first, len(axes) > 0
}

// parameter is the constant, of no more than the given shape, that the only reader of n's output multiplies it by or adds to it.
func parameter(e *editor, n *graph.Node, op string, shape tensor.Shape) (*graph.Value, *graph.Node) {
	next := e.reader(n.Outputs[0])
	if next == nil || !next.Is("", op) {
		return nil, nil
	}
	c := other(next, n.Outputs[0])
	if !c.Known() || !c.Shape.Equal(shape) || c.DType != tensor.Float32 {
		return nil, nil
	}
	return c, next
}
