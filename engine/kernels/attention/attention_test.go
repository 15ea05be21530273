package attention

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/kernels/fence"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/parallel"
)

// shapes are heads that lie side by side in rows, each with its reason.
var shapes = []struct {
	reason          string
	heads, share    int // share heads of Q use one of K and V
	queries, keys   int
	size, valueSize int
	mask            int // 0 none, 1 for all queries, 2 for each
	causal, zeros   bool
	past            int
}{
	{"one of each", 1, 1, 1, 1, 1, 1, 0, false, false, 0},
	{"one query", 3, 1, 1, 33, 64, 64, 1, false, false, 0},
	{"one query of a past", 2, 2, 1, 7, 8, 8, 0, true, true, 6},
	{"an encoder", 3, 1, 128, 128, 64, 64, 1, false, false, 0},
	{"narrow heads", 4, 1, 128, 128, 32, 32, 1, false, false, 0},
	{"an image and a class", 2, 1, 197, 197, 64, 64, 0, false, false, 0},
	{"odd everything", 3, 1, 37, 29, 10, 7, 2, false, false, 0},
	{"shared keys", 4, 2, 20, 24, 16, 16, 2, false, true, 0},
	{"causal", 2, 1, 70, 70, 32, 32, 0, true, true, 0},
	{"causal with a past", 2, 1, 9, 30, 16, 24, 1, true, true, 21},
	{"a negative past", 1, 1, 9, 5, 16, 16, 0, true, true, -4},
	{"keys in blocks", 1, 1, 70, 1100, 16, 16, 1, false, false, 0},
	{"causal, in blocks", 1, 1, 600, 600, 16, 16, 0, true, false, 0},
}

func levels() []cpu.Features {
	here := cpu.Detect()
	all := []cpu.Features{0}
	for _, l := range []cpu.Level{cpu.LevelAVX2, cpu.LevelAVX512, cpu.LevelAVX512BF16, cpu.LevelAMX, cpu.LevelNEON, cpu.LevelNEONBF16} {
		if f := here.Cap(l); !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

func TestHeads(t *testing.T) {
	team := parallel.New(2)
	defer team.Close()
	for i, s := range shapes {
		for _, features := range levels() {
			for _, format := range []gemm.Format{gemm.FP32, gemm.BF16} {
				if format == gemm.BF16 && !gemm.Choose(features, gemm.BF16, 1, 1, 1).Vector() {
					continue
				}
				t.Run(fmt.Sprintf("%s/%v/%v", s.reason, features.Level(), format), func(t *testing.T) {
					kv := s.heads / s.share
					h := Heads{Format: format, Queries: s.queries, Keys: s.keys, Size: s.size, ValueSize: s.valueSize, Scale: 0.3, Causal: s.causal, Past: s.past, Zeros: s.zeros}
					for head := range s.heads {
						h.Q, h.Y = append(h.Q, head*s.size), append(h.Y, head*s.valueSize)
						h.K, h.V = append(h.K, head/s.share*s.size), append(h.V, head/s.share*s.valueSize)
						if s.mask > 0 {
							h.Mask = append(h.Mask, 0)
						}
					}
					var mask []float32
					if s.mask > 0 {
						mask = fence.Slice[float32](t, s.keys)
						if s.mask == 2 {
							h.MaskRow, mask = s.keys, fence.Slice[float32](t, s.queries*s.keys)
						}
						fill(mask, uint64(i))
						for j := 1; j < len(mask); j += 5 {
							mask[j] = float32(math.Inf(-1))
						}
					}
					q, k, v := operand(t, format, s.queries, s.heads*s.size, 1), operand(t, format, s.keys, kv*s.size, 2), operand(t, format, s.keys, kv*s.valueSize, 3)
					y := operand(t, format, s.queries, s.heads*s.valueSize, 4)
					call, err := h.Bind(features, 2)
					if err != nil {
						t.Fatal(err)
					}
					call.Run(team, q, k, v, y, mask)
					call.Run(team, q, k, v, y, mask) // nothing is left of the first
					h.check(t, q, k, v, y, mask)
					if format == gemm.BF16 {
						y = operand(t, gemm.FP32, s.queries, s.heads*s.valueSize, 4)
						call.Run(team, q, k, v, y, mask)
						h.check(t, q, k, v, y, mask)
					}
				})
			}
		}
	}
}

// check compares y with the definition.
func (h Heads) check(t *testing.T, q, k, v, y gemm.Matrix, mask []float32) {
	t.Helper()
	tolerance := 2e-6
	if h.Format == gemm.BF16 {
		tolerance = 0x1p-7
	}
	for head := range h.Q {
		for i := range h.Queries {
			e, total, top := make([]float64, h.Keys), 0.0, math.Inf(-1)
			for j := range e {
				for x := range h.Size {
					e[j] += at(q, h.Q[head]+x, i) * at(k, h.K[head]+x, j)
				}
				e[j] *= float64(h.Scale)
				if mask != nil {
					e[j] += float64(mask[h.Mask[head]+i*h.MaskRow+j])
				}
				if h.Causal && j > h.Past+i {
					e[j] = math.Inf(-1)
				}
				top = max(top, e[j])
			}
			for j := range e {
				if e[j] = math.Exp(e[j] - top); math.IsInf(top, -1) {
					e[j] = 0
				}
				total += e[j]
			}
			for x := range h.ValueSize {
				want := 0.0
				for j := range e {
					want += e[j] / total * at(v, h.V[head]+x, j)
				}
				if total == 0 && h.Zeros {
					want = 0
				}
				if got := at(y, h.Y[head]+x, i); !(math.Abs(got-want) <= tolerance) && !(got != got && want != want) {
					t.Fatalf("head %d, query %d, element %d: %g, want %g", head, i, x, got, want)
				}
			}
		}
	}
}

func fill(x []float32, seed uint64) {
	r := rand.New(rand.NewPCG(7, seed))
	for i := range x {
		x[i] = r.Float32()*2 - 1
	}
}

func operand(t *testing.T, format gemm.Format, rows, cols int, seed uint64) gemm.Matrix {
	x := fence.Slice[float32](t, rows*cols)
	fill(x, seed)
	if format == gemm.FP32 {
		return gemm.Matrix{F32: x, Stride: cols}
	}
	w := fence.Slice[uint16](t, rows*cols)
	for i, v := range x {
		w[i] = uint16(math.Float32bits(v) >> 16)
	}
	return gemm.Matrix{BF16: w, Stride: cols}
}

func at(m gemm.Matrix, first, row int) float64 {
	if m.BF16 != nil {
		return float64(math.Float32frombits(uint32(m.BF16[first+row*m.Stride]) << 16))
	}
	return float64(m.F32[first+row*m.Stride])
}

func TestBindRefuses(t *testing.T) {
	one := []int{0}
	good := Heads{Queries: 1, Keys: 1, Size: 1, ValueSize: 1, Q: one, K: one, V: one, Y: one}
	if _, err := good.Bind(0, 1); err != nil {
		t.Fatal(err)
	}
	for reason, change := range map[string]func(h *Heads){
		"no keys":              func(h *Heads) { h.Keys = 0 },
		"a K less":             func(h *Heads) { h.K = nil },
		"too many masks":       func(h *Heads) { h.Mask = []int{0, 0} },
		"bfloat16 without it":  func(h *Heads) { h.Format = gemm.BF16 },
		"weights of 16 bits":   func(h *Heads) { h.Format = gemm.FP16 },
		"values of no element": func(h *Heads) { h.ValueSize = 0 },
	} {
		h := good
		change(&h)
		if _, err := h.Bind(0, 1); err == nil {
			t.Errorf("%s is let through", reason)
		}
	}
}

func BenchmarkHeads(b *testing.B) {
	for _, size := range []int{32, 64} {
		for _, format := range []gemm.Format{gemm.FP32, gemm.BF16} {
			b.Run(fmt.Sprintf("12x128x%d/%v", size, format), func(b *testing.B) {
				const heads, positions = 12, 128
				h := Heads{Format: format, Queries: positions, Keys: positions, Size: size, ValueSize: size, Scale: 0.125}
				for i := range heads {
					h.Q, h.K, h.V = append(h.Q, i*size), append(h.K, (heads+i)*size), append(h.V, (2*heads+i)*size)
					h.Y, h.Mask = append(h.Y, i*size), append(h.Mask, 0)
				}
				call, err := h.Bind(cpu.Detect(), 1)
				if err != nil {
					b.Skip(err)
				}
				x := gemm.Matrix{F32: make([]float32, positions*3*heads*size), BF16: make([]uint16, positions*3*heads*size), Stride: 3 * heads * size}
				y := gemm.Matrix{F32: make([]float32, positions*heads*size), BF16: make([]uint16, positions*heads*size), Stride: heads * size}
				fill(x.F32, 1)
				for i, v := range x.F32 {
					x.BF16[i] = uint16(math.Float32bits(v) >> 16)
				}
				if format == gemm.FP32 {
					x.BF16, y.BF16 = nil, nil
				}
				mask := make([]float32, positions)
				for b.Loop() {
					call.Run(nil, x, x, x, y, mask)
				}
			})
		}
	}
}
