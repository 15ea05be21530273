package main

import (
	"fmt"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
)

// fits refuses a program whose session this machine has no memory for; where the machine does not tell what it has, it lets any pass. What a run makes of
// shapes that it alone tells is not counted.
func fits(l *loaded, p *engine.Program) error {
	available, known := cpu.AvailableMemory()
	if !known {
		return nil
	}
	return fitsIn(available, l.ref, p)
}

// fitsIn is fits on a machine with so many bytes.
func fitsIn(available int64, ref string, p *engine.Program) error {
	needed := int64(p.ActivationBytes())
	for _, in := range p.Inputs {
		needed += int64(in.DType.Bytes(in.Shape.Elements()))
	}
	if needed <= available {
		return nil
	}
	return &exitError{code: exitModel,
		err:  fmt.Errorf("%s: a run needs %s for its inputs and activations; this machine has %s available", ref, gibibytes(needed), gibibytes(available)),
		hint: "choose a smaller batch or shape with --dim or --shape, or run on a machine with more memory"}
}

func gibibytes(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }
