package engine

import (
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models/zoo"
)

// TestProgramsKeepNoPackedWeights looks for weights that a kernel has in a form of its own and that the program's graph holds still, those that passes
// made among them.
func TestProgramsKeepNoPackedWeights(t *testing.T) {
	m, err := zoo.Build("minilm@16")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := Compile(m, Options{Features: cpu.Detect()})
	if err != nil {
		t.Fatal(err)
	}
	packed, kept := 0, 0
	for _, s := range p.steps {
		for i, v := range s.node.Inputs {
			switch {
			case !v.Known() || v.Shape.Elements()*4 < smallConstant:
			case slices.Contains(s.kernel.Packed, i):
				packed++
				if len(v.Const.Bytes) > 0 {
					t.Errorf("%s of %s is held twice", v.Name, s.node.Name)
				}
			default:
				kept++
				if len(v.Const.Bytes) == 0 {
					t.Errorf("%s of %s is lost", v.Name, s.node.Name)
				}
			}
		}
	}
	if packed == 0 || kept == 0 {
		t.Errorf("%d packed and %d other weights; the test says nothing", packed, kept)
	}
}
