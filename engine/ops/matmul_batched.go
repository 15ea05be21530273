package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/models/tensor"
)

// batchMatMul is eiplan/BatchMatMul: MatMul of A and B whose dimensions are first put in the orders permA and permB, and the result's in the order
// permC, as by Transposes; an absent order changes nothing. No Transpose is made: the products step through the operands as they lie.
func batchMatMul() Op {
	return Op{Infer: inferBatchMatMul, Cost: costBatchMatMul, Prepare: prepareBatchMatMul}
}

// permuted is a shape in another order of its dimensions; a nil order keeps it.
func permuted(s tensor.Shape, perm []int) tensor.Shape {
	if perm == nil || s == nil {
		return s
	}
	out := make(tensor.Shape, len(perm))
	for i, p := range perm {
		out[i] = s[p]
	}
	return out
}

// batchProduct is the product of a BatchMatMul's operands in their orders.
func batchProduct(n *graph.Node) (product, error) {
	return productOf(permuted(n.In(0).Shape, n.Ints("permA")), permuted(n.In(1).Shape, n.Ints("permB")))
}

func inferBatchMatMul(n *graph.Node) error {
	if err := arity(n, 2, 2); err != nil {
		return err
	}
	yields(n, 0, n.In(0).DType, nil)
	if n.In(0).Shape == nil || n.In(1).Shape == nil {
		return nil
	}
	p, err := batchProduct(n)
	if err != nil {
		return err
	}
	yields(n, 0, n.In(0).DType, permuted(p.out, n.Ints("permC")))
	return nil
}

func costBatchMatMul(n *graph.Node) Cost {
	c := moved(n)
	p, err := batchProduct(n)
	if err != nil {
		panic("ops: cost of a BatchMatMul that was not inferred: " + err.Error())
	}
	c.Kind, c.M, c.N, c.K, c.Groups, c.Steps = BatchMatMul, p.m, p.n, p.k, p.batch.Elements(), 1
	c.FLOPs = 2 * float64(c.M) * float64(c.N) * float64(c.K) * float64(c.Groups)
	return c
}

// operand is a matrix operand of many products, as it lies in memory.
type operand struct {
	shape, stride []int // in the order of the product
}

// viewed is the operand that a dense value is in an order of its dimensions.
func viewed(s tensor.Shape, perm []int) operand {
	return operand{permuted(s, perm), permuted(s.Strides(), perm)}
}

// written is the operand whose permutation by perm is a dense value of shape s.
func written(s tensor.Shape, perm []int) operand {
	if perm == nil {
		return viewed(s, nil)
	}
	inverse := make([]int, len(perm))
	for i, p := range perm {
		inverse[p] = i
	}
	return viewed(s, inverse)
}

// rows reports whether each row is contiguous, and how far rows are apart.
func (o operand) rows() (stride int, ok bool) {
	last := len(o.shape) - 1
	return max(o.stride[last-1], o.shape[last]), o.stride[last] == 1 || o.shape[last] == 1
}

// columns reports whether each column is contiguous, and how far columns are apart.
func (o operand) columns() (stride int, ok bool) {
	last := len(o.shape) - 1
	return max(o.stride[last], o.shape[last-1]), o.stride[last-1] == 1 || o.shape[last-1] == 1
}

// offsets lists where the matrix for each index into batch begins.
func (o operand) offsets(batch tensor.Shape) []int {
	list := []int{0}
	for i, d := range batch {
		step := 0
		if j := i - len(batch) + len(o.shape) - 2; j >= 0 && o.shape[j] != 1 {
			step = o.stride[j]
		}
		next := make([]int, 0, len(list)*d)
		for _, at := range list {
			for x := range d {
				next = append(next, at+x*step)
			}
		}
		list = next
	}
	return list
}

// BatchMatMulFits reports whether products can step through operands of shapes a and b in the given orders, and write a result whose shape after permC
// is y.
func BatchMatMulFits(a, b, y tensor.Shape, permA, permB, permC []int) bool {
	if len(a) < 2 || len(b) < 2 || len(y) < 2 {
		return false
	}
	_, rowsA := viewed(a, permA).rows()
	right := viewed(b, permB)
	_, rowsB := right.rows()
	_, columnsB := right.columns()
	_, rowsC := written(y, permC).rows()
	return rowsA && (rowsB || columnsB) && rowsC
}

func prepareBatchMatMul(n *graph.Node, t *Target) (Kernel, error) {
	if n.In(0).DType != tensor.Float32 {
		return Kernel{}, badType(n.In(0).DType)
	}
	permA, permB, permC := n.Ints("permA"), n.Ints("permB"), n.Ints("permC")
	if !BatchMatMulFits(n.In(0).Shape, n.In(1).Shape, n.Outputs[0].Shape, permA, permB, permC) {
		return Kernel{}, fmt.Errorf("products can't step through %s and %s in the orders %v, %v to %v", n.In(0).Shape, n.In(1).Shape, permA, permB, permC)
	}
	return steppedProducts(n, t, permA, permB, permC)
}

// steppedProducts multiplies the operands as they lie.
func steppedProducts(n *graph.Node, t *Target, permA, permB, permC []int) (Kernel, error) {
	a, b, y := viewed(n.In(0).Shape, permA), viewed(n.In(1).Shape, permB), written(n.Outputs[0].Shape, permC)
	prod, err := productOf(a.shape, b.shape)
	if err != nil {
		return Kernel{}, err
	}
	if bind := vectorProducts(prod, a, b, y, t); bind != nil {
		return Kernel{Class: "matrix by vector", Bind: bind}, nil
	}
	lda, _ := a.rows()
	ldc, _ := y.rows()
	ldb, straight := b.rows()
	if !straight {
		ldb, _ = b.columns()
	}
	p := gemm.Products{
		M: prod.m, N: prod.n, K: prod.k,
		A: a.offsets(prod.batch), B: b.offsets(prod.batch), C: y.offsets(prod.batch),
		Transposed: !straight, Clamp: gemm.Unbounded(),
	}
	trial, err := p.Bind(t.Features, 1)
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{Class: "gemm " + trial.Kernel().String()}
	k.Bind = func(c *Call) func() error {
		batch, err := p.Bind(t.Features, c.Team.Size())
		if err != nil {
			panic("ops: products that bound before: " + err.Error())
		}
		return func() error {
			batch.Run(c.Team, rowsOf(c.In[0].Tensor, lda), rowsOf(c.In[1].Tensor, ldb), rowsOf(c.Out[0].Tensor, ldc))
			return nil
		}
	}
	return k, nil
}

// steppable reports whether an ONNX MatMul of float32 can run as products of matrices: nothing of it is empty.
func steppable(n *graph.Node) bool {
	a, b := n.In(0).Shape, n.In(1).Shape
	return !slices.Contains(a, 0) && !slices.Contains(b, 0)
}
