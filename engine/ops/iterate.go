package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// inferCarried infers the body of a Loop or Scan. Its inputs get the types of in; outputs from skip on are carried to the inputs from first on. Where
// an iteration changes the shape of what it carries, the shape is left open as far as it changes.
func inferCarried(n *graph.Node, in []*graph.Value, first, skip, carried, outputs int) error {
	if carried < 0 || outputs < skip+carried {
		return fmt.Errorf("%d outputs for a state of %d", outputs-skip, carried)
	}
	in = append([]*graph.Value(nil), in...)
	for {
		if err := inferBody(n, "body", in, outputs); err != nil {
			return err
		}
		steady := true
		for i := range carried {
			was, now := in[first+i], n.Bodies["body"].Outputs[skip+i]
			if was == nil {
				continue
			}
			if open := common(was, now); !sameShape(open.Shape, was.Shape) || !sameShape(open.Elem.Shape, was.Elem.Shape) {
				in[first+i], steady = open, false
			}
		}
		if steady {
			return nil
		}
	}
}

// sameShape reports whether two shapes are known equally well and equal.
func sameShape(a, b tensor.Shape) bool { return (a == nil) == (b == nil) && a.Equal(b) }

// iteration runs a body again and again: it holds the state that goes from one run to the next, and what is stacked up.
type iteration struct {
	run     BodyRun
	in      []*Slot // the body's inputs
	carried []*Slot // those of in that the body's outputs replace
	next    []*Slot // what replaces them: an output of the body may be one of its inputs, so none is written to before all are read
	stacks  []*stack
	most    int // bytes that the state, and what is stacked up, may take; 0 is no bound of their own
}

// newIteration makes slots for a body's own inputs, of which carried follow the first before; the captures come after.
func newIteration(c *Call, body Body, before, carried, after int, captures []*Slot) *iteration {
	it := &iteration{run: body.NewRun(c.Team)}
	for range before + carried + after {
		it.in = append(it.in, &Slot{})
	}
	it.carried = it.in[before : before+carried]
	for range carried {
		it.next = append(it.next, &Slot{})
	}
	it.in = append(it.in, captures...)
	return it
}

// begin takes the initial state and empties the stacks.
func (it *iteration) begin(initial []*Slot) {
	for i, s := range it.carried {
		if initial[i] != nil {
			hold(s, initial[i])
		}
	}
	for _, s := range it.stacks {
		s.used = 0
	}
}

// step runs the body once; its outputs before skip are no state. It returns all of them.
func (it *iteration) step(skip int) ([]*Slot, error) {
	out, err := it.run.Run(it.in)
	if err != nil {
		return nil, err
	}
	sum := 0
	for i, s := range it.stacks {
		t := &out[skip+len(it.carried)+i].Tensor
		if err := s.push(t); err != nil {
			return nil, err
		}
		sum += s.used * BytesOf(t.DType, t.Len())
	}
	for i := range it.next {
		if from := out[skip+i]; from.DType != tensor.Undefined && from.Items == nil {
			sum += BytesOf(from.DType, from.Shape.Elements())
		}
	}
	if it.most > 0 && sum > it.most {
		return nil, fmt.Errorf("%d bytes of state and results are more than the %d that may be made of the inputs", sum, it.most)
	}
	for i, s := range it.next {
		hold(s, out[skip+i])
		*s, *it.carried[i] = *it.carried[i], *s
	}
	return out, nil
}

// finish hands the last state and the stacks to the node's outputs.
func (it *iteration) finish(out []*Slot, elements []*graph.Value, t *Target) error {
	for i, s := range it.carried {
		if i < len(out) && out[i] != nil {
			hold(out[i], s)
		}
	}
	for i, s := range it.stacks {
		if k := len(it.carried) + i; k < len(out) && out[k] != nil {
			if err := s.join(out[k], elements[i], t); err != nil {
				return err
			}
		}
	}
	return nil
}

// stack collects tensors of one shape, to be joined along a new axis.
type stack struct {
	axis     int // of the result; negative ones count from its end
	backward bool
	items    []tensor.Tensor
	used     int
	whole    tensor.Shape // of the result last time
	sheets   sheets       // in it
	move     *move.Funcs
}

func (s *stack) push(t *tensor.Tensor) error {
	if s.used > 0 && !s.items[0].Shape.Equal(t.Shape) {
		return fmt.Errorf("a scan output changes its shape from %s to %s", s.items[0].Shape, t.Shape)
	}
	if s.used == len(s.items) {
		s.items = append(s.items, tensor.Tensor{})
	}
	item := &s.items[s.used]
	if item.DType != t.DType || item.Shape == nil || !item.Shape.Equal(t.Shape) {
		*item = tensor.New(t.DType, t.Shape.Clone())
	}
	copyAll(item, t)
	s.used++
	return nil
}

// join writes the collected tensors to a slot. Without any it is empty, with the type of element, whose unknown dimensions count as 0.
func (s *stack) join(to *Slot, element *graph.Value, t *Target) error {
	shape, d := element.Shape, element.DType
	if s.used > 0 {
		shape, d = s.items[0].Shape, s.items[0].DType
	}
	axis, err := axisOf(s.axis, len(shape)+1)
	if err != nil {
		return err
	}
	if s.whole == nil || s.whole[axis] != s.used || !shape.Equal(s.sheets.item) {
		s.whole = stacked(shape, axis, s.used)
		for i, size := range s.whole {
			s.whole[i] = max(size, 0)
		}
		s.sheets, s.move = sheetsOf(s.whole, axis), move.For(t.Features)
	}
	place(to, d, s.whole)
	for i := range s.used {
		at := i
		if s.backward {
			at = s.used - 1 - i
		}
		s.sheets.put(s.move, &to.Tensor, &s.items[i], at)
	}
	return nil
}

// stacked is a shape with a new axis of count elements.
func stacked(shape tensor.Shape, axis, count int) tensor.Shape {
	out := append(tensor.Shape{}, shape[:axis]...)
	return append(append(out, count), shape[axis:]...)
}

// sheets are the dense tensors that lie at the positions along an axis of a tensor that has this axis more.
type sheets struct {
	item  tensor.Shape
	first piece // the copy of position 0 to a tensor of its own
	step  int   // elements from one position to the next
}

func sheetsOf(whole tensor.Shape, axis int) sheets {
	strides := whole.Strides()
	without := func(list []int) []int { return append(append([]int(nil), list[:axis]...), list[axis+1:]...) }
	item := tensor.Shape(without(whole))
	p := piece{shape: item, from: move.View{Stride: without(strides)}, to: move.View{Stride: item.Strides()}}
	return sheets{item: item, first: p.compact(), step: strides[axis]}
}

// take copies position i of whole to item.
func (s *sheets) take(f *move.Funcs, item, whole *tensor.Tensor, i int) {
	p := s.first
	p.from.Origin = i * s.step
	p.copy(f, item, whole, 0, p.steps())
}

// put copies item to position i of whole.
func (s *sheets) put(f *move.Funcs, whole, item *tensor.Tensor, i int) {
	p := s.first
	p.to, p.from = p.from, p.to
	p.to.Origin = i * s.step
	p.copy(f, whole, item, 0, p.steps())
}

// steps is the length of the outermost axis.
func (p *piece) steps() int {
	if len(p.shape) == 0 {
		return 1
	}
	return p.shape[0]
}
