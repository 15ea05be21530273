package ops

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/normalize"
	"github.com/eiplan/eiplan/models/tensor"
)

// flexAttention is attention of inputs of rank 4 whose scores may pass through a body, score_mod, before the softmax, and its probabilities through
// another, prob_mod, after it. A body takes and makes one tensor batch×heads×queries×keys of the inputs' type.
func flexAttention() Op {
	return Op{
		Infer: inferFlexAttention,
		Cost: func(n *graph.Node) Cost {
			inner := *n
			inner.Inputs = n.Inputs[:3]
			return costAttention(&inner)
		},
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			d := n.Inputs[0].DType // what the bodies take, whatever the products are in
			return byFloat(
				func(n *graph.Node, t *Target) (Kernel, error) { return prepareFlexAttention[float32](n, t, d) },
				func(n *graph.Node, t *Target) (Kernel, error) { return prepareFlexAttention[float64](n, t, d) },
			)(n, t)
		},
	}
}

// flexBodies are the names of the bodies, in the order in which they run.
var flexBodies = [...]string{"score_mod", "prob_mod"}

// flexGeometry is the attention that a node's own inputs describe.
func flexGeometry(n *graph.Node) (*attention, error) {
	inner := *n
	inner.Inputs = n.Inputs[:3]
	a, err := attentionOf(&inner)
	if err != nil {
		return nil, err
	}
	if a.packed {
		return nil, fmt.Errorf("inputs of rank 3; rank 4 is wanted")
	}
	return a, nil
}

func inferFlexAttention(n *graph.Node) error {
	if err := arity(n, 3, 3); err != nil {
		return err
	}
	if err := sameTypes(n, floats, 0, 1, 2); err != nil {
		return err
	}
	d := n.Inputs[0].DType
	scores := &graph.Value{DType: d}
	var out tensor.Shape
	if n.Inputs[0].Shape != nil && n.Inputs[1].Shape != nil && n.Inputs[2].Shape != nil {
		a, err := flexGeometry(n)
		if err != nil {
			return err
		}
		out = tensor.Shape{a.batch, a.heads, a.queries, a.valueSize}
		scores.Shape = tensor.Shape{a.batch, a.heads, a.queries, a.new}
	}
	yields(n, 0, d, out)
	for _, name := range flexBodies {
		body := n.Bodies[name]
		if body == nil {
			continue
		}
		if err := inferBody(n, name, append([]*graph.Value{scores}, n.Inputs[3:]...), 1); err != nil {
			return err
		}
		made := body.Outputs[0]
		if made.DType != d || scores.Static() && made.Static() && !made.Shape.Equal(scores.Shape) {
			return fmt.Errorf("%s makes %s %s of %s %s", name, made.DType, made.Shape, d, scores.Shape)
		}
	}
	return nil
}

func prepareFlexAttention[T real](n *graph.Node, t *Target, d tensor.DType) (Kernel, error) {
	a, err := flexGeometry(n)
	if err != nil {
		return Kernel{}, err
	}
	var bodies [len(flexBodies)]Body
	for i, name := range flexBodies {
		if g := n.Bodies[name]; g != nil {
			if bodies[i], err = t.Body(g, t); err != nil {
				return Kernel{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	shape := tensor.Shape{a.batch, a.heads, a.queries, a.new}
	group := a.heads / max(a.kvHeads, 1)
	multiply := multiplierOf[T](t)
	scores := headsOf(a.batch, a.heads, 1, a.queries, a.new, a.new, false)
	first := multiply(a.queries, a.new, a.size, headsOf(a.batch, a.heads, 1, a.queries, a.size, a.qStride, false),
		headsOf(a.batch, a.heads, group, a.new, a.size, a.kStride, false), scores, true)
	second := multiply(a.queries, a.valueSize, a.new, scores, headsOf(a.batch, a.heads, group, a.new, a.valueSize, a.vStride, false),
		headsOf(a.batch, a.heads, 1, a.queries, a.valueSize, a.valueSize, false), false)
	softmax := softmaxRows[T](t, a.new)
	return Kernel{Class: "attention", Scratch: roundUp(8*shape.Elements(), 64), Bind: func(c *Call) func() error {
		s, _ := scratchOf[T](c.Scratch, shape.Elements())
		var runs [len(flexBodies)]func() error
		for i, b := range bodies {
			if b != nil {
				runs[i] = modifier(c, b, flexBodies[i], tensorOf(s, shape), d)
			}
		}
		scoreProduct, valueProduct := first(c), second(c)
		scaled := inPieces(c.Team, shape[:3].Elements(), softmaxFLOPs*a.new, func(from, to int) { multiplyBy(s[from*a.new:to*a.new], a.scale) })
		normalized := inPieces(c.Team, shape[:3].Elements(), softmaxFLOPs*a.new, func(from, to int) { softmax(s[from*a.new : to*a.new]) })
		return func() error {
			scoreProduct(elements[T](&c.In[0].Tensor), elements[T](&c.In[1].Tensor), s)
			scaled.run(c.Team)
			if runs[0] != nil {
				if err := runs[0](); err != nil {
					return err
				}
			}
			normalized.run(c.Team)
			if runs[1] != nil {
				if err := runs[1](); err != nil {
					return err
				}
			}
			valueProduct(s, elements[T](&c.In[2].Tensor), elements[T](&c.Out[0].Tensor))
			return nil
		}
	}}, nil
}

// tensorOf is a tensor around floating-point elements.
func tensorOf[T real](list []T, shape tensor.Shape) tensor.Tensor {
	if is[T, float64]() {
		return tensor.From(tensor.Float64, shape, list)
	}
	return tensor.From(tensor.Float32, shape, list)
}

// modifier makes the work that replaces the elements of x by what a body makes of them, which takes them as type d.
func modifier(c *Call, body Body, name string, x tensor.Tensor, d tensor.DType) func() error {
	run := body.NewRun(c.Team)
	in := append([]*Slot{{Tensor: x}}, c.In[3:]...)
	if d != x.DType {
		in[0].Tensor = tensor.New(d, x.Shape)
	}
	return func() error {
		if d != x.DType {
			narrowTo(in[0].Tensor, tensor.Data[float32](x))
		}
		out, err := run.Run(in)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		made := &out[0].Tensor
		if made.DType != d || !made.Shape.Equal(x.Shape) {
			return fmt.Errorf("%s made %s of %s %s", name, made, d, x.Shape)
		}
		if d != x.DType {
			widen(tensor.Data[float32](x), *made)
			return nil
		}
		copyAll(&x, made)
		return nil
	}
}

func multiplyBy[T real](x []T, by float64) {
	for i, v := range x {
		x[i] = T(float64(v) * by)
	}
}

// softmaxRows replaces rows of count elements by their softmax; a row of nothing but -∞ becomes 0.
func softmaxRows[T real](t *Target, count int) func(x []T) {
	f := normalize.For(t.Features)
	return func(x []T) {
		for ; len(x) >= count && count > 0; x = x[count:] {
			row := x[:count]
			top := largest(row)
			if math.IsInf(float64(top), -1) {
				clear(row)
				continue
			}
			if r, ok := any(row).([]float32); ok {
				f.Softmax(r, r, nil, 1)
				continue
			}
			total := 0.0
			for i, v := range row {
				e := math.Exp(float64(v - top))
				row[i] = T(e)
				total += e
			}
			multiplyBy(row, 1/total)
		}
	}
}
