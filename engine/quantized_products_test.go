package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine"
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/models/tensor"
)

// quantizedProduct is a QLinearMatMul or MatMulInteger of seeded numbers. A's matrices are batch × m × k; B is one k × n where it is whole, else as many.
type quantizedProduct struct {
	why            string
	batch, m, k, n int
	a, b, to       tensor.DType
	given          bool // B is an input
	each, zeros    bool // B has a scale, or a zero point, for each column
	whole          bool
}

var quantizedProducts = []quantizedProduct{
	{why: "heads", batch: 3, m: 17, k: 33, n: 21, a: tensor.Uint8, b: tensor.Uint8, to: tensor.Uint8, given: true},
	{why: "heads of signed bytes", batch: 2, m: 5, k: 64, n: 16, a: tensor.Int8, b: tensor.Int8, to: tensor.Int8, given: true, each: true},
	{why: "more summands than float32 sums exactly", batch: 2, m: 3, k: 1291, n: 7, a: tensor.Uint8, b: tensor.Int8, to: tensor.Uint8, given: true},
	{why: "as many in one matrix", batch: 2, m: 3, k: 1100, n: 7, a: tensor.Int8, b: tensor.Uint8, to: tensor.Int32, given: true, whole: true},
	{why: "many known matrices", batch: 3, m: 9, k: 40, n: 33, a: tensor.Uint8, b: tensor.Int8, to: tensor.Int32},
	{why: "a zero point for each column", batch: 2, m: 9, k: 40, n: 33, a: tensor.Uint8, b: tensor.Int8, to: tensor.Int32, given: true, whole: true, zeros: true},
	{why: "a known matrix with columns of their own", batch: 2, m: 9, k: 40, n: 33, a: tensor.Uint8, b: tensor.Uint8, to: tensor.Uint8, whole: true, zeros: true, each: true},
	{why: "one row", batch: 1, m: 1, k: 77, n: 50, a: tensor.Int8, b: tensor.Int8, to: tensor.Int8, whole: true},
}

// TestQuantizedProducts compares with sums of whole numbers.
func TestQuantizedProducts(t *testing.T) {
	for _, c := range quantizedProducts {
		a, b, known := c.tensors(rand.New(rand.NewPCG(5, 6)))
		inputs, in := fmt.Sprintf("a %s %s", c.a, sizes(a.Shape)), []tensor.Tensor{a}
		if c.given {
			inputs, in = fmt.Sprintf("%s;b %s %s", inputs, c.b, sizes(b.Shape)), append(in, b)
		} else {
			known["b"] = b
		}
		call := node("QLinearMatMul a as az b bs bz ys yz > y")
		if c.to == tensor.Int32 {
			call = node("MatMulInteger a b az bz > y")
		}
		want := c.want(a, b, known)
		for _, f := range []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX512), cpu.Detect().Cap(cpu.LevelAVX2), 0} {
			p := compile(t, model(inputs, "y", known, call), engine.Options{Features: f, Threads: 2})
			if class := p.Placements()[0].Class; !(c.zeros && c.given) && strings.Contains(class, "float64") {
				t.Errorf("%s: runs as %q", c.why, class)
			}
			s := session(t, p)
			out := make([]tensor.Tensor, 1)
			for range 2 { // what a run leaves behind must not show in the next
				if err := s.Run(in, out); err != nil {
					t.Fatalf("%s: %v", c.why, err)
				}
			}
			for i, x := range want {
				var got int
				switch out[0].DType {
				case tensor.Int32:
					got = int(tensor.Data[int32](out[0])[i])
				default:
					got = whole(out[0], i)
				}
				if got != x {
					t.Errorf("%s on %v: element %d is %d, want %d", c.why, f, i, got, x)
					break
				}
			}
		}
	}
}

// tensors are c's factors and what is constant.
func (c quantizedProduct) tensors(r *rand.Rand) (a, b tensor.Tensor, known constants) {
	bytes := func(d tensor.DType, s ...int) tensor.Tensor {
		x := tensor.New(d, s)
		for i := range x.Bytes {
			x.Bytes[i] = byte(r.IntN(256))
		}
		return x
	}
	a, b = bytes(c.a, c.batch, c.m, c.k), bytes(c.b, c.batch, c.k, c.n)
	if c.whole {
		b = bytes(c.b, c.k, c.n)
	}
	known = constants{"az": bytes(c.a), "bz": bytes(c.b)}
	if c.zeros {
		known["bz"] = bytes(c.b, c.n)
	}
	if c.to == tensor.Int32 {
		return a, b, known
	}
	scales := []float32{3.0 / 4096}
	if c.each {
		scales = make([]float32, c.n)
		for i := range scales {
			scales[i] = float32(1+r.IntN(7)) / 4096
		}
	}
	known["bs"] = tensor.From(tensor.Float32, tensor.Shape{}, scales[:1])
	if c.each {
		known["bs"] = tensor.From(tensor.Float32, tensor.Shape{c.n}, scales)
	}
	known["as"], known["ys"], known["yz"] = tensor.Scalar(tensor.Float32, float32(0.5)), tensor.Scalar(tensor.Float32, float32(2)), bytes(c.to)
	return a, b, known
}

// want is the product by its definition.
func (c quantizedProduct) want(a, b tensor.Tensor, known constants) []int {
	column := func(name string, j int) int { return min(j, known[name].Len()-1) }
	list := make([]int, c.batch*c.m*c.n)
	for i := range list {
		row, j := i/c.n, i%c.n
		first := 0
		if !c.whole {
			first = row / c.m * c.k * c.n
		}
		sum := 0
		for k := range c.k {
			sum += (whole(a, row*c.k+k) - whole(known["az"], 0)) * (whole(b, first+k*c.n+j) - whole(known["bz"], column("bz", j)))
		}
		if list[i] = sum; c.to == tensor.Int32 {
			continue
		}
		low, high := 0, 255
		if c.to == tensor.Int8 {
			low, high = -128, 127
		}
		scale := float64(tensor.Data[float32](known["bs"])[column("bs", j)]) / 4
		list[i] = min(max(int(math.RoundToEven(float64(sum)*scale))+whole(known["yz"], 0), low), high)
	}
	return list
}

// whole is element i of a tensor of bytes.
func whole(x tensor.Tensor, i int) int {
	if x.DType == tensor.Int8 {
		return int(int8(x.Bytes[i]))
	}
	return int(x.Bytes[i])
}
