package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// matMul is ONNX MatMul: numpy's, with broadcast leading dimensions.
func matMul() Op { return Op{Infer: inferMatMul, Cost: costMatMul, Prepare: prepareMatMul} }

// inferMatMul drops from the product's shape the dimension that a vector was given.
func inferMatMul(n *graph.Node) error {
	if err := arity(n, 2, 2); err != nil {
		return err
	}
	if err := sameTypes(n, numbers, 0, 1); err != nil {
		return err
	}
	n.Outputs[0].DType = n.In(0).DType
	a, b := n.In(0).Shape, n.In(1).Shape
	if a == nil || b == nil {
		return nil
	}
	p, err := productOf(a, b)
	if err != nil {
		return err
	}
	n.Outputs[0].Shape = p.out
	return nil
}

// product is the shape of a matrix product: batch times M×K by K×N.
type product struct {
	m, k, n int
	batch   tensor.Shape // broadcast leading dimensions
	a, b    tensor.Shape // the operands' own leading dimensions
	out     tensor.Shape
}

// productOf works out a product; dimensions may be unknown.
func productOf(a, b tensor.Shape) (product, error) {
	var p product
	if len(a) == 0 || len(b) == 0 {
		return p, fmt.Errorf("a scalar operand")
	}
	whole := fmt.Errorf("%s times %s", a, b)
	left, right := len(a) == 1, len(b) == 1
	if left {
		a = tensor.Shape{1, a[0]}
	}
	if right {
		b = tensor.Shape{b[0], 1}
	}
	p.m, p.k, p.n = a[len(a)-2], a[len(a)-1], b[len(b)-1]
	if kb := b[len(b)-2]; p.k != kb && p.k != tensor.Unknown && kb != tensor.Unknown {
		return p, whole
	}
	p.a, p.b = a[:len(a)-2], b[:len(b)-2]
	var ok bool
	if p.batch, ok = broadcastDims(p.a, p.b); !ok {
		return p, whole
	}
	p.out = p.batch.Clone()
	if !left {
		p.out = append(p.out, p.m)
	}
	if !right {
		p.out = append(p.out, p.n)
	}
	return p, nil
}

// broadcastDims joins leading dimensions as numpy does.
func broadcastDims(a, b tensor.Shape) (tensor.Shape, bool) {
	out := make(tensor.Shape, max(len(a), len(b)))
	for i := range out {
		x, y := 1, 1
		if j := i - len(out) + len(a); j >= 0 {
			x = a[j]
		}
		if j := i - len(out) + len(b); j >= 0 {
			y = b[j]
		}
		switch {
		case x == y || y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		case x == tensor.Unknown:
			out[i] = y
		case y == tensor.Unknown:
			out[i] = x
		default:
			return nil, false
		}
	}
	return out, true
}

// offsets lists, for each index into batch, the index of the matrix of an operand whose own leading dimensions are dims.
func (p *product) offsets(dims tensor.Shape) []int {
	list := []int{0}
	stride := dims.Elements()
	for i := range p.batch {
		d := 1
		if j := i - len(p.batch) + len(dims); j >= 0 {
			d = dims[j]
		}
		stride /= max(d, 1)
		next := make([]int, 0, len(list)*p.batch[i])
		for _, at := range list {
			for x := range p.batch[i] {
				if d == 1 {
					x = 0
				}
				next = append(next, at+x*stride)
			}
		}
		list = next
	}
	return list
}

// costMatMul counts 2·M·N·K for each matrix. One operand known before the run makes it a GEMM, over all the rows of the other.
func costMatMul(n *graph.Node) Cost {
	c := moved(n)
	p, err := productOf(n.In(0).Shape, n.In(1).Shape)
	if err != nil {
		panic("ops: cost of a MatMul that was not inferred: " + err.Error())
	}
	c.Kind, c.M, c.N, c.K, c.Groups, c.Steps = BatchMatMul, p.m, p.n, p.k, p.batch.Elements(), 1
	if n.In(1).Known() && p.b.Elements() == 1 {
		c.Kind, c.M, c.Groups = GEMM, p.m*p.a.Elements(), 1
	} else if n.In(0).Known() && p.a.Elements() == 1 {
		c.Kind = GEMM
	}
	c.FLOPs = 2 * float64(c.M) * float64(c.N) * float64(c.K) * float64(c.Groups)
	return c
}

func prepareMatMul(n *graph.Node, t *Target) (Kernel, error) {
	switch d := n.In(0).DType; {
	case d == tensor.Float32 && len(n.In(0).Shape) > 1 && n.In(1).Known() && len(n.In(1).Shape) == 2 && n.Outputs[0].Shape.Elements() > 0 && n.In(0).Shape.Elements() > 0:
		return prepareFusedMatMul(n, t)
	case d == tensor.Float32 && steppable(n):
		m, err := asMatrices(n)
		if err != nil {
			return Kernel{}, err
		}
		return steppedProducts(m, t, nil, nil, nil)
	case d == tensor.Float32:
		return plainMatMul[float32](n)
	case d == tensor.Float64:
		return plainMatMul[float64](n)
	case d == tensor.Int32:
		return plainMatMul[int32](n)
	case d == tensor.Int64:
		return plainMatMul[int64](n)
	case d == tensor.Uint32:
		return plainMatMul[uint32](n)
	case d == tensor.Uint64:
		return plainMatMul[uint64](n)
	case narrow(d):
		return widened(n, t, prepareMatMul)
	default:
		return Kernel{}, badType(d)
	}
}

// plainMatMul adds, for each row of the result, the rows of B times the elements of A's row.
func plainMatMul[T number](n *graph.Node) (Kernel, error) {
	p, err := productOf(n.In(0).Shape, n.In(1).Shape)
	if err != nil {
		return Kernel{}, err
	}
	left, right := p.offsets(p.a), p.offsets(p.b)
	bind := func(c *Call) func() error {
		row := func(_, i int) {
			batch := i / p.m
			a := tensor.Data[T](c.In[0].Tensor)[(left[batch]*p.m+i%p.m)*p.k:][:p.k]
			b := tensor.Data[T](c.In[1].Tensor)[right[batch]*p.k*p.n:]
			dst := tensor.Data[T](c.Out[0].Tensor)[i*p.n:][:p.n]
			fill(dst, 0)
			for k, x := range a {
				multiplyAdd(dst, b[k*p.n:][:p.n], x)
			}
		}
		return func() error {
			inParts(c.Team, len(left)*p.m, row)
			return nil
		}
	}
	return Kernel{Class: "plain matmul", Bind: bind}, nil
}

// multiplyAdd computes dst[i] += src[i]·w.
func multiplyAdd[T number](dst, src []T, w T) {
	src = src[:len(dst)]
	for i, x := range src {
		dst[i] += x * w
	}
}

// dot computes Σ a[k·step]·b[k].
func dot[T number](a []T, step int, b []T) T {
	var total T
	for k, x := range b {
		total += a[k*step] * x
	}
	return total
}

// generalProduct is ONNX Gemm: Y = alpha·A'·B' + beta·C, where A' and B' are A and B or their transposes, and C broadcasts to Y.
func generalProduct() Op {
	return Op{Infer: inferGemm, Cost: costGemm, Prepare: byGemmType}
}

// gemmShape is M, N and K of a Gemm whose operands' shapes are known.
func gemmShape(n *graph.Node) (m, cols, k int, err error) {
	a, b := n.In(0).Shape, n.In(1).Shape
	if len(a) != 2 || len(b) != 2 {
		return 0, 0, 0, fmt.Errorf("%s times %s; Gemm takes matrices", a, b)
	}
	m, k = a[0], a[1]
	if n.Int("transA", 0) != 0 {
		m, k = k, m
	}
	kb, cols := b[0], b[1]
	if n.Int("transB", 0) != 0 {
		kb, cols = cols, kb
	}
	if k != kb && k != tensor.Unknown && kb != tensor.Unknown {
		return 0, 0, 0, fmt.Errorf("%s times %s with transA %d, transB %d", a, b, n.Int("transA", 0), n.Int("transB", 0))
	}
	return m, cols, max(k, kb), nil
}

func inferGemm(n *graph.Node) error {
	if err := arity(n, 2, 3); err != nil {
		return err
	}
	if err := sameTypes(n, numbers, 0, 1, 2); err != nil {
		return err
	}
	n.Outputs[0].DType = n.In(0).DType
	if n.In(0).Shape == nil || n.In(1).Shape == nil {
		return nil
	}
	m, cols, _, err := gemmShape(n)
	if err != nil {
		return err
	}
	out := tensor.Shape{m, cols}
	if c := n.In(2); c != nil && c.Shape != nil {
		if joined, ok := broadcastDims(out, c.Shape); !ok || c.Shape.Static() && out.Static() && !slices.Equal(joined, out) {
			return fmt.Errorf("operand C of %s does not broadcast to %s", c.Shape, out)
		}
	}
	n.Outputs[0].Shape = out
	return nil
}

func costGemm(n *graph.Node) Cost {
	c := moved(n)
	m, cols, k, err := gemmShape(n)
	if err != nil {
		panic("ops: cost of a Gemm that was not inferred: " + err.Error())
	}
	c.Kind, c.M, c.N, c.K, c.Groups, c.Steps = BatchMatMul, m, cols, k, 1, 1
	if n.In(1).Known() || n.In(0).Known() {
		c.Kind = GEMM
	}
	c.FLOPs = 2 * float64(m) * float64(cols) * float64(k)
	return c
}

func byGemmType(n *graph.Node, t *Target) (Kernel, error) {
	switch d := n.In(0).DType; {
	case d == tensor.Float32 && packableGemm(n):
		return prepareFusedMatMul(n, t)
	case d == tensor.Float32 && !slices.Contains(n.In(0).Shape, 0) && !slices.Contains(n.In(1).Shape, 0):
		return fastGemm(n, t)
	case d == tensor.Float32:
		return plainGemm[float32](n)
	case d == tensor.Float64:
		return plainGemm[float64](n)
	case d == tensor.Int32:
		return plainGemm[int32](n)
	case d == tensor.Int64:
		return plainGemm[int64](n)
	case d == tensor.Uint32:
		return plainGemm[uint32](n)
	case d == tensor.Uint64:
		return plainGemm[uint64](n)
	case narrow(d):
		return widened(n, t, byGemmType)
	default:
		return Kernel{}, badType(d)
	}
}

// packableGemm reports whether a Gemm is X·W + bias with constant W and bias, alpha and beta 1.
func packableGemm(n *graph.Node) bool {
	if !n.In(1).Known() || n.Int("transA", 0) != 0 || n.Float("alpha", 1) != 1 || n.In(0).Shape.Elements() == 0 || n.Outputs[0].Shape.Elements() == 0 {
		return false
	}
	_, cols := weightShape(n)
	b := n.In(2)
	return b == nil || b.Known() && n.Float("beta", 1) == 1 && b.Shape.Equal(tensor.Shape{cols})
}

// plainGemm computes one row of the result at a time; alpha and beta are truncated for integers, as ONNX Runtime does.
func plainGemm[T number](n *graph.Node) (Kernel, error) {
	m, cols, depth, err := gemmShape(n)
	if err != nil {
		return Kernel{}, err
	}
	alpha, beta := T(n.Float("alpha", 1)), T(n.Float("beta", 1))
	rowA, colA := depth, 1
	if n.Int("transA", 0) != 0 {
		rowA, colA = 1, m
	}
	transposed := n.Int("transB", 0) != 0
	add := n.In(2) != nil && beta != 0
	rowC, colC := 0, 0
	if add {
		rowC, colC = broadcastStrides(n.In(2).Shape, m, cols)
	}
	bind := func(c *Call) func() error {
		row := func(_, i int) {
			a, b := tensor.Data[T](c.In[0].Tensor), tensor.Data[T](c.In[1].Tensor)
			dst := tensor.Data[T](c.Out[0].Tensor)[i*cols:][:cols]
			fill(dst, 0)
			switch {
			case depth == 0: // a has no row to begin at
			case transposed:
				for j := range dst {
					dst[j] = dot(a[i*rowA:], colA, b[j*depth:][:depth])
				}
			default:
				for k := range depth {
					multiplyAdd(dst, b[k*cols:][:cols], a[i*rowA+k*colA])
				}
			}
			for j := range dst {
				dst[j] *= alpha
				if add {
					dst[j] += beta * tensor.Data[T](c.In[2].Tensor)[i*rowC+j*colC]
				}
			}
		}
		return func() error {
			inParts(c.Team, m, row)
			return nil
		}
	}
	return Kernel{Class: "plain gemm", Bind: bind}, nil
}

// broadcastStrides are the steps through an operand of at most two dimensions as it broadcasts over rows × cols.
func broadcastStrides(s tensor.Shape, rows, cols int) (row, col int) {
	if len(s) > 0 && s[len(s)-1] == cols && cols != 1 {
		col = 1
	}
	if len(s) > 1 && s[0] == rows && rows != 1 {
		row = s[1]
	}
	return row, col
}
