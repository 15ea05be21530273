package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	attn "github.com/eiplan/eiplan/engine/kernels/attention"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/models/tensor"
)

// attend is eiplan/Attend: softmax(scale·Q·Kᵀ + mask)·V for each head, of Q, K and V of rank 4 whose dimensions are first put in the orders permQ, permK
// and permV, then batch×heads×positions×size, with a result that is put in the order permY; an absent order changes nothing. Each of Q, K and V may hold
// more heads than there are: the attribute heads says how many, and first with which each begins. The mask broadcasts to batch×heads×queries×keys, with
// rows as long as there are keys; it may be absent.
func attend() Op { return Op{Infer: inferAttend, Cost: costAttend, Prepare: prepareAttend} }

// attended are the operands of an Attend, as batch×heads×positions×size.
type attended struct {
	q, k, v, y operand
	first      [3]int
	heads      int
}

// The attributes of an Attend.
var (
	orderNames = [...]string{"permQ", "permK", "permV"}
	firstNames = [...]string{"firstQ", "firstK", "firstV"}
)

// attendedOf reads the operands of a node whose inputs have shapes.
func attendedOf(n *graph.Node) (*attended, error) {
	var all [3]operand
	a := &attended{}
	for i := range all {
		s := n.Inputs[i].Shape
		if len(s) != 4 {
			return nil, fmt.Errorf("input %d is %s; rank 4 is wanted", i, s)
		}
		all[i] = viewed(s, n.Ints(orderNames[i]))
		a.first[i] = n.Int(firstNames[i], 0)
	}
	a.q, a.k, a.v = all[0], all[1], all[2]
	a.heads = n.Int("heads", a.q.shape[1])
	for i, o := range all {
		if a.first[i] < 0 || a.first[i]+a.heads > o.shape[1] {
			return nil, fmt.Errorf("heads %d to %d of input %d, which has %d", a.first[i], a.first[i]+a.heads, i, o.shape[1])
		}
	}
	q, k, v := a.q.shape, a.k.shape, a.v.shape
	if q[0] != k[0] || k[0] != v[0] || q[3] != k[3] || k[2] != v[2] {
		return nil, fmt.Errorf("query %v, key %v and value %v do not fit each other", q, k, v)
	}
	y := tensor.Shape{q[0], a.heads, q[2], v[3]}
	a.y = written(permuted(y, n.Ints("permY")), n.Ints("permY"))
	return a, nil
}

// check reports whether kernels can step through the operands.
func (a *attended) check() error {
	for i, o := range []operand{a.q, a.k, a.v, a.y} {
		if _, ok := o.rows(); !ok {
			return fmt.Errorf("operand %d, %v with steps %v, has no rows", i, o.shape, o.stride)
		}
	}
	return nil
}

func inferAttend(n *graph.Node) error {
	if err := arity(n, 3, 4); err != nil {
		return err
	}
	y := n.Outputs[0]
	if y.DType != tensor.BFloat16 && y.DType != tensor.Float32 { // the precision pass may have settled how it is stored
		y.DType = n.In(0).DType
	}
	a, err := attendedOf(n)
	if err != nil {
		return err
	}
	y.Shape = permuted(tensor.Shape{a.y.shape[0], a.heads, a.y.shape[2], a.y.shape[3]}, n.Ints("permY"))
	if m := n.In(3); m != nil {
		if whole := a.scores(); !m.Static() || !masks(m.Shape, whole) {
			return fmt.Errorf("mask %s for scores %s", m.Shape, whole)
		}
	}
	return a.check()
}

// scores is the shape of what the mask is added to.
func (a *attended) scores() tensor.Shape {
	return tensor.Shape{a.q.shape[0], a.heads, a.q.shape[2], a.k.shape[2]}
}

// masks reports whether a mask broadcasts to scores with rows as long as theirs.
func masks(mask, scores tensor.Shape) bool {
	if len(mask) == 0 || mask[len(mask)-1] != scores[len(scores)-1] {
		return false
	}
	both, ok := broadcastDims(scores, mask)
	return ok && both.Equal(scores)
}

// CanAttend reports whether an Attend with these inputs and attributes would run.
func CanAttend(n *graph.Node) bool {
	a, err := attendedOf(n)
	if err != nil || a.check() != nil {
		return false
	}
	m := n.In(3)
	return (m == nil || m.Static() && masks(m.Shape, a.scores())) && a.scores().Elements() > 0 && a.q.shape[3] > 0 && a.v.shape[3] > 0
}

func costAttend(n *graph.Node) Cost {
	c := moved(n)
	a, err := attendedOf(n)
	if err != nil {
		panic("ops: cost of an Attend that was not inferred: " + err.Error())
	}
	c.Kind = BatchMatMul
	c.M, c.N, c.K, c.Groups, c.Steps = a.q.shape[2], a.k.shape[2], a.q.shape[3]+a.v.shape[3], a.q.shape[0]*a.heads, 1
	c.FLOPs = (2*float64(c.K) + softmaxFLOPs) * float64(a.scores().Elements())
	return c
}

// places lists where each head of each sample begins, from head first on.
func (o operand) places(heads, first int) []int {
	var list []int
	for b := range o.shape[0] {
		for h := range heads {
			list = append(list, b*o.stride[0]+(first+h)*o.stride[1])
		}
	}
	return list
}

func prepareAttend(n *graph.Node, t *Target) (Kernel, error) {
	a, err := attendedOf(n)
	if err != nil {
		return Kernel{}, err
	}
	h := attn.Heads{
		Queries: a.q.shape[2], Keys: a.k.shape[2], Size: a.q.shape[3], ValueSize: a.v.shape[3],
		Q: a.q.places(a.heads, a.first[0]), K: a.k.places(a.heads, a.first[1]), V: a.v.places(a.heads, a.first[2]), Y: a.y.places(a.heads, 0),
		Scale: n.Float("scale", 1),
	}
	if n.In(0).DType == tensor.BFloat16 {
		h.Format = gemm.BF16
	}
	if m := n.In(3); m != nil {
		s := append(tensor.Shape{1, 1, 1, 1}[:4-len(m.Shape):4-len(m.Shape)], m.Shape...)
		steps := stretchedStrides(s)
		h.Mask, h.MaskRow = operand{a.scores(), steps}.places(a.heads, 0), steps[2]
	}
	strides := [4]int{}
	for i, o := range []operand{a.q, a.k, a.v, a.y} {
		strides[i], _ = o.rows()
	}
	return attendKernel(h, t, func(c *Call) [4]gemm.Matrix {
		return [4]gemm.Matrix{rowsOf(c.In[0].Tensor, strides[0]), rowsOf(c.In[1].Tensor, strides[1]), rowsOf(c.In[2].Tensor, strides[2]), rowsOf(c.Out[0].Tensor, strides[3])}
	}, 3)
}

// attendKernel runs heads on Q, K, V and Y, with a mask that is an input where they have one.
func attendKernel(h attn.Heads, t *Target, operands func(c *Call) [4]gemm.Matrix, mask int) (Kernel, error) {
	trial, err := h.Bind(t.Features, 1)
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{Class: "attention " + trial.Kernel().String(), Mixed: h.Format == gemm.BF16}
	k.Bind = func(c *Call) func() error {
		return bindHeads(h, t, c, mask, func() [4]gemm.Matrix { return operands(c) })
	}
	return k, nil
}

// bindHeads is attendKernel's work for one session.
func bindHeads(h attn.Heads, t *Target, c *Call, mask int, operands func() [4]gemm.Matrix) func() error {
	call, err := h.Bind(t.Features, c.Team.Size())
	if err != nil {
		panic("ops: attention that bound before: " + err.Error())
	}
	return func() error {
		var m []float32
		if h.Mask != nil {
			m = tensor.Data[float32](c.In[mask].Tensor)
		}
		x := operands()
		call.Run(c.Team, x[0], x[1], x[2], x[3], m)
		return nil
	}
}
