package zoo

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// opset is the operator set that the models are written in; what they use of it has the same form in all later ones.
const opset = 17

// builder appends nodes to a graph. Values are names.
type builder struct {
	graph *models.Graph
	count int
}

func newBuilder(name string) *builder {
	return &builder{graph: &models.Graph{Name: name, Values: map[string]*models.Value{}, Initializers: map[string]tensor.Tensor{}}}
}

// attributes are a node's, as int, float32, string or []int.
type attributes map[string]any

func (b *builder) node(op string, attrs attributes, inputs ...string) string {
	b.count++
	name := fmt.Sprintf("%s_%d", op, b.count)
	n := &models.Node{Name: name, Op: op, Inputs: inputs, Outputs: []string{name}, Attributes: map[string]models.Attribute{}}
	for k, v := range attrs {
		n.Attributes[k] = attribute(v)
	}
	b.graph.Nodes = append(b.graph.Nodes, n)
	return name
}

func attribute(v any) models.Attribute {
	switch v := v.(type) {
	case int:
		return models.Attribute{Kind: models.IntAttribute, Int: int64(v)}
	case float32:
		return models.Attribute{Kind: models.FloatAttribute, Float: v}
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
	last := b.graph.Nodes[len(b.graph.Nodes)-1]
	for _, n := range b.graph.Nodes {
		if n.Outputs[0] == value {
			last = n
		}
		for i, in := range n.Inputs {
			if in == value {
				n.Inputs[i] = name
			}
		}
	}
	last.Outputs[0] = name
	b.graph.Outputs = append(b.graph.Outputs, &models.Value{Name: name, Type: batched(tensor.Float32, dims)})
}

func batched(d tensor.DType, dims []int) models.Type {
	t := models.Type{DType: d, HasShape: true, Dims: []models.Dim{{Size: -1, Param: "batch"}}}
	for _, n := range dims {
		t.Dims = append(t.Dims, models.Dim{Size: n})
	}
	return t
}

// weights adds an initializer of uniform numbers in [mean-spread, mean+spread), seeded by its name.
func (b *builder) weights(name string, mean, spread float64, dims ...int) string {
	shape := tensor.Shape(dims)
	t := tensor.New(tensor.Float32, shape)
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	data := tensor.Data[float32](t)
	for i := range data {
		data[i] = float32(mean + spread*(2*r.Float64()-1))
	}
	b.graph.Initializers[name] = t
	return name
}

// he adds a weight whose spread keeps the variance of activations: He et al., "Delving Deep into Rectifiers" (2015), uniform.
func (b *builder) he(name string, fan int, dims ...int) string {
	return b.weights(name, 0, math.Sqrt(6/float64(fan)), dims...)
}

// ints adds a constant list of integers.
func (b *builder) ints(name string, list ...int64) string {
	b.graph.Initializers[name] = tensor.From(tensor.Int64, tensor.Shape{len(list)}, list)
	return name
}

func (b *builder) scalar(name string, v float32) string {
	b.graph.Initializers[name] = tensor.Scalar(tensor.Float32, v)
	return name
}
