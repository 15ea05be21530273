package zoo

import (
	"fmt"
	"math"
)

// tokens is an activation of a transformer: a value of batch × length × width.
type tokens struct {
	name          string
	length, width int
}

// dense adds a layer for each token, its bias as a sum of its own.
func (b *builder) dense(name string, in, out int, x string) string {
	return b.node("Add", nil, b.node("MatMul", nil, x, b.normal(name+".weight", in, out)), b.weights(name+".bias", 0, 0.02, out))
}

// project is dense under a name of its own.
func (b *builder) project(x tokens, out int) tokens {
	return tokens{b.dense(fmt.Sprintf("dense%d", b.count), x.width, out, x.name), x.length, out}
}

func (b *builder) layerNorm(name string, width int, epsilon float32, x string) string {
	return b.node("LayerNormalization", attributes{"axis": -1, "epsilon": epsilon}, x, b.weights(name+".scale", 1, 0.05, width), b.weights(name+".shift", 0, 0.05, width))
}

// norm is layerNorm under a name of its own.
func (b *builder) norm(x tokens) tokens {
	x.name = b.layerNorm(fmt.Sprintf("norm%d", b.count), x.width, 1e-6, x.name)
	return x
}

func (b *builder) sum(x, y tokens) tokens {
	x.name = b.node("Add", nil, x.name, y.name)
	return x
}

// mlp is the feed-forward network of a block.
func (b *builder) mlp(x tokens, inner int) tokens {
	y := b.project(x, inner)
	y.name = b.gelu(y.name)
	return b.project(y, x.width)
}

// gelu is x/2·(1 + erf(x/√2)), in the operators that exporters write.
func (b *builder) gelu(x string) string {
	erf := b.node("Erf", nil, b.node("Div", nil, x, b.scalar("sqrt2", float32(math.Sqrt2))))
	return b.node("Mul", nil, b.node("Mul", nil, x, b.node("Add", nil, erf, b.scalar("one", 1))), b.scalar("half", 0.5))
}

// apart takes batch × length × width to batch × heads × length × width of a head; keys have the last two the other way round.
func (b *builder) apart(x tokens, heads int, key bool) string {
	y := b.reshape(x.name, 0, x.length, heads, x.width/heads)
	if key {
		return b.transpose(y, 0, 2, 3, 1)
	}
	return b.transpose(y, 0, 2, 1, 3)
}

// attend is softmax(q·k/√width + biases)·v over heads, back as tokens.
func (b *builder) attend(q, k, v tokens, heads int, biases ...func(scores string) string) tokens {
	query, key, value := b.apart(q, heads, false), b.apart(k, heads, true), b.apart(v, heads, false)
	scores := b.node("Div", nil, b.node("MatMul", nil, query, key), b.scalar(fmt.Sprintf("sqrt%d", q.width/heads), float32(math.Sqrt(float64(q.width/heads)))))
	for _, add := range biases {
		scores = add(scores)
	}
	context := b.node("MatMul", nil, b.node("Softmax", attributes{"axis": -1}, scores), value)
	return tokens{b.reshape(b.transpose(context, 0, 2, 1, 3), 0, q.length, q.width), q.length, q.width}
}

// selfAttend is attention of tokens to each other, its three projections one product, with a projection behind.
func (b *builder) selfAttend(x tokens, heads int, biases ...func(scores string) string) tokens {
	all := b.project(x, 3*x.width)
	parts := b.split(all.name, 2, x.width, x.width, x.width)
	part := func(i int) tokens { return tokens{parts[i], x.length, x.width} }
	return b.project(b.attend(part(0), part(1), part(2), heads, biases...), x.width)
}

// unroll takes an image to tokens, row by row.
func (b *builder) unroll(x feature) tokens {
	return tokens{b.transpose(b.reshape(x.name, 0, x.channels, x.height*x.width), 0, 2, 1), x.height * x.width, x.channels}
}

// roll takes tokens back to an image.
func (b *builder) roll(x tokens, height, width int) feature {
	return feature{b.reshape(b.transpose(x.name, 0, 2, 1), 0, x.width, height, width), x.width, height, width}
}

// meanToken is the mean over all tokens.
func (b *builder) meanToken(x tokens) feature {
	return feature{b.node("ReduceMean", attributes{"keepdims": 0}, x.name, b.ints(1)), x.width, 1, 1}
}

// tokenAt is one token.
func (b *builder) tokenAt(x tokens, i int) feature {
	return feature{b.node("Gather", attributes{"axis": 1}, x.name, b.index(fmt.Sprintf("index%d", i), int64(i))), x.width, 1, 1}
}
