package zoo

import (
	"fmt"

	"github.com/eiplan/eiplan/models/tensor"
)

// encoders are transformers over text: token numbers in, the last hidden state and the pooled first token out.
var encoders = []member{
	{"bert", "arXiv 1810.04805, 1908.08962", "bert_{base,large,tiny,mini,small,medium}", "seq128", func(b *builder, r request) { b.bert(r, berts["bert_"+r.atoms[0]]) }},
	{"", "", "bert_{layers=6}l_{hidden=768}", "seq128", func(b *builder, r request) { b.bert(r, sized(r.int(0), r.int(1))) }},
	{"distilbert", "arXiv 1910.01108", "distilbert_base", "seq128", func(b *builder, r request) { b.bert(r, sized(6, 768)) }},
	{"minilm", "arXiv 2002.10957", "minilm_l{layers=6}_h{hidden=384}", "seq128", func(b *builder, r request) {
		e := sized(r.int(0), r.int(1))
		e.heads = 12
		b.bert(r, e)
	}},
	{"albert", "arXiv 1909.11942", "albert_{base,large,xlarge,xxlarge}", "seq128", func(b *builder, r request) { b.bert(r, berts["albert_"+r.atoms[0]]) }},
	{"electra", "arXiv 2003.10555", "electra_{small,base,large}", "seq128", func(b *builder, r request) { b.bert(r, berts["electra_"+r.atoms[0]]) }},
	{"roberta", "arXiv 1907.11692, 1911.02116", "{,xlm_}roberta_{base,large}", "seq128", func(b *builder, r request) {
		e := berts["bert_"+r.atoms[1]]
		e.vocabulary = 50265
		if r.atoms[0] != "" {
			e.vocabulary = 250002
		}
		b.bert(r, e)
	}},
}

// encoder is the size of a BERT-like transformer.
type encoder struct {
	layers, hidden, heads, inner int
	embedding                    int  // width of the embeddings, where it is not hidden
	vocabulary                   int  // 0 is BERT's
	shared                       bool // all layers have the same weights
}

var berts = map[string]encoder{
	"bert_tiny": {layers: 2, hidden: 128, heads: 2, inner: 512}, "bert_mini": {layers: 4, hidden: 256, heads: 4, inner: 1024},
	"bert_small": {layers: 4, hidden: 512, heads: 8, inner: 2048}, "bert_medium": {layers: 8, hidden: 512, heads: 8, inner: 2048},
	"bert_base": {layers: 12, hidden: 768, heads: 12, inner: 3072}, "bert_large": {layers: 24, hidden: 1024, heads: 16, inner: 4096},
	"electra_small": {layers: 12, hidden: 256, heads: 4, inner: 1024, embedding: 128}, "electra_base": {layers: 12, hidden: 768, heads: 12, inner: 3072},
	"electra_large":  {layers: 24, hidden: 1024, heads: 16, inner: 4096},
	"albert_base":    {layers: 12, hidden: 768, heads: 12, inner: 3072, embedding: 128, vocabulary: 30000, shared: true},
	"albert_large":   {layers: 24, hidden: 1024, heads: 16, inner: 4096, embedding: 128, vocabulary: 30000, shared: true},
	"albert_xlarge":  {layers: 24, hidden: 2048, heads: 16, inner: 8192, embedding: 128, vocabulary: 30000, shared: true},
	"albert_xxlarge": {layers: 12, hidden: 4096, heads: 64, inner: 16384, embedding: 128, vocabulary: 30000, shared: true},
}

// sized is an encoder of the usual proportions: heads of 64 and four times the width inside. The width 312 is TinyBERT's (Jiao et al., 2019), with 12 heads and 1200 inside.
func sized(layers, hidden int) encoder {
	e := encoder{layers: layers, hidden: hidden, heads: max(1, hidden/64), inner: 4 * hidden}
	if hidden == 312 {
		e.heads, e.inner = 12, 1200
	}
	return e
}

const (
	vocabulary = 30522
	positions  = 512
	kinds      = 2
)

// bert is Devlin et al., "BERT" (2018), with its pooler.
func (b *builder) bert(r request, e encoder) {
	if e.layers < 1 || e.layers > 96 || e.hidden < 1 || e.hidden > 8192 || e.hidden%e.heads != 0 {
		b.fail("%d layers of %d in %d heads are none that an encoder has", e.layers, e.hidden, e.heads)
		return
	}
	length := r.length
	ids := b.input("input_ids", tensor.Int64, length)
	mask := b.input("attention_mask", tensor.Int64, length)
	kind := b.input("token_type_ids", tensor.Int64, length)
	// (1 − mask)·−10000, added to the scores of each row
	open := b.node("Cast", attributes{"to": int(tensor.Float32)}, b.reshape(mask, 0, 1, 1, length))
	bias := b.node("Mul", nil, b.node("Sub", nil, b.scalar("one", 1), open), b.scalar("closed", -10000))

	x := tokens{b.embeddings(e, ids, kind, length), length, e.hidden}
	for i := range e.layers {
		name := fmt.Sprintf("layer%d", i)
		if e.shared {
			name = "layer"
		}
		x = b.encoderLayer(name, e, x, bias)
	}
	pooled := b.node("Tanh", nil, b.node("Gemm", attributes{"transB": 1}, b.tokenAt(x, 0).name, b.normal("pooler.weight", e.hidden, e.hidden), b.weights("pooler.bias", 0, 0.02, e.hidden)))
	b.output("last_hidden_state", x.name, length, e.hidden)
	b.output("pooler_output", pooled, e.hidden)
}

// embeddings are the sums of what stands for a token, its kind and its place.
func (b *builder) embeddings(e encoder, ids, kind string, length int) string {
	width, words := e.hidden, vocabulary
	if e.embedding > 0 {
		width = e.embedding
	}
	if e.vocabulary > 0 {
		words = e.vocabulary
	}
	place := make([]int, length)
	for i := range place {
		place[i] = i
	}
	x := b.node("Add", nil, b.embed("word", words, width, ids), b.embed("type", kinds, width, kind))
	x = b.node("Add", nil, x, b.embed("position", positions, width, b.ints(place...)))
	x = b.layerNorm("embeddings", width, 1e-12, x)
	if width != e.hidden {
		x = b.dense("embeddings.projection", width, e.hidden, x)
	}
	return x
}

func (b *builder) embed(name string, rows, width int, index string) string {
	return b.node("Gather", attributes{"axis": 0}, b.normal(name+".embedding", rows, width), index)
}

// encoderLayer is attention and the feed-forward network, each with its residual and normalization after it.
func (b *builder) encoderLayer(name string, e encoder, x tokens, bias string) tokens {
	part := func(which string) tokens {
		return tokens{b.dense(name+"."+which, e.hidden, e.hidden, x.name), x.length, e.hidden}
	}
	context := b.attend(part("query"), part("key"), part("value"), e.heads, func(scores string) string { return b.node("Add", nil, scores, bias) })
	y := b.layerNorm(name+".attention", e.hidden, 1e-12, b.node("Add", nil, b.dense(name+".output", e.hidden, e.hidden, context.name), x.name))
	inner := b.gelu(b.dense(name+".inner", e.hidden, e.inner, y))
	y = b.layerNorm(name+".feedforward", e.hidden, 1e-12, b.node("Add", nil, b.dense(name+".outer", e.inner, e.hidden, inner), y))
	return tokens{y, x.length, x.width}
}
