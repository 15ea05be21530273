package engine_test

import (
	"fmt"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// TestRunAllocatesNothing holds Run to its word, for programs whose shapes are all known.
func TestRunAllocatesNothing(t *testing.T) {
	for _, name := range []string{"mobilenetv2", "squeezenet", "minilm@16", "resnet18@64"} {
		m, err := zoo.Build(name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for _, precision := range []engine.Precision{engine.FP32, engine.Mixed} {
			for _, threads := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s/%v/%d", name, precision, threads), func(t *testing.T) {
					p := compile(t, m, engine.Options{Features: cpu.Detect(), Threads: threads, Precision: precision})
					s := session(t, p)
					in, out := p.SeededInputs(1), make([]tensor.Tensor, len(p.Outputs))
					var failed error
					allocations := testing.AllocsPerRun(3, func() {
						if err := s.Run(in, out); err != nil {
							failed = err
						}
					})
					if failed != nil {
						t.Fatal(failed)
					}
					if allocations > 0 {
						t.Errorf("%v allocations in a run", allocations)
					}
				})
			}
		}
	}
}
