package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
	"github.com/eiplan/eiplan/models/zoo"
)

// randomBuffers makes buffers as build does: in the order of their first step.
func randomBuffers(r *rand.Rand) []buffer {
	buffers := make([]buffer, r.IntN(60))
	step := 0
	for i := range buffers {
		step += r.IntN(2)
		b := &buffers[i]
		b.size, b.first, b.within = align*r.IntN(40), step, i
		b.last = step + r.IntN(6)
		if r.IntN(4) == 0 {
			kind := r.IntN(3)
			b.geometry, b.size = fmt.Sprint(kind), align*(5+kind)
		}
	}
	return buffers
}

// TestArenaNeverOverlaps places random buffers: two that are needed at once never share a byte, and nothing but values of one geometry ever uses the
// memory of values that keep zeros.
func TestArenaNeverOverlaps(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	for range 2000 {
		given := randomBuffers(r)
		a := arena{buffers: append([]buffer(nil), given...)}
		a.place()
		for i, x := range given {
			if at := a.at(i); at%align != 0 || at < 0 || at+x.size > a.size {
				t.Fatalf("buffer %d of %d bytes at %d of %d", i, x.size, at, a.size)
			}
			for j, y := range given[:i] {
				apart := a.at(i)+x.size <= a.at(j) || a.at(j)+y.size <= a.at(i)
				together := x.first <= y.last && y.first <= x.last
				alike := x.geometry != "" && x.geometry == y.geometry && a.at(i) == a.at(j)
				if !apart && (together || (x.geometry != "" || y.geometry != "") && !alike) {
					t.Fatalf("%+v at %d and %+v at %d", x, a.at(i), y, a.at(j))
				}
			}
		}
	}
}

// TestArenaIsTight holds the size of the block between two bounds: what is alive at once at some step, and the sum of all.
func TestArenaIsTight(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 500 {
		a := arena{buffers: randomBuffers(r)}
		a.place()
		var sum, most int
		at := map[int]int{}
		for i, b := range a.buffers { // as place left them: values of one room live as long as it
			if b.within != i {
				continue
			}
			sum += b.size
			for k := b.first; k <= b.last; k++ {
				at[k] += b.size
				most = max(most, at[k])
			}
		}
		if a.size < most || a.size > sum {
			t.Fatalf("%d bytes; %d are alive at once, of %d", a.size, most, sum)
		}
	}
	chain := arena{} // each value made from the one before: two rooms do
	for i := range 50 {
		chain.buffers = append(chain.buffers, buffer{size: align, first: i, last: i + 1, within: i})
	}
	if chain.place(); chain.size != 2*align {
		t.Errorf("a chain takes %d bytes", chain.size)
	}
}

// TestArenaJoins lets a buffer continue another where nobody needs that any more.
func TestArenaJoins(t *testing.T) {
	for _, c := range []struct {
		reason string
		y      buffer
		step   int
		joins  bool
	}{
		{"made as the other is read for the last time", buffer{size: align, first: 3, last: 5}, 3, true},
		{"the other is needed later", buffer{size: align, first: 2, last: 5}, 2, false},
		{"of another size", buffer{size: 2 * align, first: 3, last: 5}, 3, false},
		{"of another geometry", buffer{size: align, first: 3, last: 5, geometry: "halo"}, 3, false},
	} {
		c.y.within = 1
		a := arena{buffers: []buffer{{size: align, first: 0, last: 3}, c.y}}
		if got := a.join(0, 1, c.step); got != c.joins {
			t.Errorf("%s: joins: %v", c.reason, got)
		}
		a.place()
		if a.at(0) == a.at(1) != c.joins {
			t.Errorf("%s: at %d and %d", c.reason, a.at(0), a.at(1))
		}
	}
}

// pixelwise are operators that make something else than zero of the zeros around an image.
var pixelwise = []string{"Sigmoid", "Exp", "Cos", "Softplus", "HardSigmoid", "Sqrt", "Tanh", "Relu", "HardSwish", "Erf", "Neg", "Abs", "Elu"}

// unary is a model that sends an image of five channels through an operator, a sum with a scalar and a quotient, between convolutions with padding.
func unary(op string) *models.Model {
	weights := func(out, in int) tensor.Tensor {
		w := tensor.New(tensor.Float32, tensor.Shape{out, in, 3, 3})
		for i := range tensor.Data[float32](w) {
			tensor.Data[float32](w)[i] = float32(i%7+1) / 50
		}
		return w
	}
	pads := map[string]models.Attribute{"pads": {Kind: models.IntsAttribute, Ints: []int64{1, 1, 1, 1}}}
	node := func(op, out string, attributes map[string]models.Attribute, in ...string) *models.Node {
		return &models.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attributes: attributes}
	}
	dims := []models.Dim{{Size: -1, Param: "batch"}, {Size: 3}, {Size: 20}, {Size: 12}}
	return &models.Model{Path: op, Opsets: map[string]int{"": models.Dialect}, Graph: &models.Graph{
		Inputs:  []*models.Value{{Name: "x", Type: models.Type{DType: tensor.Float32, HasShape: true, Dims: dims}}},
		Outputs: []*models.Value{{Name: "y"}},
		Initializers: map[string]tensor.Tensor{
			"w": weights(5, 3), "u": weights(4, 5), "three": tensor.Scalar(tensor.Float32, float32(3)),
		},
		Nodes: []*models.Node{
			node("Conv", "a", pads, "x", "w"), node(op, "b", nil, "a"), node("Add", "c", nil, "b", "three"), node("Div", "d", nil, "c", "b"), node("Conv", "e", pads, "d", "u"),
			node(op, "y", nil, "e"),
		},
	}}
}

// TestZerosStay runs models again and again: halos and the channels after the last are zero before any run, and after each.
func TestZerosStay(t *testing.T) {
	list := map[string]*models.Model{}
	for _, name := range []string{"mobilenetv2@96", "squeezenet@96", "resnet18@64"} {
		m, err := zoo.Build(name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		list[name] = m
	}
	for _, op := range pixelwise {
		list[op] = unary(op)
	}
	for name, m := range list {
		for _, precision := range []Precision{FP32, Mixed} {
			t.Run(fmt.Sprintf("%s/%v", name, precision), func(t *testing.T) {
				p, err := Compile(m, Options{Features: cpu.Detect(), Precision: precision, Dims: map[string]int{"batch": 2}})
				if err != nil {
					t.Fatal(err)
				}
				s := p.NewSession()
				defer s.Close()
				checked := 0
				for run := range 3 {
					for i, sl := range p.slots {
						if sl.value.Layout.Channels && keepsZeros(sl.value) {
							checked++
							checkZeros(t, sl.value, s.slots[i].Tensor, run)
						}
					}
					if err := s.Run(p.SeededInputs(uint64(run)), make([]tensor.Tensor, len(p.Outputs))); err != nil {
						t.Fatal(err)
					}
				}
				if checked == 0 {
					t.Error("no value keeps zeros")
				}
			})
		}
	}
}

// checkZeros looks at each element of v's memory that is none of the value's own.
func checkZeros(t *testing.T, v *graph.Value, x tensor.Tensor, run int) {
	t.Helper()
	l, channels, width, height := v.Layout, v.Shape[1], v.Shape[len(v.Shape)-1], 1
	if len(v.Shape) == 4 {
		height = v.Shape[2]
	}
	rows, columns := l.Top+height+l.Bottom, l.Left+width+l.Right
	size := v.DType.Bytes(1)
	for i := range len(x.Bytes) / size {
		c, px, py := i%l.Stride, i/l.Stride%columns, i/l.Stride/columns%rows
		if c < channels && px >= l.Left && px < l.Left+width && py >= l.Top && py < l.Top+height {
			continue
		}
		last := (i+1)*size - 1 // which has the sign
		if x.Bytes[last]&0x7f != 0 || slices.ContainsFunc(x.Bytes[i*size:last], func(b byte) bool { return b != 0 }) {
			t.Fatalf("before run %d: %v: channel %d of row %d, column %d is not zero", run, v, c, py, px)
		}
	}
}
