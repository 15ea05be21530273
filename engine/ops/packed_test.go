package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/engine/parallel"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// heavy lists nodes of the operators that have fast kernels in float32. The first input is made in the run; constants are the inputs after it, but for
// those of type int32.
var heavy = []struct {
	why, op    string
	shapes     []tensor.Shape // of the inputs; nil where absent
	attributes map[string]any
	lengths    []int32 // the content of an int32 input
}{
	{"a plain 3×3", "Conv", shapes("2x20x9x7", "33x20x3x3", "33"), attrs{"pads": ints{1, 1, 1, 1}}, nil},
	{"strides, dilations and uneven pads", "Conv", shapes("1x5x13x17", "8x5x3x2"), attrs{"pads": ints{0, 2, 1, 1}, "strides": ints{2, 3}, "dilations": ints{2, 1}}, nil},
	{"no padding, so that planes are read in place", "Conv", shapes("1x3x11x12", "4x3x2x2", "4"), nil, nil},
	{"one row, same padding", "Conv", shapes("2x7x50", "16x7x4"), attrs{"auto_pad": "SAME_UPPER", "strides": ints{3}}, nil},
	{"groups", "Conv", shapes("1x12x6x6", "18x4x3x3", "18"), attrs{"group": 3, "pads": ints{1, 1, 1, 1}}, nil},
	{"depthwise with a multiplier", "Conv", shapes("1x10x8x8", "20x1x3x3"), attrs{"group": 10, "strides": ints{2, 2}, "pads": ints{1, 1, 1, 1}}, nil},
	{"depthwise 5×5", "Conv", shapes("1x24x9x9", "24x1x5x5", "24"), attrs{"group": 24, "pads": ints{2, 2, 2, 2}}, nil},
	{"the fast 3×3 algorithm, sizes that its tiles do not divide", "Conv", shapes("1x64x15x18", "32x64x3x3", "32"), attrs{"pads": ints{1, 1, 1, 1}}, nil},
	{"a column of pixels", "Conv", shapes("1x8x30x1", "6x8x5x1"), attrs{"pads": ints{2, 0, 2, 0}}, nil},
	{"volumes of few channels, as planes", "Conv", shapes("1x3x4x5x6", "2x3x2x2x2"), nil, nil},
	{"volumes of one pixel", "Conv", shapes("2x3x4x1x1", "5x3x2x1x1", "5"), nil, nil},
	{"volumes to few channels, between planes", "Conv", shapes("2x20x5x6x17", "3x20x1x1x1", "3"), nil, nil},
	{"volumes to few channels, between planes within a halo", "Conv", shapes("1x4x5x6x19", "7x4x3x3x3", "7"),
		attrs{"pads": ints{1, 1, 1, 1, 1, 1}, "strides": ints{2, 2, 1}}, nil},
	{"volumes of whole vectors, padded", "Conv", shapes("2x32x5x9x10", "32x32x3x3x3", "32"), attrs{"pads": ints{1, 1, 1, 1, 1, 1}}, nil},
	{"volumes of several cuts, with strides and dilations in depth", "Conv", shapes("1x20x9x40x40", "17x20x2x3x1", "17"),
		attrs{"pads": ints{3, 1, 0, 0, 1, 2}, "strides": ints{2, 1, 3}, "dilations": ints{3, 2, 1}}, nil},
	{"volumes of one tap, with strides", "Conv", shapes("2x18x7x6x5", "40x18x1x1x1", "40"), attrs{"strides": ints{2, 2, 2}}, nil},
	{"volumes in depth alone", "Conv", shapes("1x24x6x5x7", "16x24x3x1x1"), attrs{"pads": ints{1, 0, 0, 1, 0, 0}}, nil},
	{"volumes deeper in padding than in", "Conv", shapes("1x16x2x5x5", "16x16x3x3x3", "16"), attrs{"pads": ints{4, 1, 1, 4, 1, 1}}, nil},
	{"depthwise volumes", "Conv", shapes("2x37x6x9x8", "37x1x3x3x3", "37"), attrs{"group": 37, "pads": ints{1, 1, 1, 1, 1, 1}}, nil},
	{"depthwise volumes with strides and dilations", "Conv", shapes("1x16x13x9x8", "16x1x3x5x5"),
		attrs{"group": 16, "pads": ints{1, 2, 2, 2, 2, 2}, "strides": ints{3, 2, 2}, "dilations": ints{2, 1, 1}}, nil},
	{"depthwise volumes of one tap in depth, every other slice", "Conv", shapes("1x16x7x9x8", "16x1x1x3x3", "16"),
		attrs{"group": 16, "pads": ints{1, 1, 1, 0, 1, 1}, "strides": ints{2, 1, 1}}, nil},
	{"volumes in groups", "Conv", shapes("1x12x5x6x7", "18x4x3x2x2", "18"), attrs{"group": 3, "pads": ints{1, 1, 1, 1, 1, 1}}, nil},
	{"same padding of a volume", "Conv", shapes("1x8x5x6x7", "9x8x4x3x2", "9"), attrs{"auto_pad": "SAME_LOWER", "strides": ints{1, 2, 1}}, nil},
	{"volumes apart", "ConvTranspose", shapes("2x20x3x5x7", "20x17x2x2x2", "17"), attrs{"strides": ints{2, 2, 2}}, nil},
	{"volumes that overlap", "ConvTranspose", shapes("1x16x4x5x6", "16x9x3x4x2", "9"),
		attrs{"strides": ints{2, 3, 1}, "pads": ints{1, 0, 1, 2, 1, 0}, "dilations": ints{2, 1, 3}, "output_padding": ints{1, 2, 0}}, nil},
	{"volumes of few channels, further apart than their windows", "ConvTranspose", shapes("1x3x3x4x3", "3x2x1x2x1"), attrs{"strides": ints{3, 3, 2}}, nil},
	{"volumes in groups stay with the plain loops", "ConvTranspose", shapes("1x4x3x4x3", "4x2x2x2x2"), attrs{"group": 2}, nil},
	{"volumes", "MaxPool", shapes("2x3x6x8x10"), attrs{"kernel_shape": ints{2, 2, 2}, "strides": ints{2, 2, 2}}, nil},
	{"volumes rounded up, with pads and dilations", "MaxPool", shapes("2x3x6x8x9"),
		attrs{"kernel_shape": ints{3, 2, 3}, "strides": ints{2, 3, 2}, "pads": ints{1, 0, 1, 0, 1, 1}, "dilations": ints{2, 1, 2}, "ceil_mode": 1}, nil},
	{"volumes in depth alone", "MaxPool", shapes("1x4x7x5x6"), attrs{"kernel_shape": ints{3, 1, 1}, "strides": ints{2, 1, 1}, "auto_pad": "SAME_UPPER"}, nil},
	{"volumes in the plane alone", "MaxPool", shapes("1x4x3x5x6"), attrs{"kernel_shape": ints{1, 3, 3}, "strides": ints{1, 2, 2}, "auto_pad": "SAME_LOWER"}, nil},
	{"volumes as they are", "MaxPool", shapes("1x4x3x5x6"), attrs{"kernel_shape": ints{1, 1, 1}}, nil},
	{"volumes without padding", "AveragePool", shapes("2x3x6x8x10"), attrs{"kernel_shape": ints{3, 3, 3}, "pads": ints{1, 1, 1, 1, 1, 1}}, nil},
	{"volumes with padding, rounded up", "AveragePool", shapes("1x3x6x8x9"),
		attrs{"kernel_shape": ints{3, 2, 3}, "strides": ints{2, 3, 2}, "pads": ints{1, 0, 1, 0, 1, 1}, "ceil_mode": 1, "count_include_pad": 1}, nil},
	{"volumes", "LpPool", shapes("1x3x6x8x9"), attrs{"kernel_shape": ints{3, 2, 2}, "strides": ints{2, 1, 2}, "p": 3}, nil},
	{"weights of many rows", "MatMul", shapes("5x7x40", "40x70"), nil, nil},
	{"one row", "MatMul", shapes("1x300", "300x45"), nil, nil},
	{"a batch against a batch, both broadcast", "MatMul", shapes("2x1x9x8", "3x8x11"), nil, nil},
	{"a vector", "MatMul", shapes("40", "3x40x5"), nil, nil},
	{"Gemm with a row for C", "Gemm", shapes("6x40", "24x40", "24"), attrs{"transB": 1}, nil},
	{"Gemm with factors and a column for C", "Gemm", shapes("40x6", "24x40", "6x1"), attrs{"transA": 1, "transB": 1, "alpha": float32(0.5), "beta": float32(2)}, nil},
	{"Gemm with a factor for the whole of C", "Gemm", shapes("19x40", "40x37", "19x37"), attrs{"beta": float32(0.5)}, nil},
	{"Gemm with a number for C", "Gemm", shapes("40x19", "40x37", "1"), attrs{"transA": 1, "alpha": float32(2)}, nil},
	{"Gemm with one row for C", "Gemm", shapes("40x19", "37x40", "1x37"), attrs{"transA": 1, "transB": 1, "alpha": float32(-1)}, nil},
	{"Gemm with a scalar for C, to one column", "Gemm", []tensor.Shape{{19, 40}, {40, 1}, {}}, attrs{"beta": float32(3)}, nil},
	{"Gemm that leaves C out", "Gemm", shapes("1x40", "37x40", "37"), attrs{"transB": 1, "beta": float32(0)}, nil},
	{"a row by a matrix", "MatMul", shapes("2x3x1x21", "3x21x48"), nil, nil},
	{"a matrix by a column", "MatMul", shapes("2x300x70", "2x70x1"), nil, nil},
	{"a matrix by a short column", "MatMul", shapes("2x3x7", "2x7x1"), nil, nil},
	{"matrices by a vector", "MatMul", shapes("2x1x30x70", "70"), nil, nil},
	{"a vector by a vector", "MatMul", shapes("70", "70"), nil, nil},
	{"softmax of rows", "Softmax", shapes("3x5x37"), nil, nil},
	{"softmax of short rows, in two parts", "Softmax", shapes("700x13"), nil, nil},
	{"softmax of columns", "Softmax", shapes("3x37x5"), attrs{"axis": 1}, nil},
	{"log softmax of rows", "LogSoftmax", shapes("3x5x37"), nil, nil},
	{"log softmax of short rows, in two parts", "LogSoftmax", shapes("700x13"), nil, nil},
	{"log softmax of columns", "LogSoftmax", shapes("3x37x5"), attrs{"axis": -2}, nil},
	{"layer normalisation", "LayerNormalization", shapes("3x5x37", "37", "37"), nil, nil},
	{"layer normalisation over two axes without shift", "LayerNormalization", shapes("3x5x37", "5x37"), attrs{"axis": 1}, nil},
	{"layer normalisation with a scale that broadcasts", "LayerNormalization", shapes("3x5x37", "5x1"), attrs{"axis": 1}, nil},
	{"root mean square", "RMSNormalization", shapes("3x5x37", "37"), nil, nil},
	{"rows by their norm", "LpNormalization", shapes("3x5x37"), nil, nil},
	{"columns by their norm", "LpNormalization", shapes("3x37x5"), attrs{"axis": 1}, nil},
	{"rows by the sum of their magnitudes", "LpNormalization", shapes("3x5x37"), attrs{"p": 1}, nil},
	{"neighbouring channels", "LRN", shapes("2x7x5x9"), attrs{"size": 5, "alpha": float32(0.5)}, nil},
	{"neighbouring channels, an even number of them, of planes in two parts", "LRN", shapes("1x3x50x50"), attrs{"size": 4, "alpha": float32(0.5)}, nil},
	{"planes", "InstanceNormalization", shapes("2x5x37x3", "5", "5"), nil, nil},
	{"planes of one element", "InstanceNormalization", shapes("2x5", "5", "5"), nil, nil},
	{"planes longer than the sums in float32 are", "InstanceNormalization", shapes("1x2x101x90", "2", "2"), nil, nil},
	{"planes by statistics from elsewhere", "BatchNormalization", shapes("2x5x37x3", "5", "5", "5", "5"), attrs{"epsilon": float32(1)}, nil},
	{"and of few elements, with the plain loops", "BatchNormalization", shapes("2x5x3x3", "5", "5", "5", "5"), attrs{"epsilon": float32(1)}, nil},
	{"and of a vector", "BatchNormalization", shapes("50", "1", "1", "1", "1"), attrs{"epsilon": float32(1)}, nil},
	{"groups of planes", "GroupNormalization", shapes("2x6x7x9", "6", "6"), attrs{"num_groups": 2}, nil},
	{"groups of channels alone", "GroupNormalization", shapes("3x36", "36", "36"), attrs{"num_groups": 3}, nil},
	{"the moments of planes", "MeanVarianceNormalization", shapes("1x5x37x3"), nil, nil},
	{"the moments of a batch stay with the plain loops", "MeanVarianceNormalization", shapes("2x5x7x3"), nil, nil},
	{"the moments of rows", "MeanVarianceNormalization", shapes("2x5x7x3"), attrs{"axes": ints{3, -2}}, nil},
	{"an LSTM both ways, with all its states", "LSTM", shapes("6x3x10", "2x32x10", "2x32x8", "2x64", "", "2x3x8", "2x3x8"),
		attrs{"direction": "bidirectional", "hidden_size": 8}, nil},
	{"an LSTM of sequences of their own lengths, backwards", "LSTM", shapes("6x3x10", "1x32x10", "1x32x8", "1x64", "i3"),
		attrs{"direction": "reverse", "hidden_size": 8}, []int32{6, 2, 0}},
	{"an LSTM with the batch first", "LSTM", shapes("3x6x10", "1x32x10", "1x32x8"), attrs{"layout": 1, "hidden_size": 8}, nil},
	{"an LSTM with peepholes stays with the plain loops", "LSTM", shapes("4x2x5", "1x12x5", "1x12x3", "1x24", "", "1x2x3", "1x2x3", "1x9"), attrs{"hidden_size": 3}, nil},
	{"a GRU", "GRU", shapes("6x3x10", "1x24x10", "1x24x8", "1x48", "i3", "1x3x8"), attrs{"hidden_size": 8}, []int32{6, 1, 4}},
	{"a GRU that resets after the product", "GRU", shapes("6x3x10", "2x24x10", "2x24x8", "2x48"),
		attrs{"hidden_size": 8, "linear_before_reset": 1, "direction": "bidirectional"}, nil},
	{"a GRU without biases", "GRU", shapes("6x1x10", "1x24x10", "1x24x8"), attrs{"hidden_size": 8}, nil},
	{"an RNN", "RNN", shapes("6x3x10", "1x8x10", "1x8x8", "1x16"), attrs{"hidden_size": 8}, nil},
	{"an RNN of another function stays with the plain loops", "RNN", shapes("4x2x5", "1x3x5", "1x3x3"),
		attrs{"hidden_size": 3, "activations": []string{"LeakyRelu"}, "activation_alpha": []float32{0.1}}, nil},
}

// TestFastKernelsAgree holds each of them, on every instruction set and with its weights known or not, against the plain loops in float64.
func TestFastKernelsAgree(t *testing.T) {
	team := parallel.New(3)
	defer team.Close()
	levels := []cpu.Features{cpu.Detect(), cpu.Detect().Cap(cpu.LevelAVX2), 0}
	for _, c := range heavy {
		t.Run(c.op+" "+c.why, func(t *testing.T) {
			want := runHeavy(t, c.op, c.shapes, c.attributes, c.lengths, tensor.Float64, false, 0, nil)
			for _, f := range levels {
				for _, known := range []bool{false, true} {
					for _, by := range []*parallel.Team{nil, team} {
						got := runHeavy(t, c.op, c.shapes, c.attributes, c.lengths, tensor.Float32, known, f, by)
						for i := range want {
							if e := distance(got[i], want[i]); !(e < 3e-6) {
								t.Errorf("output %d on %v, weights known: %v, %d threads: differs by %g of its RMS", i, f, known, by.Size(), e)
							}
						}
					}
				}
			}
			for i, got := range runHeavy(t, c.op, c.shapes, c.attributes, c.lengths, tensor.Float16, true, cpu.Detect(), nil) {
				if e := distance(got, want[i]); !(e < 5e-3) {
					t.Errorf("output %d in float16 differs by %g of its RMS", i, e)
				}
			}
		})
	}
}

type (
	attrs = map[string]any
	ints  = []int64
)

// shapes reads "2x3" as a shape, "i3" as one of int32, and "" as an absent input.
func shapes(list ...string) []tensor.Shape {
	var all []tensor.Shape
	for _, s := range list {
		if s == "" {
			all = append(all, nil)
			continue
		}
		var shape tensor.Shape
		d := 0
		for _, r := range s + "x" {
			switch {
			case r == 'i':
			case r == 'x':
				shape, d = append(shape, d), 0
			default:
				d = d*10 + int(r-'0')
			}
		}
		all = append(all, shape)
	}
	return all
}

// runHeavy runs one node on seeded numbers in one type.
func runHeavy(t *testing.T, op string, shapes []tensor.Shape, attributes attrs, lengths []int32, d tensor.DType, known bool, f cpu.Features, team *parallel.Team) []tensor.Tensor {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	n := &graph.Node{Name: "n", Op: op, Attributes: attributesOf(attributes)}
	var in []*ops.Slot
	for i, s := range shapes {
		if s == nil {
			n.Inputs, in = append(n.Inputs, nil), append(in, nil)
			continue
		}
		x := tensor.New(tensor.Int32, s)
		if lengths == nil || len(s) != 1 || i != 4 {
			x = seeded(r, d, s)
		} else {
			copy(tensor.Data[int32](x), lengths)
		}
		v := &graph.Value{DType: x.DType, Shape: s}
		if known && i > 0 && x.DType == d {
			v.Const = &x
		}
		n.Inputs, in = append(n.Inputs, v), append(in, &ops.Slot{Tensor: x})
	}
	outputs := 1
	if op == "LSTM" {
		outputs = 3
	} else if op == "GRU" || op == "RNN" {
		outputs = 2
	}
	for range outputs {
		n.Outputs = append(n.Outputs, &graph.Value{Producer: n})
	}
	out, err := ops.Eval(n, in, &ops.Target{Features: f, Threads: team.Size()}, team)
	if err != nil {
		t.Fatal(err)
	}
	var results []tensor.Tensor
	for _, s := range out {
		results = append(results, s.Tensor)
	}
	return results
}

// seeded makes numbers in [-½, ½) that every floating-point type holds exactly.
func seeded(r *rand.Rand, d tensor.DType, s tensor.Shape) tensor.Tensor {
	x := tensor.New(d, s)
	for i := range x.Len() {
		v := float32(r.IntN(256)-128) / 256
		switch d {
		case tensor.Float64:
			tensor.Data[float64](x)[i] = float64(v)
		case tensor.Float32:
			tensor.Data[float32](x)[i] = v
		case tensor.Float16:
			tensor.Data[uint16](x)[i] = tensor.Float16Bits(v)
		}
	}
	return x
}

func attributesOf(all attrs) map[string]models.Attribute {
	out := map[string]models.Attribute{}
	for name, v := range all {
		switch v := v.(type) {
		case int:
			out[name] = models.Attribute{Kind: models.IntAttribute, Int: int64(v)}
		case float32:
			out[name] = models.Attribute{Kind: models.FloatAttribute, Float: v}
		case string:
			out[name] = models.Attribute{Kind: models.StringAttribute, Str: v}
		case ints:
			out[name] = models.Attribute{Kind: models.IntsAttribute, Ints: v}
		case []string:
			out[name] = models.Attribute{Kind: models.StringsAttribute, Strs: v}
		case []float32:
			out[name] = models.Attribute{Kind: models.FloatsAttribute, Floats: v}
		}
	}
	return out
}

// distance is the RMS of the difference over that of want.
func distance(got, want tensor.Tensor) float64 {
	g, w := floatsOf(got), floatsOf(want)
	if len(g) != len(w) {
		return math.Inf(1)
	}
	var d, all float64
	for i := range w {
		d += (g[i] - w[i]) * (g[i] - w[i])
		all += w[i] * w[i]
	}
	return math.Sqrt(d / max(all, 1e-30))
}
