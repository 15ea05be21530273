package ops

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// einsum is a sum of products over labelled axes: the attribute equation labels each operand's axes and, after ->, the output's; a label that is
// missing there is summed over. Without -> the output has the labels that come once, in alphabetical order. An ellipsis stands for axes that broadcast.
func einsum() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 1, -1); err != nil {
				return err
			}
			every := make([]int, len(n.Inputs))
			for i := range every {
				every[i] = i
			}
			if err := sameTypes(n, numbers, every...); err != nil {
				return err
			}
			for _, v := range n.Inputs {
				if v.Shape == nil {
					yields(n, 0, n.Inputs[0].DType, nil)
					return nil
				}
			}
			e, err := newEquation(n)
			if err != nil {
				return err
			}
			out := tensor.Shape{}
			for _, l := range e.output {
				out = append(out, e.size[l])
			}
			yields(n, 0, n.Inputs[0].DType, out)
			return nil
		},
		Cost: costEinsum,
		Prepare: halved(func(n *graph.Node, t *Target) (Kernel, error) {
			e, err := newEquation(n)
			if err != nil {
				return Kernel{}, err
			}
			if p := e.products(); p != nil && n.Inputs[0].DType == tensor.Float32 {
				return p.kernel(n, t), nil
			}
			return Kernel{Class: "einsum", Bind: laneOf(n.Inputs[0].DType).contract(e)}, nil
		}),
	}
}

// costEinsum counts a product and a sum for each combination of all labels.
func costEinsum(n *graph.Node) Cost {
	c := moved(n)
	c.Kind = BatchMatMul
	e, err := newEquation(n)
	if err != nil {
		return c
	}
	all, out := 1.0, 1.0
	for l, d := range e.size {
		all *= float64(d)
		if slices.Contains(e.output, l) {
			out *= float64(d)
		}
	}
	c.FLOPs = 2 * all
	if p := e.products(); p != nil {
		c.M, c.N, c.K, c.Groups, c.Steps = e.extent(p.rows), e.extent(p.columns), e.extent(p.summed), e.extent(p.batch), 1
		return c
	}
	c.M, c.N, c.K, c.Groups = int(out), 1, int(all/max(out, 1)), 1
	return c
}

// equation is an Einsum's: labels are letters, and for the axes of an ellipsis the digits from '0'.
type equation struct {
	operands [][]rune // the labels of each operand's axes
	output   []rune
	summed   []rune
	size     map[rune]int
	stride   [][]int // by operand, then by output label and summed label: elements to its next position
	plain    bool    // no axis broadcasts, and no label comes twice in an operand
}

func newEquation(n *graph.Node) (*equation, error) {
	text := strings.ReplaceAll(n.Str("equation", ""), " ", "")
	left, right, explicit := strings.Cut(text, "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(n.Inputs) {
		return nil, fmt.Errorf("equation %q has %d operands for %d inputs", text, len(terms), len(n.Inputs))
	}
	e := &equation{size: map[rune]int{}}
	dots := 0 // the axes that an ellipsis stands for
	for i, term := range terms {
		if strings.Contains(term, "...") {
			dots = max(dots, len(n.Inputs[i].Shape)-len(term)+3)
		}
	}
	for i, term := range terms {
		labels := spell(term, len(n.Inputs[i].Shape)-len(term)+3, dots)
		if len(labels) != len(n.Inputs[i].Shape) {
			return nil, fmt.Errorf("equation %q: %q for input %s", text, term, n.Inputs[i].Shape)
		}
		e.operands = append(e.operands, labels)
		for k, l := range labels {
			if err := e.measure(l, n.Inputs[i].Shape[k]); err != nil {
				return nil, fmt.Errorf("equation %q: %w", text, err)
			}
		}
	}
	if explicit {
		e.output = spell(right, dots, dots)
	} else {
		e.output = implied(e.operands, dots)
	}
	for i, l := range e.output {
		if _, ok := e.size[l]; !ok || slices.Contains(e.output[:i], l) {
			return nil, fmt.Errorf("equation %q: output label %q", text, l)
		}
	}
	e.plan(n)
	return e, nil
}

// spell lists a term's labels; an ellipsis becomes the last own of dots digits.
func spell(term string, own, dots int) []rune {
	before, after, found := strings.Cut(term, "...")
	labels := []rune(before)
	if found {
		for i := dots - max(own, 0); i < dots; i++ {
			labels = append(labels, rune('0'+i))
		}
	}
	return append(labels, []rune(after)...)
}

// measure notes the size of a label; only the axes of an ellipsis broadcast, and those of 1.
func (e *equation) measure(l rune, d int) error {
	was, ok := e.size[l]
	switch {
	case !ok || was == 1 || was == tensor.Unknown:
		e.size[l] = d
	case d != was && d != 1 && d != tensor.Unknown:
		return fmt.Errorf("label %q is %d and %d", l, was, d)
	}
	return nil
}

// implied is the output of an equation that states none.
func implied(operands [][]rune, dots int) []rune {
	count := map[rune]int{}
	for _, labels := range operands {
		for _, l := range labels {
			count[l]++
		}
	}
	var once []rune
	for l, times := range count {
		if times == 1 && l > '9' {
			once = append(once, l)
		}
	}
	slices.Sort(once)
	return append(spell("...", dots, dots), once...)
}

// plan lists the summed labels and the strides.
func (e *equation) plan(n *graph.Node) {
	for _, labels := range e.operands {
		for _, l := range labels {
			if !slices.Contains(e.output, l) && !slices.Contains(e.summed, l) {
				e.summed = append(e.summed, l)
			}
		}
	}
	all := slices.Concat(e.output, e.summed)
	e.plain = true
	for i, labels := range e.operands {
		list := make([]int, len(all))
		own := n.Inputs[i].Shape.Strides()
		for k, l := range labels {
			e.plain = e.plain && n.Inputs[i].Shape[k] == e.size[l] && slices.Index(labels, l) == k
			if n.Inputs[i].Shape[k] != 1 {
				list[slices.Index(all, l)] += own[k]
			}
		}
		e.stride = append(e.stride, list)
	}
}

// contract is the plain loop: for each output position the sum over all positions of the summed labels.
func (lanes[T]) contract(e *equation) binder {
	dims := make([]int, 0, len(e.output)+len(e.summed))
	for _, l := range slices.Concat(e.output, e.summed) {
		dims = append(dims, e.size[l])
	}
	inner := span(dims, len(e.output), len(dims))
	return func(c *Call) func() error {
		index, at := make([]int, len(dims)), make([]int, len(e.operands))
		return func() error {
			out := elements[T](&c.Out[0].Tensor)
			clear(index)
			clear(at)
			for i := range out {
				sum := T(0)
				for range inner {
					product := T(1)
					for k, s := range c.In {
						product *= elements[T](&s.Tensor)[at[k]]
					}
					sum += product
					e.advance(dims, index, at, len(e.output))
				}
				out[i] = sum
				e.advance(dims[:len(e.output)], index, at, 0)
			}
			return nil
		}
	}
}

// advance moves the labels from first on by one position, the last fastest, and each operand's place with them.
func (e *equation) advance(dims, index, at []int, first int) {
	for i := len(dims) - 1; i >= first; i-- {
		index[i]++
		for k := range at {
			at[k] += e.stride[k][i]
		}
		if index[i] < dims[i] {
			return
		}
		for k := range at {
			at[k] -= e.stride[k][i] * dims[i]
		}
		index[i] = 0
	}
}
