package passes_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/passes"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// tiny is a model made of text: an input is "x 1x3x8x8", a weight "w 4x3x3x3" of seeded numbers or "half =0.5" of given ones, a node
// "Conv x w > y pads=1,1,1,1". The last node's first output is the model's.
type tiny struct {
	inputs, weights, nodes []string
}

func (m tiny) model(t *testing.T) *models.Model {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	g := &models.Graph{Name: "tiny", Initializers: map[string]tensor.Tensor{}}
	for _, s := range m.inputs {
		name, dims, _ := strings.Cut(s, " ")
		g.Inputs = append(g.Inputs, &models.Value{Name: name, Type: floatType(parseShape(t, dims))})
	}
	for _, s := range m.weights {
		name, what, _ := strings.Cut(s, " ")
		if list, ok := strings.CutPrefix(what, "="); ok {
			g.Initializers[name] = numbers(t, list)
			continue
		}
		w := tensor.New(tensor.Float32, parseShape(t, what))
		for i := range tensor.Data[float32](w) {
			tensor.Data[float32](w)[i] = r.Float32() - 0.5
			if strings.HasPrefix(name, "variance") {
				tensor.Data[float32](w)[i] = r.Float32() + 0.5
			}
		}
		g.Initializers[name] = w
	}
	for i, s := range m.nodes {
		g.Nodes = append(g.Nodes, parseNode(t, i, s))
	}
	last := g.Nodes[len(g.Nodes)-1].Outputs[0]
	g.Outputs = []*models.Value{{Name: last, Type: models.Type{DType: tensor.Float32}}}
	return &models.Model{Path: "tiny", Opsets: map[string]int{"": models.Dialect}, Graph: g}
}

func floatType(s tensor.Shape) models.Type {
	typ := models.Type{DType: tensor.Float32, HasShape: true}
	for _, d := range s {
		typ.Dims = append(typ.Dims, models.Dim{Size: d})
	}
	return typ
}

func TestRewrites(t *testing.T) {
	for _, c := range rewrites {
		t.Run(c.why, func(t *testing.T) {
			if got := opsOf(t, c.tiny, graph.FP32); !slices.Equal(got, strings.Fields(c.want)) {
				t.Errorf("after the passes: %v, want %v", got, c.want)
			}
			want := run(t, c.tiny, engine.Options{NoPasses: true})
			for _, f := range []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX512BF16), cpu.Detect().Cap(cpu.LevelAVX2), 0} {
				for _, threads := range []int{1, 2} {
					got := run(t, c.tiny, engine.Options{Features: f, Threads: threads})
					if e := relative(got, want); !(e < 5e-6) {
						t.Errorf("on %v with %d threads the result differs by %g of its RMS", f, threads, e)
					}
				}
				got := run(t, c.tiny, engine.Options{Features: f, Precision: engine.Mixed})
				if e := relative(got, want); !(e < 2e-2) {
					t.Errorf("mixed on %v, the result differs by %g of its RMS", f, e)
				}
			}
		})
	}
}

// TestMixedTellsTheTruth holds the policy of precision.go against what the kernels say.
func TestMixedTellsTheTruth(t *testing.T) {
	for _, c := range rewrites {
		p, err := engine.Compile(c.tiny.model(t), engine.Options{Features: cpu.Detect(), Precision: engine.Mixed})
		if err != nil {
			t.Fatalf("%s: %v", c.why, err)
		}
		for _, s := range p.Placements() {
			named := strings.Contains(s.Class, "bf16") && !strings.HasPrefix(s.Class, "pool") || strings.Contains(s.Class, "fp16w")
			product := s.Op == "eiplan/Attend" || s.Op == "eiplan/Conv" || s.Op == "eiplan/ConvAverage" || s.Op == "eiplan/ConvTranspose" || s.Op == "eiplan/MatMul"
			if s.Mixed != (named && product) {
				t.Errorf("%s: %s ran on %q, mixed %v", c.why, s.Node, s.Class, s.Mixed)
			}
			if strings.Contains(s.Class, "depthwise") && s.Mixed {
				t.Errorf("%s: a depthwise convolution counts as mixed", c.why)
			}
		}
	}
}

// TestManyRowsStayFP32 holds products without bfloat16 to float16 where few rows share their weights, and to float32 where many do.
func TestManyRowsStayFP32(t *testing.T) {
	for _, c := range []struct {
		why, shape string
		mixed      bool
	}{
		{"one row is ruled by the bytes of the weights", "x 1x64", true},
		{"a few rows", "x 2x8x64", true},
		{"rows enough to hide the bytes", "x 1x32x64", false},
		{"rows of all batches count", "x 8x4x64", false},
	} {
		m := tiny{[]string{c.shape}, []string{"w 64x48"}, []string{"MatMul x w > y"}}
		p, err := engine.Compile(m.model(t), engine.Options{Features: cpu.Detect().Cap(cpu.LevelAVX2), Precision: engine.Mixed})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Placements() {
			if s.Mixed != c.mixed {
				t.Errorf("%s: %s ran on %q", c.why, s.Node, s.Class)
			}
		}
	}
}

// opsOf lists the operators of a model after all passes.
func opsOf(t *testing.T, m tiny, p graph.Precision) []string {
	t.Helper()
	low, err := graph.Lower(m.model(t), graph.Bindings{})
	if err != nil {
		t.Fatal(err)
	}
	o := passes.Options{Target: &ops.Target{Features: cpu.Detect(), Threads: 1}, Precision: p}
	for _, list := range [][]passes.Pass{passes.Portable, passes.Machine} {
		if err := passes.Run(low.Graph, list, o); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, n := range low.Graph.Nodes {
		names = append(names, ops.Key(n.Domain, n.Op))
		if len(n.From) == 0 {
			t.Errorf("%s stands for no node of the model", n.Name)
		}
	}
	return names
}

// run compiles a model and runs it once on seeded inputs.
func run(t *testing.T, m tiny, o engine.Options) []float32 {
	t.Helper()
	p, err := engine.Compile(m.model(t), o)
	if err != nil {
		t.Fatal(err)
	}
	s := p.NewSession()
	defer s.Close()
	r := rand.New(rand.NewPCG(3, 4))
	in := make([]tensor.Tensor, len(p.Inputs))
	for i, port := range p.Inputs {
		in[i] = tensor.New(port.DType, port.Shape)
		for j := range tensor.Data[float32](in[i]) {
			tensor.Data[float32](in[i])[j] = 2*r.Float32() - 1
		}
	}
	out := make([]tensor.Tensor, 1)
	for range 2 { // what a first run leaves in memory must not matter
		if err := s.Run(in, out); err != nil {
			t.Fatal(err)
		}
	}
	return slices.Clone(tensor.Data[float32](out[0]))
}

// relative is the RMS of the difference over that of want.
func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var d, w float64
	for i := range want {
		d += float64(got[i]-want[i]) * float64(got[i]-want[i])
		w += float64(want[i]) * float64(want[i])
	}
	return math.Sqrt(d / w)
}
