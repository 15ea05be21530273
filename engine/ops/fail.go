package ops

import (
	"errors"

	"github.com/eiplan/eiplan/engine/graph"
)

// fail stands for a branch that cannot run at the shapes at hand. Its outputs have the types of the other branch's; where it is taken after all, the
// run ends with the error that its attribute message holds.
func fail() Op {
	return Op{
		Random: true,
		Infer:  func(*graph.Node) error { return nil },
		Cost:   costControl,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			err := errors.New(n.Str("message", "this branch cannot run"))
			return Kernel{Class: "control", Bind: func(*Call) func() error { return func() error { return err } }}, nil
		},
	}
}
