package engine

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
)

// body is a compiled subgraph of a control-flow node.
type body struct{ *Program }

// bodyRun is the memory for one caller of a body.
type bodyRun struct {
	session *Session
	out     []*ops.Slot
}

// compileBody builds a subgraph. Inputs whose shape is not known make their readers dynamic.
func compileBody(g *graph.Graph, t *ops.Target) (ops.Body, error) {
	p, err := build(g, t, newOwner(g, func([]byte) bool { return false }, func() {})) // the program's build owns what is in bodies
	if err != nil {
		return nil, err
	}
	return body{p}, nil
}

func (b body) NewRun(team *parallel.Team) ops.BodyRun {
	s := b.newSession(team)
	return &bodyRun{session: s, out: s.pick(b.outputs)}
}

func (r *bodyRun) Run(in []*ops.Slot) ([]*ops.Slot, error) {
	for i, slot := range r.session.program.inputs {
		if in[i] != nil {
			*r.session.slots[slot] = *in[i]
		}
	}
	if err := r.session.run(); err != nil {
		return nil, err
	}
	return r.out, nil
}
