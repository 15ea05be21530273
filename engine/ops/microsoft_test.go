package ops_test

import (
	"math"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// nodeOf is a node of so many inputs, all present, and outputs.
func nodeOf(domain, op string, attributes map[string]models.Attribute, inputs, outputs int) *graph.Node {
	n := &graph.Node{Op: op, Domain: domain, Attributes: attributes}
	for range inputs {
		n.Inputs = append(n.Inputs, &graph.Value{})
	}
	for range outputs {
		n.Outputs = append(n.Outputs, &graph.Value{})
	}
	return n
}

// TestQuantizedLSTM compares DynamicQuantizeLSTM, with a scale for each direction and for each column, with the LSTM of its weights in real numbers.
func TestQuantizedLSTM(t *testing.T) {
	const in, hidden, columns = 2, 1, 4
	x := tensor.From(tensor.Float32, tensor.Shape{2, 1, in}, []float32{0.5, -1, 0.25, 1})
	w := tensor.From(tensor.Uint8, tensor.Shape{1, in, columns}, []uint8{120, 140, 128, 100, 90, 200, 128, 131})
	r := tensor.From(tensor.Uint8, tensor.Shape{1, hidden, columns}, []uint8{128, 160, 100, 130})
	for reason, shape := range map[string]tensor.Shape{"one scale": {1}, "one for each column": {1, columns}} {
		t.Run(reason, func(t *testing.T) {
			scale, zero := tensor.New(tensor.Float32, shape), tensor.New(tensor.Uint8, shape)
			for i := range shape.Elements() {
				tensor.Data[float32](scale)[i], zero.Bytes[i] = 0.01*float32(i+1), 128
			}
			real := func(q tensor.Tensor) tensor.Tensor { // as LSTM wants them: a row for each column
				rows := q.Shape[1]
				out := tensor.New(tensor.Float32, tensor.Shape{1, columns, rows})
				for i := range rows * columns {
					s := tensor.Data[float32](scale)[i%columns%shape.Elements()]
					tensor.Data[float32](out)[i%columns*rows+i/columns] = s * float32(int(q.Bytes[i])-128)
				}
				return out
			}
			size := intAttribute("hidden_size", hidden)
			quantized := nodeOf("com.microsoft", "DynamicQuantizeLSTM", size, 12, 1)
			slots := []*ops.Slot{{Tensor: x}, {Tensor: w}, {Tensor: r}, nil, nil, nil, nil, nil, {Tensor: scale}, {Tensor: zero}, {Tensor: scale}, {Tensor: zero}}
			for i := 3; i < 8; i++ {
				quantized.Inputs[i] = nil
			}
			got, err := ops.Eval(quantized, slots, target(), nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := ops.Eval(nodeOf("", "LSTM", size, 3, 1), []*ops.Slot{{Tensor: x}, {Tensor: real(w)}, {Tensor: real(r)}}, target(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range tensor.Data[float32](want[0].Tensor) {
				if g := tensor.Data[float32](got[0].Tensor)[i]; math.Abs(float64(g-v)) > 1e-6 {
					t.Errorf("element %d is %v, want %v", i, g, v)
				}
			}
		})
	}
}

// TestTokenizerRefuses lists attributes that say no way to cut, and what is no text.
func TestTokenizerRefuses(t *testing.T) {
	text := func(s string) models.Attribute { return models.Attribute{Kind: models.StringAttribute, Str: s} }
	for _, c := range []struct {
		reason     string
		attributes map[string]models.Attribute
		input      string
		want       string
	}{
		{"neither separators nor an expression", nil, "a", "either separators or tokenexp"},
		{"both", map[string]models.Attribute{"tokenexp": text("a"), "separators": strsAttribute(" ")}, "a", "either separators or tokenexp"},
		{"an expression that is none", map[string]models.Attribute{"tokenexp": text("(")}, "a", "tokenexp: error parsing regexp"},
		{"an empty separator among others", map[string]models.Attribute{"separators": strsAttribute(",", "")}, "a", "separator 1 of 2 is empty"},
		{"tokens of no character", map[string]models.Attribute{"tokenexp": text("a"), "mincharnum": {Kind: models.IntAttribute}}, "a", "mincharnum is 0"},
		{"bytes that are no UTF-8", map[string]models.Attribute{"tokenexp": text("a")}, "\xff", "is no UTF-8"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			in := tensor.Tensor{DType: tensor.String, Shape: tensor.Shape{1}, Strings: []string{c.input}}
			_, err := ops.Eval(nodeOf("com.microsoft", "Tokenizer", c.attributes, 1, 1), []*ops.Slot{{Tensor: in}}, target(), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
