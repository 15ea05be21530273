package engine

import (
	"fmt"
	"strings"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// Program is a compiled model: its steps, the kernels that they run on and the places of their buffers. It does not change, and any number of
// sessions may run it at once.
type Program struct {
	Inputs, Outputs []Port
	Dims            map[string]int // the value of every named dimension of the model's inputs
	Defaults        []string       // dimensions that nobody bound, and what was taken for them

	graph    *graph.Graph
	target   *ops.Target
	workload Workload
	steps    []step
	slots    []slot
	arena    arena
	scratch  int // bytes that the step with the largest wish wants
	inputs   []int
	outputs  []int
}

// Port is an input or an output of a program. An output's shape may have unknown dimensions, or be nil, where only a run tells it.
type Port struct {
	Name  string
	Kind  models.Kind
	DType tensor.DType // of what is no tensor: of the tensors in it, which for maps are the values
	Shape tensor.Shape // nil for what is no tensor
	Elem  graph.Elem   // what a sequence or an optional holds, and a map's keys
	Rows  int          // of an integer input: of the smallest table that it indexes; 0 where it indexes none
	Case  int          // of an integer input of one element: the first number that the model compares it with; 0 where there is none
}

func portOf(v *graph.Value) Port {
	return Port{Name: v.Name, Kind: v.Kind, DType: v.DType, Shape: v.Shape, Elem: v.Elem}
}

// Type is the port's type without its shape: float32 for a tensor, else such as seq(map(int64,float32)).
func (p Port) Type() string { return graph.TypeName(p.Kind, p.DType, p.Elem) }

// step is one node in the order of running.
type step struct {
	node    *graph.Node
	how     manner
	kernel  ops.Kernel // of a static step
	in, out []int      // slots; none where absent
}

// none stands for an absent slot or buffer.
const none = -1

// manner is how a step runs.
type manner uint8

const (
	static  manner = iota // prepared and bound once
	view                  // the output is the input's memory under another shape
	dynamic               // shapes are known when its inputs are: prepared again whenever they change
)

// slot is where a value lives.
type slot struct {
	value  *graph.Value
	buffer int // none for inputs, constants, views and values of unknown shape
}

// build turns a graph whose values have their types into a program, which keeps nothing of what lies in a model's file.
func build(g *graph.Graph, t *ops.Target, o *owner) (*Program, error) {
	p := &Program{graph: g, target: t}
	b := builder{Program: p, index: map[*graph.Value]int{}, owner: o}
	for _, v := range g.Inputs {
		p.inputs = append(p.inputs, b.slot(v))
		p.Inputs = append(p.Inputs, portOf(v))
	}
	for _, n := range g.Nodes {
		if err := b.step(n); err != nil {
			return nil, fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
		o.read(n)
	}
	for _, v := range g.Outputs {
		o.output(v)
		p.outputs = append(p.outputs, b.slot(v))
		p.Outputs = append(p.Outputs, portOf(v))
	}
	for _, s := range p.slots {
		o.forget(s.value)
	}
	b.buffers()
	return p, nil
}

// builder is the state of build.
type builder struct {
	*Program
	index map[*graph.Value]int
	owner *owner
}

// slot is the number of v's slot, made when v is first seen.
func (b *builder) slot(v *graph.Value) int {
	if v == nil {
		return none
	}
	i, ok := b.index[v]
	if !ok {
		i = len(b.slots)
		b.index[v] = i
		b.slots = append(b.slots, slot{value: v, buffer: none})
	}
	return i
}

func (b *builder) step(n *graph.Node) error {
	s := step{node: n}
	for _, v := range n.Inputs {
		s.in = append(s.in, b.slot(v))
	}
	for _, v := range n.Outputs {
		s.out = append(s.out, b.slot(v))
	}
	op := ops.Of(n)
	switch {
	case !settled(n):
		s.how = dynamic
	case op.View && n.Outputs[0] != nil && sameLayout(n):
		s.how = view
		s.kernel.Class = "view"
	}
	for _, v := range n.Outputs {
		if v != nil && holds(v) && physicalBytes(v) > ops.MostBytes {
			return fmt.Errorf("output %v is larger than memory can be", v)
		}
	}
	b.owner.before(n, s.how)
	if s.how == static {
		if err := b.prepare(&s, op); err != nil {
			return err
		}
	}
	b.steps = append(b.steps, s)
	return nil
}

// prepare settles the kernel of a static step.
func (b *builder) prepare(s *step, op ops.Op) (err error) {
	if s.kernel, err = op.Prepare(s.node, b.target); err != nil {
		return err
	}
	if b.owner.after(s.node, s.kernel) {
		if s.kernel, err = op.Prepare(s.node, b.target); err != nil {
			return err
		}
	}
	b.scratch = max(b.scratch, s.kernel.Scratch)
	return nil
}

// settled reports whether all of a node's inputs and outputs are tensors of known shape.
func settled(n *graph.Node) bool {
	for _, values := range [][]*graph.Value{n.Inputs, n.Outputs} {
		for _, v := range values {
			if v != nil && (v.Kind != models.TensorKind || !v.Static()) {
				return false
			}
		}
	}
	return true
}

func sameLayout(n *graph.Node) bool { return n.Inputs[0].Layout == n.Outputs[0].Layout }

// buffers finds out how long each value is needed and places those that the session must hold.
func (b *builder) buffers() {
	root := make([]int, len(b.slots)) // the slot whose memory a view shows, or of which a value's is a part
	for i := range root {
		root[i] = i
	}
	made := map[int]int{} // buffer by slot
	for k, s := range b.steps {
		if s.how == view {
			root[s.out[0]] = root[s.in[0]]
		}
		for _, i := range s.in {
			b.extend(made, root, i, k)
		}
		for _, i := range s.out {
			if i == none || s.how == view || !holds(b.slots[i].value) {
				continue
			}
			if w := b.slots[i].value.Layout.Within; w != nil {
				root[i] = b.index[w]
			}
			if _, ok := made[root[i]]; !ok {
				made[root[i]] = len(b.arena.buffers)
				b.arena.buffers = append(b.arena.buffers, b.buffer(b.slots[root[i]].value, k))
			}
			b.slots[i].buffer = made[root[i]]
			b.extend(made, root, i, k)
		}
	}
	for _, i := range b.outputs {
		b.extend(made, root, i, len(b.steps))
	}
	b.overwrite(made, root)
	b.arena.place()
}

// buffer is memory for v from step k on. Values that lie in its channels end as far behind it as they begin behind its start.
func (b *builder) buffer(v *graph.Value, k int) buffer {
	within := v.DType.Bytes(v.Layout.Stride)
	x := buffer{size: (physicalBytes(v) + within + slack + align - 1) &^ (align - 1), first: k, last: k, within: len(b.arena.buffers)}
	if keepsZeros(v) {
		x.geometry = fmt.Sprintf("%v %v%v %d", v.DType, v.Shape, v.Layout, v.Layout.Fill)
	}
	return x
}

// overwrite lets an output take the memory of an input that its step is the last to read, where the kernel can.
func (b *builder) overwrite(made map[int]int, root []int) {
	for k, s := range b.steps {
		for _, i := range s.kernel.Over {
			out, ok := made[s.out[0]]
			in, ok2 := b.bufferOf(made, root, s.in[i])
			shared := 0 // inputs that lie there
			for _, other := range s.in {
				if buf, ok := b.bufferOf(made, root, other); ok && buf == in {
					shared++
				}
			}
			if !ok || !ok2 || shared != 1 || b.slots[s.in[i]].value.Layout != b.slots[s.out[0]].value.Layout {
				continue
			}
			if b.arena.join(in, out, k) {
				break
			}
		}
	}
}

// bufferOf is the buffer behind a slot, if it has one.
func (b *builder) bufferOf(made map[int]int, root []int, slot int) (int, bool) {
	if slot == none {
		return none, false
	}
	buf, ok := made[root[slot]]
	if ok {
		buf = b.arena.whole(buf)
	}
	return buf, ok
}

// extend lets the memory behind slot i live until step k.
func (b *builder) extend(made map[int]int, root []int, i, k int) {
	if i == none {
		return
	}
	if buf, ok := made[root[i]]; ok {
		b.arena.buffers[buf].last = max(b.arena.buffers[buf].last, k)
	}
}

// place is the offset of a slot that has a buffer.
func (p *Program) place(s slot) int {
	return p.arena.at(s.buffer) + s.value.DType.Bytes(s.value.Layout.First)
}

// holds reports whether a session plans memory for v.
func holds(v *graph.Value) bool {
	return v.Kind == models.TensorKind && v.DType != tensor.String && v.Static()
}

// physicalBytes is the size of v in memory, in its layout.
func physicalBytes(v *graph.Value) int { return ops.BytesOf(v.DType, physicalElements(v)) }

func physicalElements(v *graph.Value) int {
	l := v.Layout
	if !l.Channels {
		return v.Shape.Elements()
	}
	padded := tensor.Shape{v.Shape[0], v.Shape[len(v.Shape)-1] + l.Left + l.Right, l.Stride}
	if len(v.Shape) == 4 {
		padded = append(padded, v.Shape[2]+l.Top+l.Bottom)
	}
	return padded.Elements()
}

// Workload is what one run does, for machines that are not here.
func (p *Program) Workload() Workload { return p.workload }

// Placement says what a node of the program runs on.
type Placement struct {
	Node  string   // its name
	Op    string   // its operator, with the domain where that is not ai.onnx
	From  []string // the model's nodes that it stands for
	Class string   // of the kernel; "dynamic" where that is chosen in each run
	Mixed bool     // multiplies 16-bit numbers
	FLOPs float64  // 0 where shapes are not known
}

// Placements lists the steps in order. Steps of bodies are not in it.
func (p *Program) Placements() []Placement {
	list := make([]Placement, len(p.steps))
	for i, s := range p.steps {
		list[i] = Placement{Node: s.node.Name, Op: ops.Key(s.node.Domain, s.node.Op), From: s.node.From, Class: s.kernel.Class, Mixed: s.kernel.Mixed}
		if s.how == dynamic {
			list[i].Class = "dynamic"
			continue
		}
		list[i].FLOPs = ops.CostOf(s.node).FLOPs
	}
	return list
}

// ActivationBytes is the size of a session's block of memory, scratch included.
func (p *Program) ActivationBytes() int { return p.arena.size + p.scratch }

// Graph prints the graph after all rewrites.
func (p *Program) Graph() string { return p.graph.String() }

// String is the disassembly: one line a step with its kernel and the offsets of the memory that it writes.
func (p *Program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "program of %d steps, %d bytes of activations, %d of scratch\n", len(p.steps), p.arena.size, p.scratch)
	for i, s := range p.steps {
		class := s.kernel.Class
		if s.how == dynamic {
			class = "dynamic"
		}
		fmt.Fprintf(&b, "%4d  %-28s %-36s", i, ops.Key(s.node.Domain, s.node.Op), class)
		for _, o := range s.out {
			if o == none {
				continue
			}
			sl := p.slots[o]
			if sl.buffer != none {
				fmt.Fprintf(&b, " [%d]", p.place(sl))
			}
			fmt.Fprintf(&b, " %v", sl.value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
