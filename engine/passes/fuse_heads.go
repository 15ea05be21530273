package passes

import (
	"maps"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// unflattenSoftmax takes a softmax along the last axis out of the shapes that older models put around it:
//
//	Reshape(Softmax(Flatten(x)), shape of x)  →  Softmax(x)
var unflattenSoftmax = rewriting("unflatten softmax", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("", "Reshape") {
		return
	}
	softmax := e.maker(n.Inputs[0])
	if softmax == nil || !softmax.Is("", "Softmax") || !lastAxis(softmax) {
		return
	}
	flat := e.maker(softmax.Inputs[0])
	if flat == nil || !flat.Is("", "Flatten") && !flat.Is("", "Reshape") {
		return
	}
	x, y := flat.Inputs[0], n.Outputs[0]
	rows := softmax.Outputs[0]
	if !x.Static() || !y.Static() || !x.Shape.Equal(y.Shape) || !rows.Static() || len(x.Shape) == 0 || rows.Shape[len(rows.Shape)-1] != x.Shape[len(x.Shape)-1] {
		return
	}
	e.become(n, "", "Softmax", []*graph.Value{x}, map[string]models.Attribute{"axis": intAttribute(-1)}, flat, softmax)
})

// lastAxis reports whether a softmax runs along the last axis.
func lastAxis(n *graph.Node) bool {
	axis := n.Int("axis", -1)
	return axis == -1 || n.Inputs[0].Shape != nil && axis == len(n.Inputs[0].Shape)-1
}

// fuseHeads joins the two products of attention and the softmax between them, so that no scores are stored:
//
//	Product(Softmax(Product(q, kᵀ), mask), v)  →  eiplan/Attend(q, k, v, mask)
//
// where a Product is a MatMul or an eiplan/BatchMatMul, and a Softmax that of ONNX or an eiplan/Softmax.
var fuseHeads = rewriting("fuse heads", func(e *editor, n *graph.Node, _ Options) {
	if !isRunProduct(n) || n.Ints("permA") != nil {
		return
	}
	softmax := e.maker(n.Inputs[0])
	if softmax == nil || !softmax.Is("eiplan", "Softmax") && !(softmax.Is("", "Softmax") && lastAxis(softmax)) {
		return
	}
	scores := e.maker(softmax.Inputs[0])
	if scores == nil || !isRunProduct(scores) || scores.Ints("permC") != nil {
		return
	}
	q, k, v := scores.Inputs[0], scores.Inputs[1], n.Inputs[1]
	if len(q.Shape) != 4 || len(k.Shape) != 4 || len(v.Shape) != 4 {
		return
	}
	attributes := map[string]models.Attribute{"scale": floatAttribute(1)}
	if s, ok := softmax.Attributes["scale"]; ok {
		attributes["scale"] = s
	}
	permK := slices.Clone(scores.Ints("permB"))
	if permK == nil {
		permK = []int{0, 1, 2, 3}
	}
	permK[2], permK[3] = permK[3], permK[2]
	for name, perm := range map[string][]int{"permQ": scores.Ints("permA"), "permK": permK, "permV": n.Ints("permB"), "permY": n.Ints("permC")} {
		if perm != nil {
			attributes[name] = intsAttribute(perm)
		}
	}
	inputs := []*graph.Value{q, k, v}
	if m := softmax.In(1); softmax.Domain != "" && m != nil {
		inputs = append(inputs, m)
	}
	if !ops.CanAttend(&graph.Node{Inputs: inputs, Attributes: attributes}) {
		return
	}
	e.become(n, "eiplan", "Attend", inputs, attributes, scores, softmax)
})

// isRunProduct reports whether n multiplies float32 matrices that are made during the run.
func isRunProduct(n *graph.Node) bool {
	if !n.Is("", "MatMul") && !n.Is("eiplan", "BatchMatMul") {
		return false
	}
	a, b := n.Inputs[0], n.Inputs[1]
	return a.DType == tensor.Float32 && a.Static() && b.Static() && !a.Known() && !b.Known()
}

// mergeProjections makes one product of those that project a value to the queries, keys and values of an attention:
//
//	Attend(Reshape(MatMul(x, wq)), Reshape(MatMul(x, wk)), Reshape(MatMul(x, wv)))  →  r = Reshape(MatMul(x, wq|wk|wv)); Attend(r, r, r)
var mergeProjections = rewriting("merge projections", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("eiplan", "Attend") {
		return
	}
	var products, shapes [3]*graph.Node
	heads, first := 0, [3]int{}
	for i := range products {
		r := e.maker(n.Inputs[i])
		if r == nil || !r.Is("", "Reshape") && !r.Is("", "Unsqueeze") || !slices.Equal(n.Ints(permNames[i]), []int{0, 2, 1, 3}) {
			return
		}
		p := e.maker(r.Inputs[0])
		if p == nil || !p.Is("eiplan", "MatMul") || p.In(3) != nil || clamps(p) || !splitsColumns(r) {
			return
		}
		shapes[i], products[i] = r, p
		first[i] = heads
		heads += n.Inputs[i].Shape[2]
	}
	p, size := products[0], n.Inputs[0].Shape[3]
	for i, other := range products {
		if other.Inputs[0] != p.Inputs[0] || (other.In(2) == nil) != (p.In(2) == nil) || other.Int("transB", 0) != p.Int("transB", 0) || n.Inputs[i].Shape[3] != size {
			return
		}
	}
	x := p.Inputs[0]
	weights := joinedWeights(products)
	inputs := []*graph.Value{x, weights}
	if p.In(2) != nil {
		var bias []float32
		for _, p := range products {
			bias = append(bias, floats(p.Inputs[2])...)
		}
		inputs = append(inputs, constantOf(weights.Name+".bias", tensor.Shape{len(bias)}, bias))
	}
	last, whole := lastOf(e.g, products[:]), lastOf(e.g, shapes[:])
	columns := products[0].Outputs[0].Shape.Clone()
	columns[len(columns)-1] = heads * size
	split := n.Inputs[0].Shape.Clone()
	split[2] = heads
	e.become(last, "eiplan", "MatMul", inputs, p.Attributes, products[:]...)
	last.Outputs = []*graph.Value{{Name: last.Outputs[0].Name + ".joined", DType: tensor.Float32, Shape: columns, Producer: last}}
	dims := tensor.New(tensor.Int64, tensor.Shape{len(split)})
	for i, d := range split {
		tensor.Data[int64](dims)[i] = int64(d)
	}
	shape := &graph.Value{Name: whole.Name + ".shape", DType: dims.DType, Shape: dims.Shape.Clone(), Const: &dims}
	e.become(whole, "", "Reshape", []*graph.Value{last.Outputs[0], shape}, nil, shapes[:]...)
	whole.Outputs = []*graph.Value{{Name: whole.Outputs[0].Name + ".joined", DType: tensor.Float32, Shape: split, Producer: whole}}
	attributes := maps.Clone(n.Attributes)
	attributes["heads"] = intAttribute(first[1])
	for i, name := range firstNames {
		attributes[name] = intAttribute(first[i])
	}
	n.Attributes = attributes
	r := whole.Outputs[0]
	e.read(n, append([]*graph.Value{r, r, r}, n.Inputs[3:]...))
})

// The attributes of an Attend.
var (
	permNames  = [...]string{"permQ", "permK", "permV"}
	firstNames = [...]string{"firstQ", "firstK", "firstV"}
)

// splitsColumns reports whether a Reshape cuts each row of batch×positions×columns into heads.
func splitsColumns(n *graph.Node) bool {
	x, y := n.Inputs[0].Shape, n.Outputs[0].Shape
	return len(y) == 4 && len(x) >= 2 && x[len(x)-1] == y[2]*y[3] && x.Elements() == y.Elements()
}

// lastOf is the last of some nodes of a graph.
func lastOf(g *graph.Graph, nodes []*graph.Node) (last *graph.Node) {
	for _, n := range g.Nodes {
		if slices.Contains(nodes, n) {
			last = n
		}
	}
	return last
}

// joinedWeights puts the constant operands of products of one depth side by side.
func joinedWeights(products [3]*graph.Node) *graph.Value {
	first := products[0].Inputs[1]
	name := first.Name + ".joined"
	if products[0].Int("transB", 0) != 0 {
		rows := slices.Concat(floats(products[0].Inputs[1]), floats(products[1].Inputs[1]), floats(products[2].Inputs[1]))
		return constantOf(name, tensor.Shape{len(rows) / first.Shape[1], first.Shape[1]}, rows)
	}
	depth, columns := first.Shape[0], 0
	for _, p := range products {
		columns += p.Inputs[1].Shape[1]
	}
	rows := make([]float32, depth*columns)
	parallel.Ranges(depth, max(weightsAtOnce/columns, 1), func(first, last int) {
		to := rows[first*columns:]
		for k := first; k < last; k++ {
			for _, p := range products {
				n := p.Inputs[1].Shape[1]
				to = to[copy(to, floats(p.Inputs[1])[k*n:][:n]):]
			}
		}
	})
	return constantOf(name, tensor.Shape{depth, columns}, rows)
}
