package models

import (
	"errors"
	"fmt"
	"strings"
)

// Key names a function among those of a model.
func (f *Function) Key() FunctionKey { return FunctionKey{f.Domain, f.Name, f.Overload} }

// FunctionKey is what a node says to call a function.
type FunctionKey struct{ Domain, Name, Overload string }

// Calls is the key of the function that n would call if the model has one of that key.
func (n *Node) Calls() FunctionKey { return FunctionKey{n.Domain, n.Op, n.Overload} }

func checkFunctions(m *Model) error {
	functions := map[FunctionKey]*Function{}
	for _, f := range m.Functions {
		if functions[f.Key()] != nil {
			return fmt.Errorf("function %q: another function of domain %s has this name", f.Name, DomainName(f.Domain))
		}
		functions[f.Key()] = f
		if err := f.check(m); err != nil {
			return fmt.Errorf("function %q: %w", f.Name, err)
		}
	}
	calls := callWalk{functions: functions, done: map[FunctionKey]bool{}}
	for _, f := range m.Functions {
		if err := calls.walk(f, nil); err != nil {
			return err
		}
	}
	return nil
}

func (f *Function) check(m *Model) error {
	if f.Name == "" {
		return errors.New("it has no name")
	}
	c := checker{opsets: []map[string]int{f.Opsets, m.Opsets}, references: map[string]bool{}}
	for _, name := range f.Attributes {
		c.references[name] = true
	}
	for name, a := range f.Defaults {
		c.references[name] = true
		if err := (&checker{}).attribute(a); err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
	}
	s := &scope{names: map[string]bool{}}
	for _, in := range f.Inputs {
		if err := s.add("input", in); err != nil {
			return err
		}
	}
	nodes, err := c.nodes(f.Nodes, s, 1)
	if err != nil {
		return err
	}
	f.Nodes = nodes
	for _, out := range f.Outputs {
		if !s.has(out) {
			return fmt.Errorf("output %q is made by no node", out)
		}
	}
	return nil
}

// callWalk looks for functions that call themselves.
type callWalk struct {
	functions map[FunctionKey]*Function
	done      map[FunctionKey]bool
}

func (w *callWalk) walk(f *Function, path []*Function) error {
	for i, caller := range path {
		if caller == f {
			var names []string
			for _, p := range append(path[i:], f) {
				names = append(names, fmt.Sprintf("%q", p.Name))
			}
			return fmt.Errorf("function %q calls itself: %s", f.Name, strings.Join(names, " → "))
		}
	}
	if w.done[f.Key()] {
		return nil
	}
	if len(path) > maxGraphDepth {
		return fmt.Errorf("function %q: calls nested deeper than %d", f.Name, maxGraphDepth)
	}
	if err := w.nodes(f.Nodes, append(path[:len(path):len(path)], f)); err != nil {
		return err
	}
	w.done[f.Key()] = true
	return nil
}

func (w *callWalk) nodes(nodes []*Node, path []*Function) error {
	for _, n := range nodes {
		if f := w.functions[n.Calls()]; f != nil {
			if err := w.walk(f, path); err != nil {
				return err
			}
		}
		for _, g := range n.Subgraphs() {
			if err := w.nodes(g.Nodes, path); err != nil {
				return err
			}
		}
	}
	return nil
}
