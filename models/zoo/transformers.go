package zoo

import (
	"fmt"
	"math"

	"github.com/eiplan/eiplan/models/tensor"
)

// encoder is the size of a BERT-like transformer.
type encoder struct{ layers, hidden, heads, inner int }

const (
	vocabulary = 30522
	positions  = 512
	kinds      = 2
)

// bert is Devlin et al., "BERT" (2018), with its pooler: token numbers in, the last hidden state and the pooled first token out.
func bert(b *builder, length int, e encoder) {
	ids := b.input("input_ids", tensor.Int64, length)
	mask := b.input("attention_mask", tensor.Int64, length)
	kind := b.input("token_type_ids", tensor.Int64, length)
	// (1 − mask)·−10000, added to the scores of each row
	open := b.node("Cast", attributes{"to": int(tensor.Float32)}, b.node("Reshape", nil, mask, b.ints("mask.shape", 0, 1, 1, int64(length))))
	bias := b.node("Mul", nil, b.node("Sub", nil, b.scalar("one", 1), open), b.scalar("closed", -10000))

	x := b.node("Add", nil, b.embed("word", vocabulary, e.hidden, ids), b.embed("type", kinds, e.hidden, kind))
	place := make([]int64, length)
	for i := range place {
		place[i] = int64(i)
	}
	x = b.layerNorm("embeddings", e.hidden, b.node("Add", nil, x, b.embed("position", positions, e.hidden, b.ints("positions", place...))))
	for i := range e.layers {
		x = b.layer(fmt.Sprintf("layer%d", i), e, length, x, bias)
	}
	first := b.node("Gather", attributes{"axis": 1}, x, b.index("first", 0))
	pooled := b.node("Tanh", nil, b.node("Gemm", attributes{"transB": 1}, first, b.normal("pooler.weight", e.hidden, e.hidden), b.weights("pooler.bias", 0, 0.02, e.hidden)))
	b.output("last_hidden_state", x, length, e.hidden)
	b.output("pooler_output", pooled, e.hidden)
}

// layer is attention and the feed-forward network, each with its residual and normalization after it.
func (b *builder) layer(name string, e encoder, length int, x, bias string) string {
	width := e.hidden / e.heads
	split := b.ints("split.shape", 0, int64(length), int64(e.heads), int64(width))
	q := b.node("Transpose", attributes{"perm": []int{0, 2, 1, 3}}, b.node("Reshape", nil, b.dense(name+".query", e.hidden, e.hidden, x), split))
	k := b.node("Transpose", attributes{"perm": []int{0, 2, 3, 1}}, b.node("Reshape", nil, b.dense(name+".key", e.hidden, e.hidden, x), split))
	v := b.node("Transpose", attributes{"perm": []int{0, 2, 1, 3}}, b.node("Reshape", nil, b.dense(name+".value", e.hidden, e.hidden, x), split))
	scores := b.node("Div", nil, b.node("MatMul", nil, q, k), b.scalar("scale", float32(math.Sqrt(float64(width)))))
	weights := b.node("Softmax", attributes{"axis": -1}, b.node("Add", nil, scores, bias))
	context := b.node("Transpose", attributes{"perm": []int{0, 2, 1, 3}}, b.node("MatMul", nil, weights, v))
	context = b.node("Reshape", nil, context, b.ints("join.shape", 0, int64(length), int64(e.hidden)))
	x = b.layerNorm(name+".attention", e.hidden, b.node("Add", nil, b.dense(name+".output", e.hidden, e.hidden, context), x))
	inner := b.gelu(b.dense(name+".inner", e.hidden, e.inner, x))
	return b.layerNorm(name+".feedforward", e.hidden, b.node("Add", nil, b.dense(name+".outer", e.inner, e.hidden, inner), x))
}

func (b *builder) dense(name string, in, out int, x string) string {
	return b.node("Add", nil, b.node("MatMul", nil, x, b.normal(name+".weight", in, out)), b.weights(name+".bias", 0, 0.02, out))
}

// normal adds a weight with the standard deviation 0.02 that BERT begins with.
func (b *builder) normal(name string, dims ...int) string {
	return b.weights(name, 0, 0.02*math.Sqrt(3), dims...)
}

func (b *builder) embed(name string, rows, width int, index string) string {
	return b.node("Gather", attributes{"axis": 0}, b.normal(name+".embedding", rows, width), index)
}

func (b *builder) index(name string, i int64) string {
	b.graph.Initializers[name] = tensor.Scalar(tensor.Int64, i)
	return name
}

func (b *builder) layerNorm(name string, width int, x string) string {
	return b.node("LayerNormalization", attributes{"axis": -1, "epsilon": float32(1e-12)}, x, b.weights(name+".scale", 1, 0.05, width), b.weights(name+".shift", 0, 0.05, width))
}

// gelu is x/2·(1 + erf(x/√2)), in the operators that exporters write.
func (b *builder) gelu(x string) string {
	erf := b.node("Erf", nil, b.node("Div", nil, x, b.scalar("sqrt2", float32(math.Sqrt2))))
	return b.node("Mul", nil, b.node("Mul", nil, x, b.node("Add", nil, erf, b.scalar("one", 1))), b.scalar("half", 0.5))
}
