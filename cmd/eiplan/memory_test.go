package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models/zoo"
)

// TestFitsIn gives a program machines with more and with less memory than its session takes.
func TestFitsIn(t *testing.T) {
	m, err := zoo.Build("mobilenetv2@96")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := engine.Compile(m, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	input := int64(p.Inputs[0].DType.Bytes(p.Inputs[0].Shape.Elements()))
	needed := int64(p.ActivationBytes()) + input
	if needed <= input || input == 0 {
		t.Fatalf("%d bytes needed, %d of them for the input", needed, input)
	}
	if err := fitsIn(needed, "m.onnx", p); err != nil {
		t.Errorf("exactly enough: %v", err)
	}
	err = fitsIn(needed-1, "m.onnx", p)
	var e *exitError
	if !errors.As(err, &e) || e.code != exitModel || !strings.Contains(e.hint, "smaller batch") {
		t.Fatalf("a byte too few: %v", err)
	}
	err = fitsIn(0, "m.onnx", p)
	if want := "m.onnx: a run needs "; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "has 0.0 GiB available") {
		t.Errorf("nothing available: %v", err)
	}
}
