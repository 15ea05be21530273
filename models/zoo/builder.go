package zoo

import (
	"fmt"
	"hash/fnv"
	"math"
	"strings"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// opset is the operator set that the models are written in; what they use of it has the same form in all later ones.
const opset = 18

// maxWeights keeps a number in a name from taking up all memory.
const maxWeights = 2_000_000_000

// builder appends nodes to a graph. Values are names.
type builder struct {
	graph    *models.Graph
	count    int
	elements int       // of all weights
	outline  bool      // matrices are blank
	zeros    []float32 // that blank matrices share
	err      error     // the first reason why the architecture can't take the input; nodes behind it mean nothing
}

func newBuilder(name string) *builder {
	return &builder{graph: &models.Graph{Name: name, Values: map[string]*models.Value{}, Initializers: map[string]tensor.Tensor{}}}
}

// fail keeps the first reason why the architecture can't take its input.
func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// attributes are a node's, as int, float32, string or []int.
type attributes map[string]any

// node appends an operator and returns the name of its one output.
func (b *builder) node(op string, attrs attributes, inputs ...string) string {
	return b.nodes(op, attrs, 1, inputs...)[0]
}

// nodes appends an operator of several outputs.
func (b *builder) nodes(op string, attrs attributes, outputs int, inputs ...string) []string {
	b.count++
	name := fmt.Sprintf("%s_%d", op, b.count)
	n := &models.Node{Name: name, Op: op, Inputs: inputs, Outputs: []string{name}, Attributes: map[string]models.Attribute{}}
	for i := 1; i < outputs; i++ {
		n.Outputs = append(n.Outputs, fmt.Sprintf("%s_%d", name, i))
	}
	for k, v := range attrs {
		n.Attributes[k] = attribute(v)
	}
	b.graph.Nodes = append(b.graph.Nodes, n)
	return n.Outputs
}

func attribute(v any) models.Attribute {
	switch v := v.(type) {
	case int:
		return models.Attribute{Kind: models.IntAttribute, Int: int64(v)}
	case float32:
		return models.Attribute{Kind: models.FloatAttribute, Float: v}
	case string:
		return models.Attribute{Kind: models.StringAttribute, Str: v}
	case []int:
		a := models.Attribute{Kind: models.IntsAttribute}
		for _, i := range v {
			a.Ints = append(a.Ints, int64(i))
		}
		return a
	}
	panic(fmt.Sprintf("zoo: attribute of type %T", v))
}

// input declares an input whose first dimension is the batch.
func (b *builder) input(name string, d tensor.DType, dims ...int) string {
	b.graph.Inputs = append(b.graph.Inputs, &models.Value{Name: name, Type: batched(d, dims)})
	return name
}

// output declares a value as an output of that name.
func (b *builder) output(name, value string, dims ...int) {
	for _, n := range b.graph.Nodes {
		for i, out := range n.Outputs {
			if out == value {
				n.Outputs[i] = name
			}
		}
		for i, in := range n.Inputs {
			if in == value {
				n.Inputs[i] = name
			}
		}
	}
	b.graph.Outputs = append(b.graph.Outputs, &models.Value{Name: name, Type: batched(tensor.Float32, dims)})
}

func batched(d tensor.DType, dims []int) models.Type {
	t := models.Type{DType: d, HasShape: true, Dims: []models.Dim{{Size: -1, Param: "batch"}}}
	for _, n := range dims {
		t.Dims = append(t.Dims, models.Dim{Size: n})
	}
	return t
}

// weights adds an initializer of uniform numbers in [mean-spread, mean+spread), seeded by its name. A second call gives the same one.
func (b *builder) weights(name string, mean, spread float64, dims ...int) string {
	if _, shared := b.graph.Initializers[name]; shared {
		return name
	}
	if b.elements += tensor.Shape(dims).Elements(); b.elements > maxWeights {
		b.fail("it has more than %d million weights", maxWeights/1_000_000)
		return name
	}
	if b.outline && len(dims) > 1 {
		b.graph.Initializers[name] = b.blank(dims)
		return name
	}
	t := tensor.New(tensor.Float32, tensor.Shape(dims))
	h := fnv.New64a()
	h.Write([]byte(name))
	fill(tensor.Data[float32](t), h.Sum64(), mean, spread)
	b.graph.Initializers[name] = t
	return name
}

// blank is a tensor of zeros that shares its memory with the others.
func (b *builder) blank(dims []int) tensor.Tensor {
	n := tensor.Shape(dims).Elements()
	if n > len(b.zeros) {
		b.zeros = make([]float32, n)
	}
	return tensor.From(tensor.Float32, tensor.Shape(dims), b.zeros[:n])
}

// fill draws numbers from SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014), two from each step.
func fill(data []float32, seed uint64, mean, spread float64) {
	scale, offset := float32(spread/(1<<31)), float32(mean)
	for len(data) > 1 {
		seed += 0x9e3779b97f4a7c15
		z := mix(seed)
		data[0], data[1] = float32(int32(z))*scale+offset, float32(int32(z>>32))*scale+offset
		data = data[2:]
	}
	if len(data) == 1 {
		data[0] = float32(int32(mix(seed+0x9e3779b97f4a7c15)))*scale + offset
	}
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// he adds a weight whose spread keeps the variance of activations: He et al., "Delving Deep into Rectifiers" (2015), uniform.
func (b *builder) he(name string, fan int, dims ...int) string {
	return b.weights(name, 0, math.Sqrt(6/float64(fan)), dims...)
}

// normal adds a weight with the standard deviation 0.02 that transformers begin with.
func (b *builder) normal(name string, dims ...int) string {
	return b.weights(name, 0, 0.02*math.Sqrt(3), dims...)
}

// ints adds a constant list of integers; equal lists are one constant.
func (b *builder) ints(list ...int) string {
	return b.integers(strings.NewReplacer("[", "ints_", "]", "", " ", "_").Replace(fmt.Sprint(list)), list)
}

// integers adds a constant list of integers under a name.
func (b *builder) integers(name string, list []int) string {
	data := make([]int64, len(list))
	for i, v := range list {
		data[i] = int64(v)
	}
	b.graph.Initializers[name] = tensor.From(tensor.Int64, tensor.Shape{len(data)}, data)
	return name
}

// constant adds numbers that are no weights.
func (b *builder) constant(name string, list []float32, dims ...int) string {
	b.graph.Initializers[name] = tensor.From(tensor.Float32, tensor.Shape(dims), list)
	return name
}

func (b *builder) scalar(name string, v float32) string {
	b.graph.Initializers[name] = tensor.Scalar(tensor.Float32, v)
	return name
}

func (b *builder) index(name string, i int64) string {
	b.graph.Initializers[name] = tensor.Scalar(tensor.Int64, i)
	return name
}

func (b *builder) reshape(x string, dims ...int) string {
	return b.node("Reshape", nil, x, b.ints(dims...))
}

func (b *builder) transpose(x string, perm ...int) string {
	return b.node("Transpose", attributes{"perm": perm}, x)
}

// split cuts a value into parts of the sizes along an axis.
func (b *builder) split(x string, axis int, sizes ...int) []string {
	return b.nodes("Split", attributes{"axis": axis}, len(sizes), x, b.ints(sizes...))
}

// cut takes [from, to) along an axis.
func (b *builder) cut(x string, axis, from, to int) string {
	return b.node("Slice", nil, x, b.ints(from), b.ints(to), b.ints(axis))
}
