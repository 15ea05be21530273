// Package engine runs models: it compiles one into a Program for the machine at hand, and counts its Workload for machines that are not here.
// It knows nothing about money.
package engine

import (
	"fmt"
	"runtime/debug"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/engine/passes"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// Precision is in what numbers a program multiplies.
type Precision = graph.Precision

const (
	FP32  = graph.FP32
	Mixed = graph.Mixed
)

// Options say how to compile a model.
type Options struct {
	Features  cpu.Features            // instruction sets to use; none is plain Go
	Threads   int                     // workers of each session; 0 is 1
	Precision Precision               // Mixed multiplies 16-bit numbers where passes.Precision lets it
	Dims      map[string]int          // named dimensions of the model's inputs
	Shapes    map[string]tensor.Shape // whole shapes of its inputs
	NoPasses  bool                    // only what running needs: no rewrites
	Tuner     *Tuner                  // measures what static rules would settle; nil: they do
}

// Compile makes a program of a model, which may be closed afterwards. An error names the node, or says that the model's file was shortened meanwhile.
func Compile(m *models.Model, o Options) (p *Program, err error) {
	err = m.Guard(func() error {
		p, err = compile(m, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Count is the workload that a program compiled with these options would have. It prepares nothing to run and reads no large weights, so it
// is quick.
func Count(m *models.Model, o Options) (w Workload, err error) {
	err = m.Guard(func() error {
		low, _, err := portable(m, o, true)
		if err == nil {
			w = count(low.Graph)
		}
		return err
	})
	return w, err
}

// portable lowers a model and applies the passes that come before the workload is counted; a graph made for counting can't run.
func portable(m *models.Model, o Options, counting bool) (*graph.Lowered, passes.Options, error) {
	low, err := graph.Lower(m, graph.Bindings{Dims: o.Dims, Shapes: o.Shapes})
	if err != nil {
		return nil, passes.Options{}, err
	}
	for _, v := range low.Inputs {
		if v.Static() && ops.BytesOf(v.DType, v.Shape.Elements()) > ops.MostBytes {
			return nil, passes.Options{}, fmt.Errorf("input %v is larger than memory can be", v)
		}
	}
	if unsupported := ops.Unsupported(low.Graph); len(unsupported) > 0 {
		return nil, passes.Options{}, &UnsupportedError{unsupported}
	}
	po := passes.Options{Target: &ops.Target{Features: o.Features, Threads: max(o.Threads, 1), Body: compileBody}, Precision: o.Precision, Counting: counting}
	list := passes.Portable
	if o.NoPasses {
		list = passes.Required
	}
	return low, po, passes.Run(low.Graph, list, po)
}

// tidy frees what reading a model, and lowering it, left behind, where it has so many nodes that this is much.
func tidy(m *models.Model) {
	const many = 1000
	if len(m.Graph.Nodes) >= many {
		debug.FreeOSMemory()
	}
}

func compile(m *models.Model, o Options) (*Program, error) {
	tidy(m)
	low, po, err := portable(m, o, false)
	if err != nil {
		return nil, err
	}
	tidy(m)
	var team *parallel.Team
	if o.Tuner != nil {
		team = parallel.New(po.Target.Threads)
		defer team.Close()
		po.Target.Tune = func(key string, ways []string, try ops.Try) (string, error) {
			return o.Tuner.choose(team, key, ways, try)
		}
	}
	workload := count(low.Graph)
	rows, cases := make([]int, len(low.Inputs)), make([]int, len(low.Inputs))
	for i, v := range low.Inputs {
		if !v.DType.Float() {
			rows[i], cases[i] = rowsIndexed(low.Graph, v), caseOf(low.Graph, v)
		}
	}
	if !o.NoPasses {
		if err := passes.Run(low.Graph, passes.Machine, po); err != nil {
			return nil, err
		}
	}
	own := newOwner(low.Graph, m.Mapped, m.Release)
	own.free()
	p, err := build(low.Graph, po.Target, own)
	if err != nil {
		return nil, err
	}
	own.free()
	p.Dims, p.Defaults, p.workload = low.Dims, low.Defaults, workload
	for i := range rows {
		p.Inputs[i].Rows, p.Inputs[i].Case = rows[i], cases[i]
	}
	for i, out := range m.Graph.Outputs {
		p.Outputs[i].Name = out.Name // rewrites may have put another value in its place
	}
	if o.Tuner != nil && po.Target.Threads > 1 {
		if err := p.tuneThreads(o.Tuner, team, o.Precision); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// UnsupportedError lists every operator of a model that the engine does not run.
type UnsupportedError struct{ Ops []ops.Missing }

func (e *UnsupportedError) Error() string {
	s := "operators that the engine does not run:"
	for i, m := range e.Ops {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprintf(" %s (%d nodes, the first %q)", m.Key, m.Nodes, m.First)
	}
	return s
}

// Operators lists what the engine runs: ONNX names, with the domain before a slash where that is not ai.onnx.
func Operators() []string { return ops.Supported() }
