package engine_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// model makes a model of nodes in the newest dialect.
func model(inputs, outputs string, known constants, nodes ...*models.Node) *models.Model {
	return &models.Model{Path: "made", Opsets: map[string]int{"": models.Dialect}, Graph: body(inputs, outputs, known, nodes...)}
}

// constants are a graph's initializers.
type constants map[string]tensor.Tensor

// body makes a graph. Inputs are such as "x float32 batch,3; n int64", where a type without dimensions is a scalar's; outputs are names.
func body(inputs, outputs string, known constants, nodes ...*models.Node) *models.Graph {
	g := &models.Graph{Name: "made", Nodes: nodes, Initializers: map[string]tensor.Tensor{}}
	for name, t := range known {
		g.Initializers[name] = t
	}
	for s := range strings.SplitSeq(inputs, ";") {
		if fields := strings.Fields(s); len(fields) > 0 {
			g.Inputs = append(g.Inputs, &models.Value{Name: fields[0], Type: typeOf(fields[1:])})
		}
	}
	for _, name := range strings.Fields(outputs) {
		g.Outputs = append(g.Outputs, &models.Value{Name: name, Type: models.Type{DType: tensor.Float32}})
	}
	return g
}

func typeOf(fields []string) models.Type {
	d, err := tensor.ParseDType(fields[0])
	if err != nil {
		panic(err)
	}
	t := models.Type{DType: d, HasShape: true}
	if len(fields) > 1 {
		for dim := range strings.SplitSeq(fields[1], ",") {
			if size, err := strconv.Atoi(dim); err == nil {
				t.Dims = append(t.Dims, models.Dim{Size: size})
			} else {
				t.Dims = append(t.Dims, models.Dim{Size: -1, Param: dim})
			}
		}
	}
	return t
}

// node makes a node of "Conv x w _ > y", where _ is absent, with attributes as names and values in turn. It is named after its first output.
func node(s string, attributes ...any) *models.Node {
	from, to, _ := strings.Cut(s, ">")
	names := func(s string) []string { return strings.Fields(strings.ReplaceAll(" "+s, " _", ` `+"\x00")) }
	in, out := names(from), names(to)
	for _, list := range [][]string{in, out} {
		for i, name := range list {
			list[i] = strings.TrimPrefix(name, "\x00")
		}
	}
	n := &models.Node{Name: out[0], Op: in[0], Inputs: in[1:], Outputs: out, Attributes: map[string]models.Attribute{}}
	for i := 0; i < len(attributes); i += 2 {
		n.Attributes[attributes[i].(string)] = attribute(attributes[i+1])
	}
	return n
}

func attribute(v any) models.Attribute {
	switch v := v.(type) {
	case int:
		return models.Attribute{Kind: models.IntAttribute, Int: int64(v)}
	case []int64:
		return models.Attribute{Kind: models.IntsAttribute, Ints: v}
	case float64:
		return models.Attribute{Kind: models.FloatAttribute, Float: float32(v)}
	case string:
		return models.Attribute{Kind: models.StringAttribute, Str: v}
	case tensor.Tensor:
		return models.Attribute{Kind: models.TensorAttribute, Tensor: v}
	case *models.Graph:
		return models.Attribute{Kind: models.GraphAttribute, Graph: v}
	case models.Attribute:
		return v
	}
	panic(fmt.Sprintf("an attribute of %T", v))
}

// floats, ints, truth and texts make tensors; without dimensions a scalar of the one element.
func floats(shape tensor.Shape, data ...float32) tensor.Tensor {
	return tensor.From(tensor.Float32, shape, data)
}

func ints(shape tensor.Shape, data ...int64) tensor.Tensor {
	return tensor.From(tensor.Int64, shape, data)
}

// halves is a tensor of float16 codes.
func halves(shape tensor.Shape, codes ...uint16) tensor.Tensor {
	return tensor.From(tensor.Float16, shape, codes)
}

func truth(v bool) tensor.Tensor { return tensor.Scalar(tensor.Bool, v) }

func texts(shape tensor.Shape, data ...string) tensor.Tensor {
	return tensor.Tensor{DType: tensor.String, Shape: shape, Strings: data}
}

// ways are the options that every model must agree under.
func ways() map[string]engine.Options {
	return map[string]engine.Options{
		"as written": {Features: cpu.Detect(), NoPasses: true},
		"rewritten":  {Features: cpu.Detect(), Threads: 2},
		"plain Go":   {},
	}
}

func compile(t *testing.T, m *models.Model, o engine.Options) *engine.Program {
	t.Helper()
	p, err := engine.Compile(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func session(t *testing.T, p *engine.Program) *engine.Session {
	t.Helper()
	s := p.NewSession()
	t.Cleanup(s.Close)
	return s
}

// want fails the test where a run's outputs are not exactly those given.
func want(t *testing.T, s *engine.Session, in []tensor.Tensor, outputs ...tensor.Tensor) {
	t.Helper()
	got := make([]tensor.Tensor, len(outputs))
	if err := s.Run(in, got); err != nil {
		t.Error(err)
		return
	}
	for i := range outputs {
		if err := same(got[i], outputs[i]); err != nil {
			t.Errorf("output %d: %v", i, err)
		}
	}
}

func same(got, want tensor.Tensor) error {
	d, err := engine.Compare(got, want, engine.Tolerance{})
	if err != nil {
		return err
	}
	if !d.Within {
		return fmt.Errorf("%v%v%v, want %v%v%v", got, got.Bytes, got.Strings, want, want.Bytes, want.Strings)
	}
	return nil
}
