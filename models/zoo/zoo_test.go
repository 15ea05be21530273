package zoo_test

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// TestOutline builds a model with and without its weights: the same graph, the same vectors, and matrices of zeros in place of seeded ones.
func TestOutline(t *testing.T) {
	for _, ref := range []string{"resnet18", "bert_tiny"} {
		whole, err := zoo.Build(ref)
		if err != nil {
			t.Fatal(err)
		}
		again, err := zoo.Build(ref)
		if err != nil {
			t.Fatal(err)
		}
		outline, err := zoo.Outline(ref)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(whole.Graph.Nodes, outline.Graph.Nodes) || whole.SHA256 != outline.SHA256 || len(whole.Graph.Initializers) != len(outline.Graph.Initializers) {
			t.Errorf("%s: the outline is of another graph", ref)
		}
		for name, w := range whole.Graph.Initializers {
			o := outline.Graph.Initializers[name]
			if !w.Shape.Equal(o.Shape) || !bytes.Equal(w.Bytes, again.Graph.Initializers[name].Bytes) {
				t.Errorf("%s: %s differs from one build to the next", ref, name)
			}
			matrix := len(w.Shape) > 1
			if matrix == bytes.Equal(w.Bytes, o.Bytes) || matrix && !bytes.Equal(o.Bytes, make([]byte, len(o.Bytes))) {
				t.Errorf("%s: %s of %v is not as the outline should have it", ref, name, w.Shape)
			}
		}
	}
}

// TestWeights draws what keeps the variance of activations: mean 0 and variance 2 over the products of an output.
func TestWeights(t *testing.T) {
	m, err := zoo.Build("resnet18@32")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range m.Graph.Nodes {
		if n.Op != "Conv" {
			continue
		}
		w := m.Graph.Initializers[n.Inputs[1]]
		var sum, squares float64
		for _, x := range tensor.Data[float32](w) {
			sum += float64(x)
			squares += float64(x) * float64(x)
		}
		count, fan := float64(w.Len()), float64(w.Shape[1:].Elements())
		if mean, variance := sum/count, squares/count*fan; math.Abs(mean)*math.Sqrt(fan) > 0.1 || math.Abs(variance-2) > 0.1 {
			t.Errorf("%s: mean %g, variance %g over %g products", n.Name, mean, variance, fan)
		}
	}
}
