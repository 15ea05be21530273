package models

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/eiplan/eiplan/models/onnx"
	"github.com/eiplan/eiplan/models/tensor"
)

// converter makes a Model of what package onnx read; content gives a tensor's elements, which the Model then refers to.
type converter struct {
	content func(*onnx.Tensor) ([]byte, error)
	repeats int // constants that are there more than once
}

// model fills m with what the file says. The graph is not yet upgraded or checked.
func (c *converter) model(p *onnx.Model, m *Model) error {
	if p.Graph == nil {
		return errors.New("not an ONNX model: it has no graph")
	}
	m.IRVersion = int(p.IRVersion)
	m.Producer = p.ProducerName
	if p.ProducerVersion != "" {
		m.Producer += " " + p.ProducerVersion
	}
	var err error
	if m.Opsets, err = opsets(p.OpsetImport); err != nil {
		return err
	}
	if len(m.Opsets) == 0 {
		m.Opsets[""] = 1 // files of IR version 1 and 2 state none
		if p.IRVersion >= 3 {
			return errors.New("no operator set is imported (opset_import is empty)")
		}
	}
	if m.Graph, err = c.graph(p.Graph); err != nil {
		return err
	}
	if m.IRVersion < overridableSince {
		m.Graph.Defaults = nil
	}
	for i, f := range p.Functions {
		g, err := c.function(f)
		if err != nil {
			return fmt.Errorf("function %s: %w", label(f.Name, i), err)
		}
		m.Functions = append(m.Functions, g)
	}
	if c.repeats > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("%d constants are there more than once; the last of each name is used", c.repeats))
	}
	return nil
}

// label names a thing by its name, or by its place when it has none.
func label(name string, i int) string {
	if name == "" {
		return "#" + strconv.Itoa(i)
	}
	return strconv.Quote(name)
}

func opsets(imports []onnx.OperatorSetID) (map[string]int, error) {
	versions := map[string]int{}
	for _, o := range imports {
		d := domain(o.Domain)
		if o.Version < 1 || o.Version > 1<<20 {
			return nil, fmt.Errorf("opset_import: version %d of %s", o.Version, DomainName(d))
		}
		versions[d] = max(versions[d], int(o.Version))
	}
	return versions, nil
}

// domain spells the default domain "", which files may also call ai.onnx.
func domain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// DomainName is a domain as people write it: ai.onnx for "".
func DomainName(domain string) string {
	if domain == "" {
		return "ai.onnx"
	}
	return domain
}

func (c *converter) graph(p *onnx.Graph) (*Graph, error) {
	g := &Graph{Name: p.Name, Values: map[string]*Value{}, Initializers: map[string]tensor.Tensor{}}
	for i, t := range p.Initializers {
		v, err := c.tensor(t)
		if err != nil {
			return nil, fmt.Errorf("initializer %s: %w", label(t.Name, i), err)
		}
		if err := c.addInitializer(g, t.Name, v); err != nil {
			return nil, err
		}
	}
	for i, s := range p.SparseInitializers {
		v, name, err := c.sparse(s)
		if err == nil {
			err = c.addInitializer(g, name, v)
		}
		if err != nil {
			return nil, fmt.Errorf("sparse initializer %s: %w", label(name, i), err)
		}
	}
	var err error
	if g.Listed, err = values("input", p.Inputs); err != nil {
		return nil, err
	}
	for _, v := range g.Listed {
		if _, constant := g.Initializers[v.Name]; !constant {
			g.Inputs = append(g.Inputs, v)
		}
	}
	if len(g.Inputs) == len(g.Listed) {
		g.Listed = nil
	}
	g.Defaults = defaultsOf(p, g.Listed)
	if g.Outputs, err = values("output", p.Outputs); err != nil {
		return nil, err
	}
	inner, err := values("value_info", p.ValueInfo)
	if err != nil {
		return nil, err
	}
	for _, v := range inner {
		g.Values[v.Name] = v
	}
	nodes, err := c.nodes(p.Nodes)
	g.Nodes = c.withoutRepeats(nodes)
	return g, err
}

// withoutRepeats lets the last of several Constant nodes that make a value of the same name take the place of the first, as ONNX Runtime does:
// some optimisers leave such files behind.
func (c *converter) withoutRepeats(nodes []*Node) []*Node {
	first := map[string]int{}
	kept := nodes[:0]
	for _, n := range nodes {
		if n.Op == "Constant" && n.Domain == "" && len(n.Outputs) == 1 {
			if i, again := first[n.Outputs[0]]; again {
				c.repeats++
				kept[i] = n
				continue
			}
			first[n.Outputs[0]] = len(kept)
		}
		kept = append(kept, n)
	}
	return kept
}

// addInitializer lets the last of several initializers of one name count, as withoutRepeats does.
func (c *converter) addInitializer(g *Graph, name string, t tensor.Tensor) error {
	if name == "" {
		return fmt.Errorf("an initializer has no name")
	}
	if _, twice := g.Initializers[name]; twice {
		c.repeats++
	}
	g.Initializers[name] = t
	return nil
}

func (c *converter) nodes(list []*onnx.Node) ([]*Node, error) {
	var names names
	nodes := make([]*Node, len(list))
	for i, p := range list {
		name := p.Name
		if name == "" {
			name = p.OpType + "_" + strconv.Itoa(i)
		}
		n := &Node{
			Name: names.unique(name), Op: p.OpType, Domain: domain(p.Domain), Overload: p.Overload,
			Inputs: p.Inputs, Outputs: p.Outputs, Attributes: map[string]Attribute{},
		}
		for _, a := range p.Attributes {
			v, err := c.attribute(a)
			if err == nil && a.Name == "" {
				err = errors.New("it has no name")
			}
			if _, twice := n.Attributes[a.Name]; err == nil && twice {
				err = errors.New("it is there twice")
			}
			if err != nil {
				return nil, fmt.Errorf("node %q: %s: attribute %q: %w", n.Name, n.Op, a.Name, err)
			}
			n.Attributes[a.Name] = v
		}
		nodes[i] = n
	}
	return nodes, nil
}

// names hands out names that are unique.
type names struct {
	taken map[string]bool
	next  map[string]int // where to go on counting, so that many of one name cost little
}

// unique is name, or name with the lowest number behind it that makes it new.
func (n *names) unique(name string) string {
	if n.taken == nil {
		n.taken, n.next = map[string]bool{}, map[string]int{}
	}
	free := name
	for n.taken[free] {
		n.next[name]++
		free = name + "_" + strconv.Itoa(n.next[name])
	}
	n.taken[free] = true
	return free
}

// reserve takes a name, whether it is taken or not.
func (n *names) reserve(name string) {
	if n.taken == nil {
		n.taken, n.next = map[string]bool{}, map[string]int{}
	}
	n.taken[name] = true
}

func (c *converter) attribute(a *onnx.Attribute) (Attribute, error) {
	if a.RefAttrName != "" {
		return Attribute{Kind: ReferenceAttribute, Str: a.RefAttrName, Int: int64(a.Type)}, nil
	}
	switch a.Type {
	case onnx.AttributeFloat:
		return Attribute{Kind: FloatAttribute, Float: a.F}, nil
	case onnx.AttributeInt:
		return Attribute{Kind: IntAttribute, Int: a.I}, nil
	case onnx.AttributeString:
		return Attribute{Kind: StringAttribute, Str: string(a.S)}, nil
	case onnx.AttributeFloats:
		return Attribute{Kind: FloatsAttribute, Floats: a.Floats}, nil
	case onnx.AttributeInts:
		return Attribute{Kind: IntsAttribute, Ints: a.Ints}, nil
	case onnx.AttributeStrings:
		v := Attribute{Kind: StringsAttribute, Strs: make([]string, len(a.Strings))}
		for i, s := range a.Strings {
			v.Strs[i] = string(s)
		}
		return v, nil
	case onnx.AttributeTensor, onnx.AttributeSparseTensor:
		var t tensor.Tensor
		var err error
		if a.Type == onnx.AttributeTensor {
			t, err = c.tensor(a.T)
		} else {
			t, _, err = c.sparse(a.SparseTensor)
		}
		return Attribute{Kind: TensorAttribute, Tensor: t}, err
	case onnx.AttributeTensors:
		v := Attribute{Kind: TensorsAttribute, Tensors: make([]tensor.Tensor, len(a.Tensors))}
		for i, p := range a.Tensors {
			var err error
			if v.Tensors[i], err = c.tensor(p); err != nil {
				return v, fmt.Errorf("tensor %d: %w", i, err)
			}
		}
		return v, nil
	case onnx.AttributeGraph:
		if a.G == nil {
			return Attribute{}, errors.New("a graph attribute without a graph")
		}
		g, err := c.graph(a.G)
		return Attribute{Kind: GraphAttribute, Graph: g}, err
	case onnx.AttributeGraphs:
		v := Attribute{Kind: GraphsAttribute, Graphs: make([]*Graph, len(a.Graphs))}
		for i, p := range a.Graphs {
			var err error
			if v.Graphs[i], err = c.graph(p); err != nil {
				return v, fmt.Errorf("graph %d: %w", i, err)
			}
		}
		return v, nil
	case onnx.AttributeTypeProto:
		t, err := valueType(a.TP)
		return Attribute{Kind: TypeAttribute, Type: &t}, err
	}
	return Attribute{}, fmt.Errorf("attribute type %d is not supported", a.Type)
}

// tensor gives a view of what content returns; strings are copied.
func (c *converter) tensor(p *onnx.Tensor) (tensor.Tensor, error) {
	if p == nil {
		return tensor.Tensor{}, errors.New("a tensor attribute without a tensor")
	}
	n, err := p.Elements()
	if err != nil {
		return tensor.Tensor{}, err
	}
	t := tensor.Tensor{DType: tensor.DType(p.DataType), Shape: make(tensor.Shape, len(p.Dims))}
	if !p.DataType.Known() {
		return tensor.Tensor{}, fmt.Errorf("unknown data type %d", p.DataType)
	}
	for i, d := range p.Dims {
		if d != int64(int(d)) {
			return tensor.Tensor{}, fmt.Errorf("dims %v: more than this machine can address", p.Dims)
		}
		t.Shape[i] = int(d)
	}
	if t.DType == tensor.String && !p.IsExternal {
		t.Strings, err = p.Texts()
	} else if n > 0 || p.Raw != nil || p.IsExternal {
		t.Bytes, err = c.content(p)
	}
	return t, err
}

func (c *converter) function(p *onnx.Function) (*Function, error) {
	f := &Function{
		Name: p.Name, Domain: domain(p.Domain), Overload: p.Overload,
		Inputs: p.Inputs, Outputs: p.Outputs, Attributes: p.Attributes, Defaults: map[string]Attribute{},
	}
	var err error
	if f.Opsets, err = opsets(p.OpsetImport); err != nil {
		return nil, err
	}
	for _, a := range p.AttributeDefaults {
		if f.Defaults[a.Name], err = c.attribute(a); err != nil {
			return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
		}
	}
	f.Nodes, err = c.nodes(p.Nodes)
	return f, err
}

func values(what string, list []*onnx.ValueInfo) ([]*Value, error) {
	var vs []*Value
	for i, p := range list {
		t, err := valueType(p.Type)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", what, label(p.Name, i), err)
		}
		vs = append(vs, &Value{Name: p.Name, Type: t})
	}
	return vs, nil
}

// valueType converts a type; a missing one is that of a tensor of an undefined element type and unknown rank.
func valueType(p *onnx.Type) (Type, error) {
	if p == nil {
		return Type{}, nil
	}
	nested := func(kind Kind, elem *onnx.Type) (Type, error) {
		t, err := valueType(elem)
		return Type{Kind: kind, Elem: &t}, err
	}
	switch {
	case p.Tensor != nil:
		return tensorType(TensorKind, p.Tensor)
	case p.SparseTensor != nil:
		return tensorType(SparseKind, p.SparseTensor)
	case p.Sequence != nil:
		return nested(SequenceKind, p.Sequence.Elem)
	case p.Optional != nil:
		return nested(OptionalKind, p.Optional.Elem)
	case p.Map != nil:
		t, err := nested(MapKind, p.Map.ValueType)
		if !p.Map.KeyType.Known() {
			return t, fmt.Errorf("unknown data type %d", p.Map.KeyType)
		}
		t.Key = tensor.DType(p.Map.KeyType)
		return t, err
	case p.Opaque != nil:
		return Type{}, fmt.Errorf("the opaque type %s.%s is not supported", p.Opaque.Domain, p.Opaque.Name)
	}
	return Type{}, nil
}

func tensorType(kind Kind, p *onnx.TensorType) (Type, error) {
	if p.ElemType != onnx.Undefined && !p.ElemType.Known() {
		return Type{}, fmt.Errorf("unknown data type %d", p.ElemType)
	}
	t := Type{Kind: kind, DType: tensor.DType(p.ElemType), HasShape: p.Shape != nil}
	if p.Shape == nil {
		return t, nil
	}
	for i, d := range p.Shape.Dims {
		switch {
		case d.Value != int64(int(d.Value)):
			return t, fmt.Errorf("dimension %d is %d", i, d.Value)
		case d.Param != "":
			t.Dims = append(t.Dims, Dim{Size: tensor.Unknown, Param: d.Param})
		case !d.HasValue || d.Value < 0: // converters write -1 for what they don't know
			t.Dims = append(t.Dims, Dim{Size: tensor.Unknown})
		default:
			t.Dims = append(t.Dims, Dim{Size: int(d.Value)})
		}
	}
	return t, nil
}
