package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

var ofFloats = models.Type{DType: tensor.Float32}

func sequenceOf(e models.Type) models.Type { return models.Type{Kind: models.SequenceKind, Elem: &e} }

func optionalOf(e models.Type) models.Type { return models.Type{Kind: models.OptionalKind, Elem: &e} }

func mapFrom(key tensor.DType) models.Type {
	return models.Type{Kind: models.MapKind, Key: key, Elem: &ofFloats}
}

// taking is a model with one input of a type.
func taking(t models.Type, nodes ...*models.Node) *models.Model {
	m := model("", "y", nil, nodes...)
	m.Graph.Inputs = []*models.Value{{Name: "x", Type: t}}
	return m
}

func datum(d tensor.Tensor) models.Datum { return models.Datum{Tensor: d} }

func several(kind models.Kind, elems ...models.Datum) models.Datum {
	return models.Datum{Kind: kind, Elems: elems}
}

func ml(n *models.Node, name string, a models.Attribute) *models.Node {
	n.Domain, n.Attributes[name] = "ai.onnx.ml", a
	return n
}

// TestRunData runs programs on values of each kind, twice: what one run leaves behind must not show in the next.
func TestRunData(t *testing.T) {
	a, b := datum(floats(shape{2}, 1, 2)), datum(floats(shape{3}, 3, 4, 5))
	words := tensor.Tensor{DType: tensor.String, Shape: shape{2}, Strings: []string{"no", "yes"}}
	labels := models.Attribute{Kind: models.StringsAttribute, Strs: words.Strings}
	wordMap := func(v ...float32) models.Datum {
		return several(models.MapKind, datum(words), datum(floats(shape{2}, v...)))
	}
	sequence, optional := models.SequenceKind, models.OptionalKind
	for _, c := range []struct {
		reason   string
		model    *models.Model
		in, want models.Datum
		kind     string // of the output, with its shape
	}{
		{"a sequence in and out", taking(sequenceOf(ofFloats), node("SequenceErase x > y")), several(sequence, a, b), several(sequence, a), "seq(float32)"},
		{"an empty sequence", taking(sequenceOf(ofFloats), node("Identity x > y")), several(sequence), models.Datum{Kind: sequence, Elems: []models.Datum{}}, "seq(float32)"},
		{"a tensor in, a sequence out", model("x float32 2", "y", nil, node("SequenceConstruct x x > y")), a, several(sequence, a, a), "seq(float32)"},
		{"the shape that a sequence's tensors share", model("x float32 2", "y", nil, node("SequenceConstruct x x > s"), node("SequenceAt s i > a"), node("Relu a > y")), a, a, "float32 2"},
		{"tensors joined along a new axis", model("x float32 2", "y", nil, node("SequenceConstruct x x > s"), node("ConcatFromSequence s > y", "axis", 1, "new_axis", 1)), a, datum(floats(shape{2, 2}, 1, 1, 2, 2)), "float32 2x?"},
		{"an optional with a sequence", taking(optionalOf(sequenceOf(ofFloats)), node("OptionalGetElement x > y")), several(optional, several(sequence, a)), several(sequence, a), "seq(float32)"},
		{"an optional without a value", taking(optionalOf(ofFloats), node("Identity x > y")), several(optional), several(optional), "optional(float32)"},
		{"an optional with a tensor", taking(optionalOf(ofFloats), node("Identity x > y")), several(optional, b), several(optional, b), "optional(float32)"},
		{"maps out", model("x float32 2,2", "y", nil, ml(node("ZipMap x > y"), "classlabels_strings", labels)), datum(floats(shape{2, 2}, 1, 2, 3, 4)), several(sequence, wordMap(1, 2), wordMap(3, 4)), "seq(map(string,float32))"},
		{"a map in", taking(mapFrom(tensor.String), ml(node("DictVectorizer x > y"), "string_vocabulary", models.Attribute{Kind: models.StringsAttribute, Strs: []string{"yes", "maybe"}})), wordMap(1, 2), datum(floats(shape{1, 2}, 2, 0)), "float32 1x2"},
	} {
		c.model.Graph.Initializers["i"] = ints(shape{}, 1)
		for _, o := range []engine.Options{{NoPasses: true}, {}} {
			p, err := engine.Compile(c.model, o)
			if err != nil {
				t.Errorf("%s: %v", c.reason, err)
				continue
			}
			kind := p.Outputs[0].Type()
			if p.Outputs[0].Shape != nil {
				kind += " " + p.Outputs[0].Shape.String()
			}
			if kind != c.kind {
				t.Errorf("%s: the output is %s, want %s", c.reason, kind, c.kind)
			}
			s, out := p.NewSession(), make([]models.Datum, 1)
			c.want.Name = "y"
			for range 2 {
				if err := s.RunData([]models.Datum{c.in}, out); err != nil || !cmp.Equal(out[0], c.want) {
					t.Errorf("%s: got %+v, %v; want %+v", c.reason, out[0], err, c.want)
				}
			}
			s.Close()
		}
	}
}

// TestRunDataErrors runs on data of other types: each error names the input, and what is wanted.
func TestRunDataErrors(t *testing.T) {
	vectorized := taking(mapFrom(tensor.Int64), ml(node("DictVectorizer x > y"), "int64_vocabulary", models.Attribute{Kind: models.IntsAttribute, Ints: []int64{1}}))
	passed := taking(sequenceOf(ofFloats), node("Identity x > y"))
	one := datum(floats(shape{1}, 1))
	for _, c := range []struct {
		reason string
		model  *models.Model
		in     models.Datum
		want   string
	}{
		{"a tensor for a sequence", passed, one, `input "x": a tensor in the place of a sequence; seq(float32) is wanted`},
		{"tensors of another type", passed, several(models.SequenceKind, one, datum(ints(shape{1}, 1))), `element 1: elements of int64 in the place of float32`},
		{"a sequence in a sequence", passed, several(models.SequenceKind, several(models.SequenceKind)), `element 0 is a sequence`},
		{"a sequence for a tensor", model("x float32 1", "y", nil, node("Relu x > y")), several(models.SequenceKind), `a sequence in the place of a tensor; float32 is wanted`},
		{"keys of another type", vectorized, several(models.MapKind, one, one), `keys: elements of float32 in the place of int64; map(int64,float32) is wanted`},
		{"a key without a value", vectorized, several(models.MapKind, datum(ints(shape{2}, 1, 2)), one), `keys int64 2 for values float32 1`},
	} {
		p, err := engine.Compile(c.model, engine.Options{})
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		s := p.NewSession()
		defer s.Close()
		if err := s.RunData([]models.Datum{c.in}, make([]models.Datum, 1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %s", c.reason, err, c.want)
		}
	}
}

func TestRunRefusesWhatIsNoTensor(t *testing.T) {
	p, err := engine.Compile(model("x float32 1", "y", nil, node("SequenceConstruct x > y")), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := p.NewSession()
	defer s.Close()
	err = s.Run([]tensor.Tensor{floats(shape{1}, 1)}, make([]tensor.Tensor, 1))
	if want := `output "y" is seq(float32), no tensor`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
