package passes

import (
	"maps"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// nameProducts gives products with constant weights the names under which later passes find them, whatever ONNX calls them:
//
//	Conv(x, w, b)                    →  eiplan/Conv(x, w, b)
//	ConvTranspose(x, w, b)           →  eiplan/ConvTranspose(x, w, b)
//	MatMul(x, w)                     →  eiplan/MatMul(x, w)
//	Gemm(x, w, b), alpha = 1         →  eiplan/MatMul(x, w, beta·b), b a constant row or number
//	Gemm(x, w, r), alpha = beta = 1  →  eiplan/MatMul(x, w, ·, r), r of the product's shape and made during the run
var nameProducts = rewriting("name products", func(e *editor, n *graph.Node, _ Options) {
	if n.Domain != "" || len(n.Inputs) < 2 || n.In(0) == nil || n.Inputs[0].Known() || !n.In(1).Known() || n.Inputs[1].DType != tensor.Float32 {
		return
	}
	switch n.Op {
	case "Conv":
		if b := n.In(2); b != nil && !b.Known() || n.Inputs[0].Shape == nil || len(n.Inputs[0].Shape) > 5 || !n.Inputs[0].Static() {
			return
		}
	case "ConvTranspose":
		if !ops.CanTransposeConv(n) {
			return
		}
	case "MatMul":
		if x := n.Inputs[0]; !plainProduct(n) || len(x.Shape) < 2 {
			return
		}
	case "Gemm":
		if !plainProduct(n) || n.Int("transA", 0) != 0 || n.Float("alpha", 1) != 1 {
			return
		}
		inputs, ok := biased(n)
		if !ok {
			return
		}
		e.read(n, inputs)
		transposed := n.Int("transB", 0)
		n.Attributes = map[string]models.Attribute{"transB": intAttribute(transposed)}
		n.Op = "MatMul"
	default:
		return
	}
	n.Domain = "eiplan"
})

// biased are the inputs of the eiplan/MatMul that a Gemm is, where its C is one that such a product adds.
func biased(n *graph.Node) (inputs []*graph.Value, ok bool) {
	c, beta, columns := n.In(2), n.Float("beta", 1), n.Outputs[0].Shape[1]
	switch {
	case c == nil || beta == 0:
		return n.Inputs[:2:2], true
	case !c.Known():
		return []*graph.Value{n.Inputs[0], n.Inputs[1], nil, c}, beta == 1 && c.Static() && c.Shape.Equal(n.Outputs[0].Shape)
	case beta == 1 && c.Shape.Equal(tensor.Shape{columns}):
		return n.Inputs, true
	}
	count := c.Shape.Elements()
	if count != 1 && (count != columns || c.Shape[len(c.Shape)-1] != columns) {
		return nil, false
	}
	row := make([]float32, columns)
	for i, from := 0, floats(c); i < columns; i++ {
		row[i] = beta * from[i%count]
	}
	return []*graph.Value{n.Inputs[0], n.Inputs[1], constantOf(c.Name, tensor.Shape{columns}, row)}, true
}

// plainProduct reports whether a product's shapes are settled: x of any rank by a matrix, nothing of it empty.
func plainProduct(n *graph.Node) bool {
	return n.Inputs[0].Static() && len(n.Inputs[1].Shape) == 2 && n.Outputs[0].Static() && n.Outputs[0].Shape.Elements() > 0 && n.Inputs[0].Shape.Elements() > 0
}

// isProduct reports whether n is one that nameProducts has named.
func isProduct(n *graph.Node) bool {
	return n.Is("eiplan", "Conv") || n.Is("eiplan", "ConvTranspose") || n.Is("eiplan", "MatMul")
}

// fuseBias takes a constant row that is added to a product into it:
//
//	eiplan/MatMul(x, w) + b  →  eiplan/MatMul(x, w, b)
var fuseBias = rewriting("fuse bias", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("", "Add") || len(n.Inputs) != 2 {
		return
	}
	for i, v := range n.Inputs {
		p, b := e.maker(v), n.Inputs[1-i]
		if p == nil || !p.Is("eiplan", "MatMul") || p.In(2) != nil || !b.Known() || b.DType != tensor.Float32 {
			continue
		}
		columns := v.Shape[len(v.Shape)-1]
		if b.Shape.Elements() != columns || len(b.Shape) > len(v.Shape) || b.Shape[len(b.Shape)-1] != columns {
			continue
		}
		row := *b.Const
		row.Shape = tensor.Shape{columns}
		bias := &graph.Value{Name: b.Name, DType: b.DType, Shape: tensor.Shape{columns}, Const: &row}
		e.become(n, "eiplan", "MatMul", []*graph.Value{p.Inputs[0], p.Inputs[1], bias}, p.Attributes, p)
		return
	}
})

// fuseResidual takes what is added to a product into it, as its residual:
//
//	eiplan/Conv(x, w, b) + r    →  eiplan/Conv(x, w, b, r)
//	eiplan/MatMul(x, w, b) + r  →  eiplan/MatMul(x, w, b, r)
//
// r has the product's shape and is made during the run.
var fuseResidual = rewriting("fuse residual", func(e *editor, n *graph.Node, _ Options) {
	if !n.Is("", "Add") || len(n.Inputs) != 2 || n.Inputs[0] == n.Inputs[1] {
		return
	}
	for i, v := range n.Inputs {
		p, r := e.maker(v), n.Inputs[1-i]
		if p == nil || !isProduct(p) || p.Op == "ConvTranspose" || p.In(3) != nil || clamps(p) || r.Known() || !r.Static() || !r.Shape.Equal(v.Shape) || r.DType != v.DType {
			continue
		}
		e.become(n, "eiplan", p.Op, []*graph.Value{p.Inputs[0], p.Inputs[1], p.In(2), r}, p.Attributes, p)
		return
	}
})

// clamps reports whether a product clamps its results.
func clamps(n *graph.Node) bool {
	_, lo := n.Attributes["lo"]
	_, hi := n.Attributes["hi"]
	return lo || hi
}

// fuseClamp takes what bounds a product's results into it:
//
//	eiplan/Conv(…) → Relu or Clip    →  eiplan/Conv(…, lo, hi), and so ConvTranspose
//	eiplan/MatMul(…) → Relu or Clip  →  eiplan/MatMul(…, lo, hi)
var fuseClamp = rewriting("fuse clamp", func(e *editor, n *graph.Node, _ Options) {
	if n.Domain != "" || len(n.Inputs) == 0 {
		return
	}
	p := e.maker(n.Inputs[0])
	if p == nil || !isProduct(p) || clamps(p) {
		return
	}
	if attributes, ok := clampedBy(n, p.Attributes); ok {
		e.become(n, "eiplan", p.Op, p.Inputs, attributes, p)
	}
})

// fuseNormalizedClamp takes what bounds the normalised channels of an image into their normalisation:
//
//	BatchNormalization(…) → Relu or Clip  →  eiplan/BatchNormalization(…, lo, hi)
//
// It follows the choice of layouts. In mixed programs the bound is left to write what the next product wants.
var fuseNormalizedClamp = rewriting("fuse normalised clamp", func(e *editor, n *graph.Node, o Options) {
	if n.Domain != "" || len(n.Inputs) == 0 || n.Outputs[0] == nil || !n.Outputs[0].Layout.Channels || o.Precision == graph.Mixed {
		return
	}
	b := e.maker(n.Inputs[0])
	if b == nil || !b.Is("", "BatchNormalization") || !ownLayout(b) {
		return
	}
	if attributes, ok := clampedBy(n, b.Attributes); ok {
		e.become(n, "eiplan", b.Op, b.Inputs, attributes, b)
	}
})

// clampedBy adds the bounds of n, a Relu or a Clip by numbers, to attributes; it reports whether n is one.
func clampedBy(n *graph.Node, attributes map[string]models.Attribute) (map[string]models.Attribute, bool) {
	switch n.Op {
	case "Relu":
		return withAttribute(attributes, "lo", floatAttribute(0)), true
	case "Clip":
		attributes = maps.Clone(attributes)
		for i, name := range []string{"lo", "hi"} {
			v := n.In(1 + i)
			if v == nil {
				continue
			}
			x, ok := number(v)
			if !ok {
				return nil, false
			}
			attributes = withAttribute(attributes, name, floatAttribute(float32(x)))
		}
		return attributes, true
	}
	return nil, false
}
