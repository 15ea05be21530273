package ops

import (
	"errors"
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// composed is an operator that others make up.
type composed struct {
	atLeast, atMost int   // inputs; atMost < 0 is no bound
	optional        []int // inputs before the last of atLeast that may be absent
	// expand adds the nodes that a node stands for and says which values are its outputs. It may know the inputs' shapes only in part: where what is
	// missing matters it returns errUnsettled.
	expand func(c *composition) error
	types  []int // for each output the input whose type it has while the rest is unsettled; the first input's where there is no entry
}

// errUnsettled says that a node's shapes are not known well enough to tell what nodes it stands for.
var errUnsettled = errors.New("a shape is not known")

// Expand lists the nodes that a node of a composed operator stands for, in their order: they read its inputs and make its outputs, and their values have no
// types yet. It returns none for any other node, and while too little is known about the inputs' shapes.
func Expand(n *graph.Node) ([]*graph.Node, error) {
	k, ok := composites[Key(n.Domain, n.Op)]
	if !ok {
		return nil, nil
	}
	nodes, err := k.nodes(n)
	if errors.Is(err, errUnsettled) {
		return nil, nil
	}
	return nodes, err
}

// nodes expands n.
func (k composed) nodes(n *graph.Node) ([]*graph.Node, error) {
	if err := k.arity(n); err != nil {
		return nil, err
	}
	c := &composition{Node: n, made: make([]*graph.Value, len(n.Outputs))}
	if err := k.expand(c); err != nil {
		return nil, err
	}
	instead := map[*graph.Value]*graph.Value{}
	for i, out := range n.Outputs {
		if out == nil {
			continue
		}
		v := c.made[i]
		if v == nil {
			return nil, fmt.Errorf("output %d is not supported", i)
		}
		if _, twice := instead[v]; twice || v.Producer == nil || !slices.Contains(c.nodes, v.Producer) {
			v = c.add("Identity", nil, v)
		}
		instead[v] = out
		out.Producer = v.Producer
	}
	for _, inner := range c.nodes {
		for _, list := range [][]*graph.Value{inner.Inputs, inner.Outputs} {
			for i, v := range list {
				if out := instead[v]; out != nil {
					list[i] = out
				}
			}
		}
	}
	return c.nodes, nil
}

// arity checks the number of inputs, and that those are present that must be.
func (k composed) arity(n *graph.Node) error {
	all := *n
	all.Inputs = slices.Clone(n.Inputs)
	for _, i := range k.optional {
		if i < len(all.Inputs) && all.Inputs[i] == nil {
			all.Inputs[i] = &graph.Value{}
		}
	}
	return arity(&all, k.atLeast, k.atMost)
}

// composition collects the nodes that a node stands for.
type composition struct {
	*graph.Node
	nodes []*graph.Node
	made  []*graph.Value // what the node's outputs are
}

// settings are a node's attributes.
type settings map[string]models.Attribute

func intSetting(v int) models.Attribute {
	return models.Attribute{Kind: models.IntAttribute, Int: int64(v)}
}

func floatSetting(v float32) models.Attribute {
	return models.Attribute{Kind: models.FloatAttribute, Float: v}
}

func textSetting(v string) models.Attribute {
	return models.Attribute{Kind: models.StringAttribute, Str: v}
}

func intsSetting(list ...int) models.Attribute {
	a := models.Attribute{Kind: models.IntsAttribute}
	for _, v := range list {
		a.Ints = append(a.Ints, int64(v))
	}
	return a
}

// add adds a node of one output.
func (c *composition) add(op string, s settings, inputs ...*graph.Value) *graph.Value {
	return c.addMany(op, s, 1, inputs...)[0]
}

// addMany adds a node of so many outputs. Absent inputs at the end are left out.
func (c *composition) addMany(op string, s settings, outputs int, inputs ...*graph.Value) []*graph.Value {
	for len(inputs) > 0 && inputs[len(inputs)-1] == nil {
		inputs = inputs[:len(inputs)-1]
	}
	n := &graph.Node{Name: fmt.Sprintf("%s/%d", c.Name, len(c.nodes)), Op: op, Inputs: slices.Clone(inputs), Attributes: s, From: c.From, Precision: c.Precision}
	if n.Attributes == nil {
		n.Attributes = settings{}
	}
	if len(n.From) == 0 {
		n.From = []string{c.Name}
	}
	for i := range outputs {
		n.Outputs = append(n.Outputs, &graph.Value{Name: fmt.Sprintf("%s:%d", n.Name, i), Producer: n})
	}
	c.nodes = append(c.nodes, n)
	return n.Outputs
}

// addOwn is add for an operator of the domain eiplan.
func (c *composition) addOwn(op string, s settings, inputs ...*graph.Value) *graph.Value {
	v := c.add(op, s, inputs...)
	v.Producer.Domain = "eiplan"
	return v
}

// yield says what an output is.
func (c *composition) yield(output int, v *graph.Value) {
	if output < len(c.made) {
		c.made[output] = v
	}
}

// constant is a known value.
func (c *composition) constant(t tensor.Tensor) *graph.Value {
	return &graph.Value{Name: c.Name + "/constant", DType: t.DType, Shape: t.Shape.Clone(), Const: &t}
}

// ints is a known vector of int64.
func (c *composition) ints(list ...int) *graph.Value {
	t := tensor.New(tensor.Int64, tensor.Shape{len(list)})
	for i, v := range list {
		tensor.Data[int64](t)[i] = int64(v)
	}
	return c.constant(t)
}

// number is a known scalar of a type.
func (c *composition) number(d tensor.DType, x float64) *graph.Value {
	t, from := tensor.New(d, tensor.Shape{}), tensor.Scalar(tensor.Float64, x)
	if (numbers | packed | float8 | bools).has(d) { // else the node that takes it refuses the type
		_ = conversion{}.convert(&t, &from) // numbers always convert
	}
	return c.constant(t)
}

// plus adds an optional addend.
func (c *composition) plus(a, b *graph.Value) *graph.Value {
	if b == nil {
		return a
	}
	return c.add("Add", nil, a, b)
}

// dims is the shape of an input of a known rank, all of whose dimensions are known.
func (c *composition) dims(input int, ranks ...int) (tensor.Shape, error) {
	v := c.In(input)
	switch {
	case v == nil:
		return nil, fmt.Errorf("input %d is missing", input)
	case v.Shape == nil:
		return nil, errUnsettled
	case !slices.Contains(ranks, len(v.Shape)):
		return nil, fmt.Errorf("input %d is %s; rank %v is wanted", input, v.Shape, ranks)
	case !v.Static():
		return nil, errUnsettled
	}
	return v.Shape, nil
}
