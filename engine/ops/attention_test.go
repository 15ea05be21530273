package ops_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestAttentionAgrees compares the float32 kernels, on a team and alone, with the plain loops of float64.
func TestAttentionAgrees(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	for _, c := range []struct {
		reason     string
		shapes     []tensor.Shape // query, key, value, mask, past key, past value; nil where absent
		attributes map[string]models.Attribute
		outputs    int
	}{
		{"heads of odd sizes", []tensor.Shape{{2, 3, 37, 19}, {2, 3, 41, 19}, {2, 3, 41, 23}}, nil, 1},
		{"shared keys", []tensor.Shape{{1, 8, 33, 16}, {1, 2, 33, 16}, {1, 2, 33, 16}}, numbers("is_causal", 1), 1},
		{"heads side by side", []tensor.Shape{{2, 20, 4 * 24}, {2, 30, 2 * 24}, {2, 30, 2 * 8}}, numbers("q_num_heads", 4, "kv_num_heads", 2), 1},
		{"a step of decoding", []tensor.Shape{{2, 6, 1, 32}, {2, 2, 1, 32}, {2, 2, 1, 32}, nil, {2, 2, 70, 32}, {2, 2, 70, 32}}, numbers("is_causal", 1), 3},
		{"a mask for all heads", []tensor.Shape{{2, 3, 17, 8}, {2, 3, 29, 8}, {2, 3, 29, 8}, {2, 1, 17, 29}}, nil, 1},
		{"a mask of one row", []tensor.Shape{{1, 3, 17, 8}, {1, 3, 29, 8}, {1, 3, 29, 8}, {29}}, numbers("is_causal", 1), 1},
		{"no key", []tensor.Shape{{1, 2, 3, 8}, {1, 2, 0, 8}, {1, 2, 0, 8}}, nil, 1},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			n := &graph.Node{Op: "Attention", Attributes: c.attributes}
			var wide, single []*ops.Slot
			for _, s := range c.shapes {
				if s == nil {
					n.Inputs, wide, single = append(n.Inputs, nil), append(wide, nil), append(single, nil)
					continue
				}
				x, y := tensor.New(tensor.Float64, s), tensor.New(tensor.Float32, s)
				for i := range y.Len() {
					v := float32(r.NormFloat64())
					tensor.Data[float32](y)[i], tensor.Data[float64](x)[i] = v, float64(v)
				}
				n.Inputs = append(n.Inputs, &graph.Value{})
				wide, single = append(wide, &ops.Slot{Tensor: x}), append(single, &ops.Slot{Tensor: y})
			}
			for range c.outputs {
				n.Outputs = append(n.Outputs, &graph.Value{})
			}
			want, err := ops.Eval(n, wide, target(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, on := range []*parallel.Team{nil, team} {
				got, err := ops.Eval(n, single, target(), on)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					if err := close32(got[i].Tensor, want[i].Tensor); err != nil {
						t.Errorf("team of %d, output %d: %v", on.Size(), i, err)
					}
				}
			}
		})
	}
}

// numbers makes integer attributes of names and numbers that alternate.
func numbers(list ...any) map[string]models.Attribute {
	attributes := map[string]models.Attribute{}
	for i := 0; i < len(list); i += 2 {
		attributes[list[i].(string)] = models.Attribute{Kind: models.IntAttribute, Int: int64(list[i+1].(int))}
	}
	return attributes
}

// close32 compares what float32 and float64 made of the same.
func close32(got, want tensor.Tensor) error {
	if !got.Shape.Equal(want.Shape) {
		return fmt.Errorf("shape %s, want %s", got.Shape, want.Shape)
	}
	for i, w := range tensor.Data[float64](want) {
		if g := float64(tensor.Data[float32](got)[i]); !(math.Abs(g-w) <= 1e-5+1e-4*math.Abs(w)) {
			return fmt.Errorf("element %d is %v, want %v", i, g, w)
		}
	}
	return nil
}

// TestEinsumAgrees compares float32, which may run as products of matrices, with the plain loop of int64.
func TestEinsumAgrees(t *testing.T) {
	for _, c := range []struct {
		equation string
		a, b     tensor.Shape
	}{
		{"ij,jk->ik", tensor.Shape{5, 7}, tensor.Shape{7, 6}},
		{"ij,kj->ki", tensor.Shape{5, 7}, tensor.Shape{6, 7}},
		{"bhqd,bhkd->bhqk", tensor.Shape{2, 3, 5, 4}, tensor.Shape{2, 3, 6, 4}},
		{"bqhd,bkhd->bhqk", tensor.Shape{2, 5, 3, 4}, tensor.Shape{2, 6, 3, 4}},
		{"bhqk,bkhd->bqhd", tensor.Shape{2, 3, 5, 6}, tensor.Shape{2, 6, 3, 4}},
		{"abc,cd->dba", tensor.Shape{2, 3, 4}, tensor.Shape{4, 5}},
		{"abcd,bcef->aedf", tensor.Shape{2, 3, 4, 5}, tensor.Shape{3, 4, 6, 2}},
		{"i,j->ij", tensor.Shape{4}, tensor.Shape{5}},
		{"i,i->", tensor.Shape{9}, tensor.Shape{9}},
		{"...ij,...jk->...ik", tensor.Shape{2, 3, 4}, tensor.Shape{2, 4, 5}},
		{"...ij,...jk->...ik", tensor.Shape{2, 3, 4}, tensor.Shape{1, 4, 5}},
		{"ii,ij->j", tensor.Shape{4, 4}, tensor.Shape{4, 3}},
		{"ij,kl->il", tensor.Shape{2, 3}, tensor.Shape{4, 5}},
		{"ij,jk->ik", tensor.Shape{5, 0}, tensor.Shape{0, 6}},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			n := &graph.Node{Op: "Einsum", Inputs: []*graph.Value{{}, {}}, Outputs: []*graph.Value{{}},
				Attributes: map[string]models.Attribute{"equation": {Kind: models.StringAttribute, Str: c.equation}}}
			var whole, single []*ops.Slot
			for k, s := range []tensor.Shape{c.a, c.b} {
				x, y := tensor.New(tensor.Int64, s), tensor.New(tensor.Float32, s)
				for i := range x.Len() {
					v := (i*7+k*3)%11 - 5
					tensor.Data[int64](x)[i], tensor.Data[float32](y)[i] = int64(v), float32(v)
				}
				whole, single = append(whole, &ops.Slot{Tensor: x}), append(single, &ops.Slot{Tensor: y})
			}
			want, err := ops.Eval(n, whole, target(), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ops.Eval(n, single, target(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !got[0].Shape.Equal(want[0].Shape) {
				t.Fatalf("shape %s, want %s", got[0].Shape, want[0].Shape)
			}
			for i, w := range tensor.Data[int64](want[0].Tensor) {
				if g := tensor.Data[float32](got[0].Tensor)[i]; g != float32(w) {
					t.Errorf("element %d is %v, want %d", i, g, w)
				}
			}
		})
	}
}

// TestTopKSorts compares each k with a stable sort of the whole.
func TestTopKSorts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, d := range []int{1, 2, 3, 10, 100} {
		x := make([]int64, d)
		for i := range x {
			x[i] = r.Int64N(int64(d)) // with equal ones
		}
		order := make([]int64, d)
		for i := range order {
			order[i] = int64(i)
		}
		slices.SortStableFunc(order, func(a, b int64) int { return int(x[b] - x[a]) })
		for k := range d + 1 {
			n := &graph.Node{Op: "TopK", Inputs: []*graph.Value{{}, {}}, Outputs: []*graph.Value{{}, {}}}
			got, err := ops.Eval(n, []*ops.Slot{{Tensor: int64s(tensor.Shape{d}, x...)}, {Tensor: int64s(tensor.Shape{1}, int64(k))}}, target(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if places := tensor.Data[int64](got[1].Tensor); !slices.Equal(places, order[:k]) {
				t.Errorf("%d of %d: places %v, want %v", k, d, places, order[:k])
			}
		}
	}
}
