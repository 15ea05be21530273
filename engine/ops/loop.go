package ops

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// loop runs its body at most as often as the first input says and while a condition, at first the second input, holds. The body takes the
// iteration's number, the condition and the state, and makes the next condition, the next state, and what is stacked up.
func loop() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 0, -1); err != nil {
				return err
			}
			if len(n.Inputs)-n.Captures < 2 {
				return wrongInputs(n, "a trip count, a condition and the initial state")
			}
			if err := takes(n, 0, 1<<tensor.Int64); err != nil {
				return err
			}
			if err := takes(n, 1, bools); err != nil {
				return err
			}
			if err := errors.Join(single("the trip count", n.In(0)), single("the condition", n.In(1))); err != nil {
				return err
			}
			in := append([]*graph.Value{
				{DType: tensor.Int64, Shape: numberShape(n)}, {DType: tensor.Bool, Shape: tensor.Shape{}},
			}, n.Inputs[2:]...)
			carried := len(n.Inputs) - n.Captures - 2
			if err := inferCarried(n, in, 2, 1, carried, len(n.Outputs)+1); err != nil {
				return err
			}
			if cond := n.Bodies["body"].Outputs[0]; cond.DType != tensor.Bool {
				return fmt.Errorf("the body's condition is %s; it must be bool", cond.DType)
			}
			if err := single("the body's condition", n.Bodies["body"].Outputs[0]); err != nil {
				return err
			}
			for i := range n.Outputs {
				v := n.Bodies["body"].Outputs[i+1]
				switch {
				case i < carried:
					if n.Inputs[2+i] != nil { // no iteration may run at all
						v = common(v, n.Inputs[2+i])
					}
					likeInput(n, i, v)
				case v.Shape == nil:
					yields(n, i, v.DType, nil)
				default:
					yields(n, i, v.DType, stacked(v.Shape, 0, tensor.Unknown))
				}
			}
			return nil
		},
		Cost: costControl,
		Prepare: func(n *graph.Node, t *Target) (Kernel, error) {
			g := n.Bodies["body"]
			body, err := t.Body(g, t)
			if err != nil {
				return Kernel{}, err
			}
			carried := len(n.Inputs) - n.Captures - 2
			return Kernel{Class: "control", Bind: func(c *Call) func() error {
				it := newIteration(c, body, 2, carried, 0, c.In[2+carried:])
				it.most = allowance(n.Inputs)
				for range len(g.Outputs) - 1 - carried {
					it.stacks = append(it.stacks, &stack{})
				}
				it.in[0].Alloc(tensor.Int64, numberShape(n))
				it.in[1].Alloc(tensor.Bool, tensor.Shape{})
				return func() error { return runLoop(c, it, g, t) }
			}}, nil
		},
	}
}

// numberShape is the shape of an iteration's number: a scalar's, but for bodies that declare it as a list of one.
func numberShape(n *graph.Node) tensor.Shape {
	if body := n.Bodies["body"]; body != nil && len(body.Inputs) > 0 && body.Inputs[0].Shape.Equal(tensor.Shape{1}) {
		return tensor.Shape{1}
	}
	return tensor.Shape{}
}

func runLoop(c *Call, it *iteration, g *graph.Graph, t *Target) error {
	it.begin(c.In[2:])
	number, more := tensor.Data[int64](it.in[0].Tensor), tensor.Data[bool](it.in[1].Tensor)
	more[0] = c.In[1] == nil || tensor.Data[bool](c.In[1].Tensor)[0]
	most := t.Iterations
	if most == 0 {
		most = MostIterations
	}
	for number[0] = 0; more[0] && (c.In[0] == nil || number[0] < tensor.Data[int64](c.In[0].Tensor)[0]); number[0]++ {
		if number[0] == int64(most) {
			return fmt.Errorf("no end after %d iterations", most)
		}
		out, err := it.step(1)
		if err != nil {
			return err
		}
		more[0] = tensor.Data[bool](out[0].Tensor)[0]
	}
	return it.finish(c.Out, g.Outputs[1+len(it.carried):], t)
}
