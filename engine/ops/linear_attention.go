package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// linearAttention keeps, for each head of each sample, a matrix S of state that each position changes before its query reads it: o = scale·Sᵀq, where
// by update_rule
//
//	linear       S = S + k⊗v
//	gated        S = exp(g)·S + k⊗v
//	delta        S = S + β·k⊗(v - Sᵀk)
//	gated_delta  S' = exp(g)·S;  S = S' + β·k⊗(v - S'ᵀk)
//
// Inputs: query, key, value (batch×positions×heads·size), the state before, decay g (for each head, or each of its key elements) and β (for each head,
// or one for all). Neighbouring heads of the query share a state where there are fewer of these. Outputs: o, and the state after.
func linearAttention() Op {
	return Op{Infer: inferLinearAttention, Cost: costLinearAttention, Prepare: byFloat(prepareLinearAttention[float32], prepareLinearAttention[float64])}
}

// association is the geometry of a linear attention.
type association struct {
	batch, length             int
	heads, states             int // of queries, and of keys and values
	size, valueSize           int
	scale                     float64
	gated, delta              bool
	decayPerHead, betaPerHead int // elements for each
}

func associationOf(n *graph.Node) (*association, error) {
	rule := n.Str("update_rule", "gated_delta")
	if !slices.Contains([]string{"linear", "gated", "delta", "gated_delta"}, rule) {
		return nil, fmt.Errorf("unknown update_rule %q", rule)
	}
	r := &association{heads: n.Int("q_num_heads", 0), states: n.Int("kv_num_heads", 0), scale: float64(n.Float("scale", 0)),
		gated: rule == "gated" || rule == "gated_delta", delta: rule == "delta" || rule == "gated_delta", decayPerHead: 1, betaPerHead: 1}
	q, k, v := n.Inputs[0].Shape, n.Inputs[1].Shape, n.Inputs[2].Shape
	if len(q) != 3 || len(k) != 3 || len(v) != 3 {
		return nil, fmt.Errorf("query %s, key %s and value %s; rank 3 is wanted", q, k, v)
	}
	r.batch, r.length = q[0], q[1]
	if r.heads < 1 || r.states < 1 || r.heads%r.states != 0 {
		return nil, fmt.Errorf("%d heads of queries share %d states", r.heads, r.states)
	}
	var err error
	if r.size, err = part(q[2], r.heads); err != nil {
		return nil, err
	}
	if r.valueSize, err = part(v[2], r.states); err != nil {
		return nil, err
	}
	if r.scale == 0 {
		r.scale = 1 / math.Sqrt(float64(max(r.size, 1)))
	}
	if r.gated && n.In(4) == nil || r.delta && n.In(5) == nil {
		return nil, fmt.Errorf("update_rule %s without its decay or beta", rule)
	}
	return r, r.agree(n)
}

// agree compares static shapes with each other.
func (r *association) agree(n *graph.Node) error {
	lead := n.Inputs[0].Shape[:2]
	for i, want := range [][]int{nil, {r.states * r.size}, {r.states * r.valueSize}, nil, {r.states, r.states * r.size}, {r.states, 1}} {
		v := n.In(i)
		if want == nil || v == nil || !v.Static() || !n.Inputs[0].Static() {
			continue
		}
		if len(v.Shape) != 3 || !v.Shape[:2].Equal(lead) || !slices.Contains(want, v.Shape[2]) {
			return fmt.Errorf("input %d is %s for a query of %s", i, v.Shape, n.Inputs[0].Shape)
		}
		switch {
		case i == 4 && v.Shape[2] != r.states:
			r.decayPerHead = r.size
		case i == 5 && v.Shape[2] != r.states:
			r.betaPerHead = 0
		}
	}
	want := tensor.Shape{r.batch, r.states, r.size, r.valueSize}
	if s := n.In(3); s != nil && s.Static() && want.Static() && !s.Shape.Equal(want) {
		return fmt.Errorf("state %s where %s is wanted", s.Shape, want)
	}
	return nil
}

func inferLinearAttention(n *graph.Node) error {
	if err := arity(n, 3, 6); err != nil {
		return err
	}
	if err := sameTypes(n, floats, 0, 1, 2, 4, 5); err != nil {
		return err
	}
	if err := takes(n, 3, floats); err != nil {
		return err
	}
	d, state := n.Inputs[0].DType, n.Inputs[0].DType
	if s := n.In(3); s != nil {
		state = s.DType
	}
	if n.Inputs[0].Shape == nil || n.Inputs[1].Shape == nil || n.Inputs[2].Shape == nil {
		yields(n, 0, d, nil)
		yields(n, 1, state, nil)
		return nil
	}
	r, err := associationOf(n)
	if err != nil {
		return err
	}
	width := tensor.Unknown
	if r.valueSize != tensor.Unknown {
		width = r.heads * r.valueSize
	}
	yields(n, 0, d, tensor.Shape{r.batch, r.length, width})
	yields(n, 1, state, tensor.Shape{r.batch, r.states, r.size, r.valueSize})
	return nil
}

// costLinearAttention counts, for each position, the update of each state and its product with each query.
func costLinearAttention(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = Recurrent
	r, err := associationOf(n)
	if err != nil {
		panic("ops: cost of a linear attention that was not inferred: " + err.Error())
	}
	perState := 2 * r.heads / r.states
	for _, on := range []bool{true, r.gated, r.delta} {
		if on {
			perState += 2
		}
	}
	c.M, c.N, c.K, c.Groups, c.Steps = 1, r.valueSize, r.size, r.batch*r.heads, r.length
	c.FLOPs = float64(perState) * float64(r.batch*r.states) * float64(r.size*r.valueSize) * float64(r.length)
	return c
}

func prepareLinearAttention[T real](n *graph.Node, _ *Target) (Kernel, error) {
	r, err := associationOf(n)
	if err != nil {
		return Kernel{}, err
	}
	if s := n.In(3); s != nil && s.DType != n.Inputs[0].DType {
		return Kernel{}, fmt.Errorf("state of %s with inputs of %s is not supported", s.DType, n.Inputs[0].DType)
	}
	cells := r.size * r.valueSize
	return Kernel{Class: "recurrent", Scratch: 8 * (r.batch*r.states*cells + r.batch*r.states*r.valueSize), Bind: func(c *Call) func() error {
		memory := tensor.Tensor{Bytes: c.Scratch}
		wide := elements[float64](&memory)
		head := func(_, i int) {
			state := wide[i*cells:][:cells]
			clear(state)
			if len(c.In) > 3 && c.In[3] != nil {
				for j, v := range elements[T](&c.In[3].Tensor)[i*cells:][:cells] {
					state[j] = float64(v)
				}
			}
			linearSteps[T](c, r, i/r.states, i%r.states, state, wide[r.batch*r.states*cells+i*r.valueSize:][:r.valueSize])
			if len(c.Out) > 1 && c.Out[1] != nil {
				into(elements[T](&c.Out[1].Tensor)[i*cells:][:cells], state)
			}
		}
		return func() error {
			inParts(c.Team, r.batch*r.states, head)
			return nil
		}
	}}, nil
}

// linearSteps takes one state, and the queries that share it, through all positions. miss has room for a value.
func linearSteps[T real](c *Call, r *association, b, h int, state, miss []float64) {
	q, k, v, out := elements[T](&c.In[0].Tensor), elements[T](&c.In[1].Tensor), elements[T](&c.In[2].Tensor), elements[T](&c.Out[0].Tensor)
	group := r.heads / r.states
	for pos := range r.length {
		at := b*r.length + pos
		key, value := k[(at*r.states+h)*r.size:][:r.size], v[(at*r.states+h)*r.valueSize:][:r.valueSize]
		if r.gated {
			g := elements[T](&c.In[4].Tensor)[(at*r.states+h)*r.decayPerHead:][:r.decayPerHead]
			for i := range r.size {
				multiplyBy(state[i*r.valueSize:][:r.valueSize], math.Exp(float64(g[min(i, len(g)-1)])))
			}
		}
		into(miss, value)
		if r.delta {
			for i, x := range key {
				multiplyAdd(miss, state[i*r.valueSize:][:r.valueSize], -float64(x))
			}
			place := at
			if r.betaPerHead > 0 {
				place = at*r.states + h
			}
			multiplyBy(miss, float64(elements[T](&c.In[5].Tensor)[place]))
		}
		for i, x := range key {
			multiplyAdd(state[i*r.valueSize:][:r.valueSize], miss, float64(x))
		}
		for j := range group {
			query := at*r.heads + h*group + j
			to := out[query*r.valueSize:][:r.valueSize]
			clear(miss)
			for i, x := range q[query*r.size:][:r.size] {
				multiplyAdd(miss, state[i*r.valueSize:][:r.valueSize], float64(x))
			}
			for i, x := range miss {
				to[i] = T(x * r.scale)
			}
		}
	}
}
