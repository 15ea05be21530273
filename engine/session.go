package engine

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// Session is one caller's memory for a program. It is not safe for use by several callers at once.
type Session struct {
	program *Program
	team    *parallel.Team
	slots   []*ops.Slot
	work    []func() error
}

// NewSession makes a session with its own team of Options.Threads workers; Close ends it.
func (p *Program) NewSession() *Session {
	var team *parallel.Team
	if p.target.Threads > 1 {
		team = parallel.New(p.target.Threads)
	}
	return p.newSession(team)
}

func (p *Program) newSession(team *parallel.Team) *Session {
	s := &Session{program: p, team: team, slots: make([]*ops.Slot, len(p.slots))}
	block := ops.NewMemory(p.arena.size + slack)
	scratch := ops.NewMemory(p.scratch)
	for i, sl := range p.slots {
		s.slots[i] = &ops.Slot{}
		switch v := sl.value; {
		case v.Const != nil:
			s.slots[i].Tensor = *v.Const
		case sl.buffer != none:
			at := p.place(sl)
			s.slots[i].Tensor = tensor.Tensor{DType: v.DType, Shape: v.Shape, Bytes: block[at : at+physicalBytes(v) : at+physicalBytes(v)+slack]}
			if fill := v.Layout.Fill; fill != 0 {
				for k := range s.slots[i].Bytes {
					s.slots[i].Bytes[k] = fill
				}
			}
		case v.DType == tensor.String && v.Kind == models.TensorKind && v.Static():
			s.slots[i].Tensor = tensor.New(v.DType, v.Shape)
		default:
			s.slots[i].Tensor = tensor.Tensor{DType: v.DType, Shape: v.Shape}
		}
	}
	s.work = make([]func() error, len(p.steps))
	for k := range p.steps {
		st := &p.steps[k]
		call := &ops.Call{In: s.pick(st.in), Out: s.pick(st.out), Scratch: scratch, Team: team}
		switch st.how {
		case static:
			s.work[k] = st.kernel.Bind(call)
		case view:
			s.work[k] = bindView(call.In[0], call.Out[0])
		case dynamic:
			s.work[k] = (&rebinder{step: st, call: call, target: p.target}).run
		}
	}
	return s
}

// Close ends the session's workers.
func (s *Session) Close() {
	if s.team != nil {
		s.team.Close()
	}
}

// Threads are the operating system's ids of the session's workers beside the caller.
func (s *Session) Threads() []int { return s.team.Threads() }

// Run reads in, one tensor for each of the program's inputs with its type and shape, and sets out to the outputs, which are only to be read. They lie in
// the session's memory, or are inputs or constants themselves, and hold until the next run. Run allocates nothing where all shapes are known to the program
// and the inputs' bytes are aligned to eight. A program with inputs or outputs that are no tensors is RunData's.
func (s *Session) Run(in, out []tensor.Tensor) error {
	p := s.program
	if len(in) != len(p.Inputs) || len(out) != len(p.Outputs) {
		return fmt.Errorf("%d inputs and %d outputs for a program with %d and %d", len(in), len(out), len(p.Inputs), len(p.Outputs))
	}
	for i := range p.Outputs {
		if out := &p.Outputs[i]; out.Kind != models.TensorKind {
			return fmt.Errorf("output %q is %s, no tensor", out.Name, out.Type())
		}
	}
	for i, t := range in {
		if err := s.take(i, t); err != nil {
			return err
		}
	}
	if err := s.run(); err != nil {
		return err
	}
	for i, slot := range p.outputs {
		out[i] = s.slots[slot].Tensor
	}
	return nil
}

// take makes a tensor the i-th input.
func (s *Session) take(i int, t tensor.Tensor) error {
	want := &s.program.Inputs[i]
	if want.Kind != models.TensorKind {
		return fmt.Errorf("input %q is a tensor; %s is wanted", want.Name, want.Type())
	}
	if t.DType != want.DType || !t.Shape.Equal(want.Shape) {
		return fmt.Errorf("input %q is %v; the program was compiled for %v %v", want.Name, t, want.DType, want.Shape)
	}
	if !filled(t) {
		return fmt.Errorf("input %q is %v with %d bytes and %d strings", want.Name, t, len(t.Bytes), len(t.Strings))
	}
	s.slots[s.program.inputs[i]].Tensor = tensor.Aligned(t)
	return nil
}

// filled reports whether t has as many elements as its shape says.
func filled(t tensor.Tensor) bool {
	if t.DType == tensor.String {
		return len(t.Strings) == t.Len()
	}
	return len(t.Bytes) == t.DType.Bytes(t.Len())
}

func (s *Session) run() error {
	for k, work := range s.work {
		if err := work(); err != nil {
			n := s.program.steps[k].node
			return fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
	}
	return nil
}

func (s *Session) pick(slots []int) []*ops.Slot {
	picked := make([]*ops.Slot, len(slots))
	for i, k := range slots {
		if k != none {
			picked[i] = s.slots[k]
		}
	}
	return picked
}

// bindView shows in's memory under out's shape.
func bindView(in, out *ops.Slot) func() error {
	return func() error {
		out.Bytes, out.Strings = in.Bytes, in.Strings
		return nil
	}
}

// rebinder runs a step whose shapes only a run tells: it infers them from what the inputs hold, and prepares and binds anew when they have changed.
type rebinder struct {
	step   *step
	call   *ops.Call
	target *ops.Target
	bound  *ops.Bound
}

func (r *rebinder) run() error {
	bound, err := ops.Rebind(r.step.node, r.call, r.target, r.bound)
	if err != nil {
		return err
	}
	r.bound = bound
	return bound.Work()
}
