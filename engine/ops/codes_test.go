package ops_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models/tensor"
)

// TestPackedWeightsAgree holds a MatMulNBits whose weights are known, which may be read as they are stored, against one that unpacks them in the run.
func TestPackedWeightsAgree(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	for _, c := range []struct {
		why                                  string
		bits, block, rows, columns, products int
		zeros                                tensor.DType // Undefined where there are none
		bias                                 bool
	}{
		{"one row", 4, 32, 96, 37, 1, tensor.Undefined, false},
		{"zero points, and a block that is not full", 4, 64, 150, 21, 3, tensor.Uint8, true},
		{"an odd number of zero points in bytes", 4, 32, 80, 16, 1, tensor.Uint8, false},
		{"zero points that are no integers", 4, 128, 256, 33, 2, tensor.Float32, false},
		{"bytes", 8, 32, 70, 40, 4, tensor.Uint8, false},
		{"bytes without zero points", 8, 64, 64, 5, 1, tensor.Undefined, true},
		{"blocks too short", 4, 16, 48, 9, 1, tensor.Uint8, false},
		{"numbers of two bits", 2, 32, 64, 9, 1, tensor.Undefined, false},
		{"many rows", 4, 32, 64, 9, 20, tensor.Undefined, false},
		{"enough for several threads", 4, 32, 1024, 600, 1, tensor.Uint8, false},
	} {
		t.Run(c.why, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			blocks := (c.rows + c.block - 1) / c.block
			code := func(s ...int) *tensor.Tensor {
				x := tensor.New(tensor.Uint8, s)
				for i := range x.Bytes {
					x.Bytes[i] = uint8(r.Uint32())
				}
				return &x
			}
			real := func(s ...int) *tensor.Tensor { x := seeded(r, tensor.Float32, s); return &x }
			inputs := []*tensor.Tensor{real(2, c.products, c.rows), code(c.columns, blocks, c.block*c.bits/8), real(c.columns * blocks), nil, nil, nil}
			if c.products < 3 {
				inputs[0] = real(c.products, c.rows)
			}
			switch c.zeros {
			case tensor.Uint8:
				inputs[3] = code(c.columns * ((blocks*c.bits + 7) / 8))
			case tensor.Float32:
				inputs[3] = real(c.columns * blocks)
			}
			if c.bias {
				inputs[5] = real(c.columns)
			}
			run := func(known bool, f cpu.Features, by *parallel.Team) tensor.Tensor {
				n := &graph.Node{Name: "n", Domain: "com.microsoft", Op: "MatMulNBits", Attributes: attributesOf(attrs{"K": c.rows, "N": c.columns, "bits": c.bits, "block_size": c.block})}
				var in []*ops.Slot
				for i, x := range inputs {
					if x == nil {
						n.Inputs, in = append(n.Inputs, nil), append(in, nil)
						continue
					}
					v := &graph.Value{DType: x.DType, Shape: x.Shape}
					if known && i > 0 {
						v.Const = x
					}
					n.Inputs, in = append(n.Inputs, v), append(in, &ops.Slot{Tensor: *x})
				}
				n.Outputs = []*graph.Value{{Producer: n}}
				out, err := ops.Eval(n, in, &ops.Target{Features: f, Threads: by.Size()}, by)
				if err != nil {
					t.Fatal(err)
				}
				return out[0].Tensor
			}
			want := run(false, 0, nil)
			wide := tensor.New(tensor.Float64, want.Shape)
			for i, v := range tensor.Data[float32](want) {
				tensor.Data[float64](wide)[i] = float64(v)
			}
			for _, f := range []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX2), 0} {
				for _, by := range []*parallel.Team{nil, team} {
					got := run(true, f, by)
					if !slices.Equal(got.Shape, want.Shape) {
						t.Fatalf("shape %s, want %s", got.Shape, want.Shape)
					}
					if e := distance(got, wide); !(e < 3e-6) {
						t.Errorf("on %v with %d threads: differs by %g of its RMS", f, by.Size(), e)
					}
				}
			}
		})
	}
}
