package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

// Bindings settle what a model leaves open about its inputs.
type Bindings struct {
	Dims   map[string]int          // named dimensions, such as batch
	Shapes map[string]tensor.Shape // whole shapes, by input
}

// Lowered is a graph and what was settled to make it.
type Lowered struct {
	*Graph
	Dims map[string]int // the value of every named dimension
	// Defaults says which dimensions nobody bound and what was taken for them, one sentence each.
	Defaults []string
}

// Lower turns a checked model into a graph in which every input that is a tensor has a static shape and every body is closed. Model-local functions are expanded.
// Types of inner values are left to inference.
func Lower(m *models.Model, b Bindings) (*Lowered, error) {
	l := &lowering{functions: map[string]*models.Function{}, low: &Lowered{Dims: maps.Clone(b.Dims)}, bind: b}
	if l.low.Dims == nil {
		l.low.Dims = map[string]int{}
	}
	for _, f := range m.Functions {
		l.functions[functionKey(f.Domain, f.Name, f.Overload)] = f
	}
	if err := l.checkBindings(m.Graph); err != nil {
		return nil, err
	}
	s := &scope{values: map[string]*Value{}}
	g := &Graph{Name: m.Graph.Name}
	for _, in := range m.Graph.Inputs {
		v, err := l.input(in)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", in.Name, err)
		}
		g.Inputs = append(g.Inputs, v)
		s.values[v.Name] = v
	}
	if err := l.body(g, m.Graph, s); err != nil {
		return nil, err
	}
	l.low.Graph = g
	return l.low, nil
}

type lowering struct {
	functions map[string]*models.Function
	low       *Lowered
	bind      Bindings
	depth     int
}

// maxFunctionDepth bounds how deep model-local functions may call each other.
const maxFunctionDepth = 64

func functionKey(domain, name, overload string) string { return domain + "/" + name + ":" + overload }

// checkBindings refuses bindings that name nothing in the model, and takes the named dimensions that the given shapes settle.
func (l *lowering) checkBindings(g *models.Graph) error {
	var inputs, params []string
	for _, in := range g.Inputs {
		inputs = append(inputs, in.Name)
		for _, d := range in.Type.Dims {
			if d.Param != "" && !slices.Contains(params, d.Param) {
				params = append(params, d.Param)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.bind.Shapes)) {
		if !slices.Contains(inputs, name) {
			return fmt.Errorf("no input %q to shape; the inputs are %s", name, strings.Join(inputs, ", "))
		}
	}
	for _, in := range g.Inputs {
		if given := l.bind.Shapes[in.Name]; len(given) == len(in.Type.Dims) {
			for i, d := range in.Type.Dims {
				if _, bound := l.low.Dims[d.Param]; d.Param != "" && !bound {
					l.low.Dims[d.Param] = given[i]
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.bind.Dims)) {
		if !slices.Contains(params, name) {
			if len(params) == 0 {
				return fmt.Errorf("no dimension %q to bind; the model names none", name)
			}
			return fmt.Errorf("no dimension %q to bind; the model names %s", name, strings.Join(params, ", "))
		}
		if size := l.bind.Dims[name]; size < 0 {
			return fmt.Errorf("dimension %q is %d; it must be 0 or more", name, size)
		}
	}
	return nil
}

// input makes the value of a model's input, with a static shape where it is a tensor.
func (l *lowering) input(in *models.Value) (*Value, error) {
	t := in.Type
	v := &Value{Name: in.Name}
	if err := v.Declare(t); err != nil {
		return nil, err
	}
	given, ok := l.bind.Shapes[in.Name]
	if t.Kind != models.TensorKind {
		if ok {
			return nil, fmt.Errorf("%v has no shape to give", t)
		}
		return v, nil
	}
	if slices.ContainsFunc(given, func(d int) bool { return d < 0 }) {
		return nil, fmt.Errorf("shape %v has a dimension below 0", []int(given))
	}
	if !t.HasShape {
		if !ok {
			return nil, fmt.Errorf("the model states no shape; give one with --shape %s=1x3x224x224", in.Name)
		}
		v.Shape = given.Clone()
		return v, nil
	}
	if ok && len(given) != len(t.Dims) {
		return nil, fmt.Errorf("shape %v has %d dimensions, the model's %v has %d", given, len(given), t, len(t.Dims))
	}
	v.Shape = make(tensor.Shape, len(t.Dims))
	for i, d := range t.Dims {
		switch {
		case ok && d.Size >= 0 && d.Param == "" && given[i] != d.Size:
			return nil, fmt.Errorf("shape %v: dimension %d is fixed at %d by the model", given, i, d.Size)
		case ok:
			v.Shape[i] = given[i]
			if bound, named := l.low.Dims[d.Param]; named && d.Param != "" && bound != given[i] {
				return nil, fmt.Errorf("shape %v: dimension %q is %d elsewhere", given, d.Param, bound)
			}
		case d.Param != "":
			if _, bound := l.low.Dims[d.Param]; !bound {
				l.low.Dims[d.Param] = l.fallback(in, i)
			}
			v.Shape[i] = l.low.Dims[d.Param]
		case d.Size >= 0:
			v.Shape[i] = d.Size
		default:
			v.Shape[i] = l.fallback(in, i)
		}
		if d.Param != "" {
			l.low.Dims[d.Param] = v.Shape[i]
		}
	}
	return v, nil
}

// fallback is the size of a dimension that nobody bound: 1, but for the height and width of what looks like an image, and for the length of a sequence.
func (l *lowering) fallback(in *models.Value, i int) int {
	size, dims := 1, in.Type.Dims
	name := strings.ToLower(dims[i].Param)
	image := len(dims) == 4 && (dims[1].Size == 1 || dims[1].Size == 3 || dims[1].Size == 4)
	switch {
	case image && i >= 2:
		size = 224
	case i > 0 && !in.Type.DType.Float() && len(dims) == 2, strings.Contains(name, "seq"), strings.Contains(name, "length"):
		size = 128
	}
	what := fmt.Sprintf("dimension %d", i)
	if dims[i].Param != "" {
		what = dims[i].Param
	}
	l.low.Defaults = append(l.low.Defaults, fmt.Sprintf("%s of input %s is %d", what, in.Name, size))
	return size
}

// scope resolves names: those of a graph, then those of the graphs around it, whose values become captures.
type scope struct {
	values map[string]*Value // nil for an optional input of a function that its caller left out
	outer  *scope
	graph  *Graph // the body that captures belong to; nil for the outermost graph
	caught []*Value
}

// find resolves a name. A value of an outer graph becomes an input of the body, unless it is a constant or absent.
func (s *scope) find(name string) (*Value, bool) {
	if v, ok := s.values[name]; ok {
		return v, true
	}
	if s.outer == nil {
		return nil, false
	}
	v, ok := s.outer.find(name)
	if !ok || v == nil {
		return nil, ok
	}
	inner := &Value{Name: name, Const: v.Const}
	inner.SetType(v)
	s.values[name] = inner
	if v.Const == nil {
		s.caught = append(s.caught, v)
		s.graph.Inputs = append(s.graph.Inputs, inner)
	}
	return inner, true
}

// body lowers the nodes, initializers and outputs of mg into g, whose inputs are in the scope already.
func (l *lowering) body(g *Graph, mg *models.Graph, s *scope) error {
	for _, name := range slices.Sorted(maps.Keys(mg.Initializers)) {
		t := mg.Initializers[name]
		s.values[name] = &Value{Name: name, DType: t.DType, Shape: t.Shape.Clone(), Const: &t}
	}
	for _, mn := range mg.Nodes {
		if err := l.node(g, mn, s); err != nil {
			return fmt.Errorf("node %q: %s: %w", mn.Name, mn.Op, err)
		}
	}
	for _, out := range mg.Outputs {
		v, ok := s.find(out.Name)
		if !ok || v == nil {
			return fmt.Errorf("output %q is not made by any node", out.Name)
		}
		g.Outputs = append(g.Outputs, v)
	}
	return nil
}

func (l *lowering) node(g *Graph, mn *models.Node, s *scope) error {
	if f, ok := l.functions[functionKey(mn.Domain, mn.Op, mn.Overload)]; ok {
		return l.call(g, mn, f, s)
	}
	n := &Node{Name: mn.Name, Op: mn.Op, Domain: mn.Domain, From: []string{mn.Name}, Attributes: map[string]models.Attribute{}}
	for _, name := range mn.Inputs {
		if name == "" {
			n.Inputs = append(n.Inputs, nil)
			continue
		}
		v, ok := s.find(name)
		if !ok {
			return fmt.Errorf("input %q is not defined", name)
		}
		n.Inputs = append(n.Inputs, v)
	}
	for _, name := range slices.Sorted(maps.Keys(mn.Attributes)) {
		a := mn.Attributes[name]
		if a.Kind != models.GraphAttribute {
			n.Attributes[name] = a
		}
	}
	if err := l.bodies(n, mn, s); err != nil {
		return err
	}
	for _, name := range mn.Outputs {
		if name == "" {
			n.Outputs = append(n.Outputs, nil)
			continue
		}
		v := &Value{Name: name, Producer: n}
		n.Outputs = append(n.Outputs, v)
		s.values[name] = v
	}
	g.Nodes = append(g.Nodes, n)
	return nil
}

// bodies lowers a node's subgraphs. All of them get the captures of all, in one order, so that any of them can be run with the node's last inputs.
func (l *lowering) bodies(n *Node, mn *models.Node, s *scope) error {
	var scopes []*scope
	for _, name := range slices.Sorted(maps.Keys(mn.Attributes)) {
		sub := mn.Attributes[name].Graph
		if sub == nil {
			continue
		}
		body := &Graph{Name: sub.Name}
		inner := &scope{values: map[string]*Value{}, outer: s, graph: body}
		for _, in := range sub.Inputs {
			v := &Value{Name: in.Name}
			if err := v.Declare(in.Type); err != nil {
				return fmt.Errorf("%s: input %q: %w", name, in.Name, err)
			}
			if n.Op == "Loop" && in.Type.HasShape && len(in.Type.Dims) == 1 && in.Type.Dims[0].Size == 1 {
				v.Shape = tensor.Shape{1} // some exporters declare the iteration's number so; the operator settles all other shapes
			}
			body.Inputs = append(body.Inputs, v)
			inner.values[in.Name] = v
		}
		if err := l.body(body, sub, inner); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if n.Bodies == nil {
			n.Bodies = map[string]*Graph{}
		}
		n.Bodies[name] = body
		scopes = append(scopes, inner)
	}
	return shareCaptures(n, scopes)
}

// shareCaptures appends the values that any of the scopes caught to n's inputs, and gives every body an input for each.
func shareCaptures(n *Node, scopes []*scope) error {
	var all []*Value
	for _, s := range scopes {
		for _, v := range s.caught {
			if !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	for _, s := range scopes {
		own := len(s.graph.Inputs) - len(s.caught)
		inner := s.graph.Inputs[own:]
		inputs := slices.Clone(s.graph.Inputs[:own])
		for _, v := range all {
			if i := slices.Index(s.caught, v); i >= 0 {
				inputs = append(inputs, inner[i])
			} else {
				twin := &Value{Name: v.Name}
				twin.SetType(v)
				inputs = append(inputs, twin)
			}
		}
		s.graph.Inputs = inputs
	}
	n.Inputs = append(n.Inputs, all...)
	n.Captures = len(all)
	return nil
}

// call expands a model-local function in place: its nodes, under the caller's name, over the caller's values.
func (l *lowering) call(g *Graph, mn *models.Node, f *models.Function, s *scope) error {
	if l.depth++; l.depth > maxFunctionDepth {
		return fmt.Errorf("functions call each other more than %d deep", maxFunctionDepth)
	}
	defer func() { l.depth-- }()
	inner := &scope{values: map[string]*Value{}}
	for i, name := range f.Inputs {
		if i >= len(mn.Inputs) || mn.Inputs[i] == "" {
			inner.values[name] = nil
			continue
		}
		v, ok := s.find(mn.Inputs[i])
		if !ok {
			return fmt.Errorf("input %q is not defined", mn.Inputs[i])
		}
		inner.values[name] = v
	}
	for _, fn := range f.Nodes {
		node, err := substitute(fn, mn, f)
		if err != nil {
			return err
		}
		if err := l.node(g, node, inner); err != nil {
			return fmt.Errorf("node %q: %s: %w", fn.Name, fn.Op, err)
		}
	}
	for i, name := range f.Outputs {
		if i >= len(mn.Outputs) || mn.Outputs[i] == "" {
			continue
		}
		v, ok := inner.values[name]
		if !ok {
			return fmt.Errorf("output %q of function %s is not made by any node", name, f.Name)
		}
		s.values[mn.Outputs[i]] = v
	}
	return nil
}

// substitute copies a node of a function's body, with the caller's attributes in place of references.
func substitute(fn, caller *models.Node, f *models.Function) (*models.Node, error) {
	n := *fn
	n.Name = caller.Name + "/" + fn.Name
	n.Attributes = map[string]models.Attribute{}
	for _, name := range slices.Sorted(maps.Keys(fn.Attributes)) {
		a := fn.Attributes[name]
		if a.Graph != nil {
			sub, err := substituteGraph(a.Graph, caller, f)
			if err != nil {
				return nil, err
			}
			a.Graph = sub
		}
		if a.Kind == models.ReferenceAttribute {
			given, ok := caller.Attributes[a.Str]
			if !ok {
				given, ok = f.Defaults[a.Str]
			}
			if !ok {
				continue // an attribute that neither side states keeps the operator's default
			}
			a = given
		}
		n.Attributes[name] = a
	}
	return &n, nil
}

func substituteGraph(g *models.Graph, caller *models.Node, f *models.Function) (*models.Graph, error) {
	sub := *g
	sub.Nodes = nil
	for _, node := range g.Nodes {
		n, err := substitute(node, caller, f)
		if err != nil {
			return nil, err
		}
		sub.Nodes = append(sub.Nodes, n)
	}
	return &sub, nil
}
