package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// tolerances say how far the outputs of a case may be off, and why.
type tolerances struct {
	rms float64 // the relative RMS error; 0 where each element is judged, by its type
	why string
}

// of is the tolerance for outputs of a type.
func (t tolerances) of(d tensor.DType) engine.Tolerance {
	if t.rms > 0 {
		return engine.Tolerance{RMS: t.rms}
	}
	return engine.ToleranceOf(d)
}

// String says which tolerance applies, and why.
func (t tolerances) String() string {
	if t.rms > 0 {
		return fmt.Sprintf("rel. RMS %.2g, %s", t.rms, t.why)
	}
	return "each element, " + t.why
}

// The bounds of the relative RMS error for models that compute in fewer bits inside.
const (
	rmsFloat16   = 1e-2
	rmsBFloat16  = 5e-2
	rmsQuantized = 5e-2
)

// tolerancesFor takes what --tolerance states, else what meta.json in the case's folder does, {"tolerance": 0.1}, else what fits the numbers that the model
// computes with.
func tolerancesFor(stated float64, dir string, m *models.Model, p engine.Precision) (tolerances, error) {
	if stated > 0 {
		return tolerances{stated, "by --tolerance"}, nil
	}
	file := filepath.Join(dir, "meta.json")
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return tolerances{}, err
	}
	var meta struct{ Tolerance float64 }
	if err == nil && len(b) > 0 {
		if err := json.Unmarshal(b, &meta); err != nil {
			return tolerances{}, fmt.Errorf("%s: %w", file, err)
		}
	}
	if meta.Tolerance < 0 {
		return tolerances{}, fmt.Errorf("%s: tolerance %g is below 0", file, meta.Tolerance)
	}
	if meta.Tolerance > 0 {
		return tolerances{meta.Tolerance, "by meta.json"}, nil
	}
	n := numbersOf(m)
	switch {
	case n.quantized:
		return tolerances{rmsQuantized, "for the model rounds to integers"}, nil
	case n.bfloat16:
		return tolerances{rmsBFloat16, "for the model computes in bfloat16"}, nil
	case p == engine.Mixed:
		return tolerances{rmsBFloat16, "for mixed precision"}, nil
	case n.float16:
		return tolerances{rmsFloat16, "for the model computes in float16"}, nil
	}
	return tolerances{why: "by its type"}, nil
}

// numbers is in what, beside float32, a model computes.
type numbers struct{ quantized, float16, bfloat16 bool }

// numbersOf looks at a model's operators and constants, in its subgraphs and functions too. Weights alone that are stored as integers round nothing.
func numbersOf(m *models.Model) numbers {
	var n numbers
	n.graph(m.Graph)
	for _, f := range m.Functions {
		n.nodes(f.Nodes)
	}
	return n
}

func (n *numbers) graph(g *models.Graph) {
	for _, t := range g.Initializers {
		n.element(t.DType)
	}
	for _, v := range g.Inputs {
		n.element(v.Type.DType)
	}
	n.nodes(g.Nodes)
}

func (n *numbers) nodes(list []*models.Node) {
	for _, node := range list {
		n.quantized = n.quantized || quantizes(node.Op)
		for _, a := range node.Attributes {
			n.element(a.Tensor.DType)
		}
		if node.Op == "Cast" {
			n.element(tensor.DType(node.Attributes["to"].Int))
		}
		for _, sub := range node.Subgraphs() {
			n.graph(sub)
		}
	}
}

func (n *numbers) element(d tensor.DType) {
	n.float16 = n.float16 || d == tensor.Float16
	n.bfloat16 = n.bfloat16 || d == tensor.BFloat16
}

// quantizes reports whether an operator rounds activations to integers, or multiplies such.
func quantizes(op string) bool {
	return op == "QuantizeLinear" || op == "QAttention" || strings.HasPrefix(op, "QLinear") || strings.HasPrefix(op, "QGemm") || strings.HasPrefix(op, "DynamicQuantize") ||
		op == "MatMulInteger" || op == "ConvInteger" || op == "MatMulIntegerToFloat"
}
