package models

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/eiplan/eiplan/models/tensor"
)

// maxGraphDepth is how deep graphs may lie in one another.
const maxGraphDepth = 32

// Check returns the first violation of what must hold of any model, whatever its operators mean:
//
//   - it imports an operator set for each domain that its nodes name, and has an output;
//   - an input of the graph has a type; names of inputs, of initializers and of what nodes make are there and differ;
//   - what a node, a body of control flow or a graph's output reads is made, and no value is made of itself;
//   - a tensor has as many elements as its shape says; an attribute has the value that its kind says;
//   - functions have different names and don't call themselves; graphs are not nested deeper than 32.
//
// Nodes that come before what they read are put in order; nothing else is changed. What a body reads and does not make is looked up in the
// graphs around it, and a name of its own hides theirs.
func Check(m *Model) error {
	if m.Graph == nil {
		return errors.New("the model has no graph")
	}
	if len(m.Graph.Outputs) == 0 {
		return errors.New("the graph has no outputs")
	}
	for _, v := range m.Graph.Inputs {
		if v.Type.untyped() {
			return fmt.Errorf("input %q has no type", v.Name)
		}
	}
	c := checker{opsets: []map[string]int{m.Opsets}}
	if err := c.graph(m.Graph, nil, 1); err != nil {
		return err
	}
	return checkFunctions(m)
}

func (t Type) untyped() bool {
	for t.Elem != nil {
		t = *t.Elem
	}
	return t.DType == tensor.Undefined
}

// checker checks the graphs of a model, or the nodes of a function.
type checker struct {
	opsets     []map[string]int // a domain must be imported by one of them
	references map[string]bool  // the function's attributes; nil outside of functions
}

// scope is the names that a graph's nodes may read.
type scope struct {
	outer *scope
	names map[string]bool
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

func (s *scope) add(what, name string) error {
	if name == "" {
		return fmt.Errorf("%s has no name", what)
	}
	if s.names[name] {
		return fmt.Errorf("%s %q: another value has this name", what, name)
	}
	s.names[name] = true
	return nil
}

func (c *checker) graph(g *Graph, outer *scope, depth int) error {
	if depth > maxGraphDepth {
		return fmt.Errorf("graphs nested deeper than %d", maxGraphDepth)
	}
	s := &scope{outer: outer, names: map[string]bool{}}
	for _, v := range g.Inputs {
		if err := s.add("input", v.Name); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(g.Initializers) {
		if err := s.add("initializer", name); err != nil {
			return err
		}
		if err := checkTensor(g.Initializers[name]); err != nil {
			return fmt.Errorf("initializer %q: %w", name, err)
		}
	}
	nodes, err := c.nodes(g.Nodes, s, depth)
	if err != nil {
		return err
	}
	g.Nodes = nodes
	for _, v := range g.Outputs {
		if !s.has(v.Name) {
			return fmt.Errorf("output %q is made by no node", v.Name)
		}
	}
	return nil
}

// nodes checks nodes, whose outputs it adds to s, and returns them in order.
func (c *checker) nodes(nodes []*Node, s *scope, depth int) ([]*Node, error) {
	names := map[string]bool{}
	for _, n := range nodes {
		if names[n.Name] {
			return nil, fmt.Errorf("node %q: another node has this name", n.Name)
		}
		names[n.Name] = true
		if err := c.node(n, s); err != nil {
			return nil, fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
	}
	for _, n := range nodes {
		for i, in := range n.Inputs {
			if in != "" && !s.has(in) {
				return nil, fmt.Errorf("node %q: %s: input %d, %q, is made by no node", n.Name, n.Op, i, in)
			}
		}
		for _, g := range n.Subgraphs() {
			if err := c.graph(g, s, depth+1); err != nil {
				return nil, fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
			}
		}
	}
	return inOrder(nodes)
}

// node checks what a node is by itself.
func (c *checker) node(n *Node, s *scope) error {
	if n.Op == "" {
		return errors.New("the node has no operator")
	}
	imported := func(versions map[string]int) bool { return versions[n.Domain] > 0 }
	if !slices.ContainsFunc(c.opsets, imported) {
		return fmt.Errorf("no operator set of domain %s is imported", DomainName(n.Domain))
	}
	made := false
	for i, out := range n.Outputs {
		if out == "" {
			continue
		}
		made = true
		if err := s.add(fmt.Sprintf("output %d", i), out); err != nil {
			return err
		}
	}
	if !made {
		return errors.New("the node has no outputs")
	}
	for _, name := range sortedKeys(n.Attributes) {
		if err := c.attribute(n.Attributes[name]); err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
	}
	return nil
}

func (c *checker) attribute(a Attribute) error {
	switch a.Kind {
	case FloatAttribute, IntAttribute, StringAttribute, FloatsAttribute, IntsAttribute, StringsAttribute:
		return nil
	case TensorAttribute:
		return checkTensor(a.Tensor)
	case TensorsAttribute:
		for i, t := range a.Tensors {
			if err := checkTensor(t); err != nil {
				return fmt.Errorf("tensor %d: %w", i, err)
			}
		}
		return nil
	case GraphAttribute:
		if a.Graph == nil {
			return errors.New("the graph is missing")
		}
		return nil
	case GraphsAttribute:
		if slices.Contains(a.Graphs, nil) {
			return errors.New("a graph is missing")
		}
		return nil
	case TypeAttribute:
		if a.Type == nil {
			return errors.New("the type is missing")
		}
		return nil
	case ReferenceAttribute:
		if !c.references[a.Str] {
			return fmt.Errorf("it refers to %q, which is no attribute of a function around it", a.Str)
		}
		return nil
	}
	return fmt.Errorf("unknown attribute kind %d", a.Kind)
}

func checkTensor(t tensor.Tensor) error {
	if !t.DType.Known() {
		return fmt.Errorf("unknown data type %d", t.DType)
	}
	for _, d := range t.Shape {
		if d < 0 {
			return fmt.Errorf("shape %v has an unknown dimension", t.Shape)
		}
	}
	n := t.Len()
	if t.DType == tensor.String {
		if len(t.Strings) != n {
			return fmt.Errorf("%d strings for shape %v", len(t.Strings), t.Shape)
		}
		return nil
	}
	if len(t.Bytes)/16 > n || len(t.Bytes) != t.DType.Bytes(n) { // the first keeps n, which may be as large as an int, from overflowing
		return fmt.Errorf("%d bytes for %v", len(t.Bytes), t)
	}
	return nil
}

// inOrder returns nodes so that each comes after those that make what it or its subgraphs read, and else in the order given.
func inOrder(nodes []*Node) ([]*Node, error) {
	maker := map[string]int{}
	for i, n := range nodes {
		for _, out := range n.Outputs {
			if out != "" {
				maker[out] = i
			}
		}
	}
	readers := make([][]int, len(nodes))
	waits := make([]int, len(nodes)) // how many distinct makers a node waits for
	sources := make([][]int, len(nodes))
	reader := make([]int, len(nodes)) // 1 + the last node that was found to read of a node
	sorted := true
	for i, n := range nodes {
		for _, name := range n.reads() {
			from, ok := maker[name]
			if !ok || reader[from] == i+1 {
				continue
			}
			reader[from] = i + 1
			sources[i] = append(sources[i], from)
			readers[from] = append(readers[from], i)
			waits[i]++
			sorted = sorted && from < i
		}
	}
	if sorted {
		return nodes, nil
	}
	var ready indices
	for i, w := range waits {
		if w == 0 {
			heap.Push(&ready, i)
		}
	}
	var ordered []*Node
	for len(ready) > 0 {
		i := heap.Pop(&ready).(int)
		ordered = append(ordered, nodes[i])
		for _, r := range readers[i] {
			if waits[r]--; waits[r] == 0 {
				heap.Push(&ready, r)
			}
		}
	}
	if len(ordered) < len(nodes) {
		return nil, fmt.Errorf("the graph has a cycle: %s", cycle(nodes, sources, waits))
	}
	return ordered, nil
}

// cycle describes a cycle among the nodes that still wait: each of them has a source that waits too.
func cycle(nodes []*Node, sources [][]int, waits []int) string {
	waiting := func(i int) bool { return waits[i] > 0 }
	seen := map[int]int{}
	var path []int
	for at := slices.IndexFunc(waits, func(w int) bool { return w > 0 }); ; {
		if from, again := seen[at]; again {
			path = path[from:]
			break
		}
		seen[at] = len(path)
		path = append(path, at)
		at = sources[at][slices.IndexFunc(sources[at], waiting)]
	}
	slices.Reverse(path) // it was walked from readers to makers
	var b strings.Builder
	for _, i := range path {
		fmt.Fprintf(&b, "%q → ", nodes[i].Name)
	}
	fmt.Fprintf(&b, "%q", nodes[path[0]].Name)
	return b.String()
}

// reads lists what a node and its subgraphs read; of the subgraphs, what they don't make themselves.
func (n *Node) reads() []string {
	list := slices.Clone(n.Inputs)
	for _, g := range n.Subgraphs() {
		list = append(list, g.Captures()...)
	}
	return list
}

// Captures lists, in order, the names that a subgraph reads from the graphs around it.
func (g *Graph) Captures() []string {
	own := map[string]bool{}
	for _, v := range g.Inputs {
		own[v.Name] = true
	}
	for name := range g.Initializers {
		own[name] = true
	}
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			own[out] = true
		}
	}
	free := map[string]bool{}
	read := func(name string) {
		if name != "" && !own[name] {
			free[name] = true
		}
	}
	for _, n := range g.Nodes {
		for _, name := range n.reads() {
			read(name)
		}
	}
	for _, v := range g.Outputs {
		read(v.Name)
	}
	return sortedKeys(free)
}

// indices is a heap of node indices, the lowest first.
type indices []int

func (h indices) Len() int           { return len(h) }
func (h indices) Less(i, j int) bool { return h[i] < h[j] }
func (h indices) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *indices) Push(x any)        { *h = append(*h, x.(int)) }
func (h *indices) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
