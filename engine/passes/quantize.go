package passes

import (
	"maps"
	"math"
	"strings"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// quantizeNodes lets what lies between DequantizeLinear and QuantizeLinear run on the bytes themselves:
//
//	x → DQ → eiplan/Conv(·, DQ(w), b) → Q      →  x → BytesConv(·, w, b)
//	x → DQ → GlobalAveragePool → Q             →  x → BytesConv(·, 1)
//	a → DQ ┐
//	       ├ Add [→ Relu] → Q                  →  BytesAffine(a, b)
//	b → DQ ┘
//	x → DQ [→ Relu] → Q                        →  BytesAffine(x), or x where that changes nothing
//	x → DQ → MaxPool → Q                       →  x → MaxPool → BytesAffine
//	a → DQ, b → DQ → Concat along channels → Q →  BytesConcat(a, b)
//	x → Q, read by those                       →  x → BytesQuantize
//	QLinearConv(x, w, b)                       →  BytesConv(x, w, b)
//
// for images of bytes with one scale and one zero point. The results are those of the nodes on real numbers, but for what these round on their way.
var quantizeNodes = Pass{Name: "run quantized nodes on bytes", Run: func(g *graph.Graph, o Options) error {
	for _, p := range []Pass{unsignBytes, quantizeOperators, quantizeEach, quantizePicks, quantizeInputs} {
		if err := p.Run(g, o); err != nil {
			return err
		}
	}
	return nil
}}

var quantizeEach = rewriting("run quantized nodes on bytes", func(e *editor, n *graph.Node, _ Options) {
	q, ok := quantizerOf(n)
	if !ok {
		return
	}
	p := n.In(0).Producer
	if p == nil || e.gone[p] {
		return
	}
	bounds := byteBounds{zero: q.zero, lo: 0, hi: 255}
	if p.Is("", "Relu") && e.maker(n.In(0)) == p && p.In(0).Producer != nil {
		bounds.lo = q.zero
		p = p.In(0).Producer
	}
	switch {
	case p.Is("", "DequantizeLinear"):
		quantizeAffine(e, n, q, bounds, p.Outputs[0])
	case e.reader(p.Outputs[0]) == nil:
	case p.Is("eiplan", "Conv"):
		quantizeConv(e, n, q, p)
	case p.Is("", "Add"):
		quantizeAffine(e, n, q, bounds, p.Inputs...)
	case p.Is("", "GlobalAveragePool"):
		quantizeMean(e, n, q, bounds, p)
	case p.Is("", "MaxPool"):
		quantizeMaxPool(e, n, q, bounds, p)
	case p.Is("", "Concat"):
		quantizeConcat(e, n, q, bounds, p)
	}
})

// quantizer is what a QuantizeLinear or DequantizeLinear of bytes does to all elements alike.
type quantizer struct {
	scale float32
	zero  uint8
}

// quantizerOf reads a QuantizeLinear from float32 to an image of bytes.
func quantizerOf(n *graph.Node) (quantizer, bool) {
	if !n.Is("", "QuantizeLinear") || n.Outputs[0] == nil || n.Outputs[0].DType != tensor.Uint8 || n.In(0).DType != tensor.Float32 || !isImage(n.Outputs[0]) {
		return quantizer{}, false
	}
	scale, zero, ok := ops.ScaleOf(n)
	return quantizer{scale, zero}, ok && scale > 0
}

// isImage reports whether v can lie in a Channels layout, whatever its type.
func isImage(v *graph.Value) bool {
	return v.Static() && (len(v.Shape) == 3 || len(v.Shape) == 4) && v.Shape.Elements() > 0
}

// bytesUnder is the image of bytes whose real numbers v is; nil where v is something else.
func bytesUnder(v *graph.Value) (*graph.Value, quantizer) {
	if v == nil || v.Producer == nil || !v.Producer.Is("", "DequantizeLinear") || v.DType != tensor.Float32 || v.Producer.In(0).DType != tensor.Uint8 || v.Producer.In(0).Known() || !isImage(v) {
		return nil, quantizer{}
	}
	scale, zero, ok := ops.ScaleOf(v.Producer)
	if !ok || scale <= 0 {
		return nil, quantizer{}
	}
	return v.Producer.In(0), quantizer{scale, zero}
}

// byteBounds says how real numbers become bytes: zero + round(x) within [lo, hi].
type byteBounds struct{ zero, lo, hi uint8 }

// settings are the attributes that say how results become bytes.
func settings(b byteBounds) map[string]models.Attribute {
	return map[string]models.Attribute{"zero": intAttribute(int(b.zero)), "lo": intAttribute(int(b.lo)), "hi": intAttribute(int(b.hi))}
}

// quantizeAffine makes n a BytesAffine of what one or two values stand for.
func quantizeAffine(e *editor, n *graph.Node, q quantizer, bounds byteBounds, real ...*graph.Value) {
	attributes := settings(bounds)
	var inputs []*graph.Value
	for i, v := range real {
		x, of := bytesUnder(v)
		if x == nil || !x.Shape.Equal(n.Outputs[0].Shape) {
			return
		}
		inputs = append(inputs, x)
		side := string(rune('a' + i))
		attributes["scale_"+side] = floatAttribute(of.scale / q.scale)
		attributes["zero_"+side] = intAttribute(int(of.zero))
		if len(real) == 1 && of == q && bounds.lo == 0 {
			e.replace(n.Outputs[0], x)
			e.remove(n)
			return
		}
	}
	e.become(n, "eiplan", "BytesAffine", inputs, attributes)
}

// quantizeConv makes n a BytesConv.
func quantizeConv(e *editor, n *graph.Node, q quantizer, p *graph.Node) {
	x, of := bytesUnder(p.In(0))
	weights, scales := bytesOfWeights(p.In(1))
	if x == nil || weights == nil || p.In(3) != nil || p.In(2) != nil && !p.In(2).Known() || p.Inputs[1].Shape[1:].Elements() > ops.MostByteProducts {
		return
	}
	outs := len(scales)
	real, bias := make([]float32, outs), make([]int32, outs)
	for i, s := range scales {
		step := float64(of.scale) * float64(s)
		real[i] = float32(step / float64(q.scale))
		if b := p.In(2); b != nil {
			whole := math.RoundToEven(float64(floats(b)[i]) / step)
			if math.IsNaN(whole) || math.Abs(whole) > math.MaxUint32 {
				return
			}
			if half := math.Ceil(math.Log2(math.Abs(whole) / mostBias)); half > 0 {
				coarsen(weights, i, outs, int(half))
				whole, step = math.Ldexp(whole, -int(half)), math.Ldexp(step, int(half))
				real[i] = float32(step / float64(q.scale))
			}
			bias[i] = int32(whole)
		}
	}
	bounds := byteBounds{zero: q.zero, lo: q.quantize(p.Float("lo", float32(math.Inf(-1)))), hi: q.quantize(p.Float("hi", float32(math.Inf(1))))}
	attributes := maps.Clone(p.Attributes)
	if attributes == nil {
		attributes = map[string]models.Attribute{}
	}
	maps.Copy(attributes, settings(bounds))
	attributes["zero_in"] = intAttribute(int(of.zero))
	e.become(n, "eiplan", "BytesConv", []*graph.Value{x, weights, int32Constant(p.Name+".bias", bias), constantOf(p.Name+".scale", tensor.Shape{outs}, real)}, attributes, p)
}

// mostBias is how large a bias may be beside the largest sum of MostByteProducts.
const mostBias = 1 << 30

// coarsen takes the last bits off the weights of a channel whose bias, in steps of a product, would not fit in. Beside such a bias they are next to nothing.
func coarsen(weights *graph.Value, channel, channels, bits int) {
	data := tensor.Data[int16](*weights.Const)
	for i, each := channel*len(data)/channels, len(data)/channels; each > 0; i, each = i+1, each-1 {
		data[i] = int16(math.RoundToEven(math.Ldexp(float64(data[i]), -bits)))
	}
}

// quantize is the byte that stands for x.
func (q quantizer) quantize(x float32) uint8 {
	return uint8(min(max(math.RoundToEven(float64(x/q.scale))+float64(q.zero), 0), 255))
}

// bytesOfWeights are constant weights less their zero points, where a DequantizeLinear of bytes with one scale, or one for each output channel, made them.
func bytesOfWeights(v *graph.Value) (*graph.Value, []float32) {
	if !v.Known() || v.From == nil {
		return nil, nil
	}
	w, s, z := v.From.In(0), v.From.In(1), v.From.In(2)
	outs := w.Shape[0]
	each := s.Const.Len()
	if w.DType != tensor.Int8 && w.DType != tensor.Uint8 || s.DType != tensor.Float32 || v.From.Int("block_size", 0) != 0 || each != 1 && (each != outs || v.From.Int("axis", 1) != 0) {
		return nil, nil
	}
	scales := make([]float32, outs)
	for i := range scales {
		scales[i] = floats(s)[min(i, each-1)]
	}
	return lessZeros(w, z), scales
}

// lessZeros are known weights less their zero points; nil where these are not known.
func lessZeros(w, zeros *graph.Value) *graph.Value {
	data := ops.LessZeros(w, zeros)
	if data == nil {
		return nil
	}
	t := tensor.From(tensor.Int16, w.Shape.Clone(), data)
	return &graph.Value{Name: w.Name, DType: tensor.Int16, Shape: t.Shape, Const: &t}
}

func int32Constant(name string, data []int32) *graph.Value {
	t := tensor.From(tensor.Int32, tensor.Shape{len(data)}, data)
	return &graph.Value{Name: name, DType: tensor.Int32, Shape: t.Shape, Const: &t}
}

// quantizeMean makes n, the mean of each channel, a convolution of each channel with ones over the whole image.
func quantizeMean(e *editor, n *graph.Node, q quantizer, bounds byteBounds, p *graph.Node) {
	x, of := bytesUnder(p.In(0))
	if x == nil || x.Shape[2:].Elements() > ops.MostByteProducts || x.Shape[1] == 1 {
		return
	}
	channels, window := x.Shape[1], x.Shape[2:]
	w := tensor.New(tensor.Int16, append(tensor.Shape{channels, 1}, window...))
	for i, data := 0, tensor.Data[int16](w); i < len(data); i++ {
		data[i] = 1
	}
	scale := make([]float32, channels)
	for i := range scale {
		scale[i] = float32(float64(of.scale) / float64(q.scale) / float64(window.Elements()))
	}
	attributes := settings(bounds)
	attributes["zero_in"] = intAttribute(int(of.zero))
	attributes["group"] = intAttribute(channels)
	ones := &graph.Value{Name: p.Name + ".ones", DType: tensor.Int16, Shape: w.Shape, Const: &w}
	e.become(n, "eiplan", "BytesConv", []*graph.Value{x, ones, int32Constant(p.Name+".bias", make([]int32, channels)), constantOf(p.Name+".scale", tensor.Shape{channels}, scale)}, attributes, p)
}

// quantizeMaxPool takes the maximum of bytes, which is that of what they stand for, and then changes the scale where it has to.
func quantizeMaxPool(e *editor, n *graph.Node, q quantizer, bounds byteBounds, p *graph.Node) {
	x, of := bytesUnder(p.In(0))
	if x == nil || len(p.Outputs) > 1 && p.Outputs[1] != nil {
		return
	}
	if of == q && bounds.lo == 0 {
		e.become(n, "", "MaxPool", []*graph.Value{x}, p.Attributes, p)
		return
	}
	y := p.Outputs[0]
	y.DType = tensor.Uint8
	e.read(p, []*graph.Value{x})
	attributes := settings(bounds)
	attributes["scale_a"], attributes["zero_a"] = floatAttribute(of.scale/q.scale), intAttribute(int(of.zero))
	e.become(n, "eiplan", "BytesAffine", []*graph.Value{y}, attributes)
}

// quantizeConcat makes n a BytesConcat.
func quantizeConcat(e *editor, n *graph.Node, q quantizer, bounds byteBounds, p *graph.Node) {
	if axis := p.Int("axis", 0); axis != 1 && axis != 1-len(n.Outputs[0].Shape) {
		return
	}
	var inputs []*graph.Value
	var scales []float32
	var zeros []int
	for _, v := range p.Inputs {
		x, of := bytesUnder(v)
		if x == nil {
			return
		}
		inputs, scales, zeros = append(inputs, x), append(scales, of.scale/q.scale), append(zeros, int(of.zero))
	}
	attributes := settings(bounds)
	attributes["axis"], attributes["zeros"] = intAttribute(1), intsAttribute(zeros)
	attributes["scales"] = models.Attribute{Kind: models.FloatsAttribute, Floats: scales}
	e.become(n, "eiplan", "BytesConcat", inputs, attributes, p)
}

// quantizeInputs makes bytes in the layout of those nodes at once.
var quantizeInputs = rewriting("quantize into channels", func(e *editor, n *graph.Node, _ Options) {
	q, ok := quantizerOf(n)
	if !ok || n.In(0).Known() {
		return
	}
	for _, r := range e.readers[n.Outputs[0]] {
		if r.Domain == "eiplan" && strings.HasPrefix(r.Op, "Bytes") {
			attributes := settings(byteBounds{zero: q.zero, lo: 0, hi: 255})
			attributes["scale"] = floatAttribute(q.scale)
			e.become(n, "eiplan", "BytesQuantize", []*graph.Value{n.In(0)}, attributes)
			return
		}
	}
})
