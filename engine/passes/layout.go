package passes

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
)

// assignLayouts lets convolutions, and what lies between them, run on channels that are innermost, with reorders only at the borders:
//
//	x → Conv → Relu → Conv → y  →  x → Conv → Relu → Conv → FromChannels → y
//
// in which the values between the convolutions have a Channels layout. Their halos are as wide as the convolutions that read them reach.
var assignLayouts = Pass{Name: "assign layouts", Run: runAssignLayouts}

func runAssignLayouts(g *graph.Graph, o Options) error {
	for _, n := range g.Nodes {
		for _, body := range n.Bodies {
			if err := runAssignLayouts(body, o); err != nil {
				return err
			}
		}
	}
	l := layouter{g: g, channels: map[*graph.Value]bool{}, dense: map[*graph.Value]*graph.Value{}, images: map[*graph.Value]*graph.Value{}}
	l.choose()
	l.rewire()
	return l.halos(o.Target)
}

// layouter is the state of the pass over one graph.
type layouter struct {
	g        *graph.Graph
	channels map[*graph.Value]bool         // values that lie in the Channels layout
	dense    map[*graph.Value]*graph.Value // their dense copies, where somebody needs one
	images   map[*graph.Value]*graph.Value // copies of dense values in the Channels layout
}

// choose goes through the nodes in order: convolutions write channels; what can run in any one layout follows its inputs.
func (l *layouter) choose() {
	for _, n := range l.g.Nodes {
		switch ops.UseOfLayout(n) {
		case ops.AnyLayout:
			l.channels[n.Outputs[0]] = true
		case ops.SameLayout:
			for _, v := range n.Inputs {
				if v != nil && l.channels[v] {
					l.channels[n.Outputs[0]] = true
				}
			}
		case ops.IntoChannels:
			l.channels[n.Outputs[0]] = l.readByConv(n.Outputs[0])
		}
	}
}

// readByConv reports whether a convolution of no few channels reads v.
func (l *layouter) readByConv(v *graph.Value) bool {
	for _, n := range l.g.Nodes {
		if ops.UseOfLayout(n) == ops.AnyLayout && n.Inputs[0] == v && !ops.ReadsPlanes(n) {
			return true
		}
	}
	return false
}

// rewire gives every node its inputs in the layout that it runs in.
func (l *layouter) rewire() {
	nodes := l.g.Nodes
	l.g.Nodes = nil
	for _, n := range nodes {
		use := ops.UseOfLayout(n)
		for i, v := range n.Inputs {
			if v == nil || v.Const != nil {
				continue
			}
			switch {
			case use == ops.FromChannels && l.channels[v]:
			case use == ops.AnyLayout && i == 0 && !l.channels[v] && ops.ReadsPlanes(n):
			case use == ops.AnyLayout, use == ops.SameLayout && l.channels[n.Outputs[0]]:
				n.Inputs[i] = l.image(v, n)
			default:
				n.Inputs[i] = l.flat(v)
			}
		}
		if v := n.Outputs[0]; v != nil && l.channels[v] {
			v.Layout = ops.LayoutOf(v)
		}
		l.g.Nodes = append(l.g.Nodes, n)
	}
	for i, v := range l.g.Outputs {
		l.g.Outputs[i] = l.flat(v)
	}
}

// image is v in the Channels layout, which a reorder for its reader makes where v is dense.
func (l *layouter) image(v *graph.Value, reader *graph.Node) *graph.Value {
	if l.channels[v] {
		return v
	}
	if l.images[v] == nil {
		w := l.reorder(v, "ToChannels", reader.From)
		w.Layout = ops.LayoutOf(w)
		l.images[v] = w
	}
	return l.images[v]
}

// flat is v in the dense layout.
func (l *layouter) flat(v *graph.Value) *graph.Value {
	if !l.channels[v] {
		return v
	}
	if l.dense[v] == nil {
		l.dense[v] = l.reorder(v, "FromChannels", v.Producer.From)
	}
	return l.dense[v]
}

// reorder appends a node that copies v into another layout, for the sake of the given nodes of the model.
func (l *layouter) reorder(v *graph.Value, op string, from []string) *graph.Value {
	w := &graph.Value{Name: v.Name + "." + op, DType: v.DType, Shape: v.Shape.Clone()}
	n := &graph.Node{Name: w.Name, Domain: "eiplan", Op: op, Inputs: []*graph.Value{v}, Outputs: []*graph.Value{w}, From: from}
	w.Producer = n
	l.g.Nodes = append(l.g.Nodes, n)
	return w
}

// halos widens the layouts to what the convolutions that read them want.
func (l *layouter) halos(t *ops.Target) error {
	for _, n := range l.g.Nodes {
		v := n.In(0)
		if v == nil || !v.Layout.Channels {
			continue
		}
		want, err := ops.WantedHalo(n, t)
		if err != nil {
			return fmt.Errorf("node %q: %s: %w", n.Name, n.Op, err)
		}
		if n.Is("eiplan", "BytesConv") {
			v.Layout.Fill = want.Fill
		}
		v.Layout.Top, v.Layout.Left = max(v.Layout.Top, want.Top), max(v.Layout.Left, want.Left)
		v.Layout.Bottom, v.Layout.Right = max(v.Layout.Bottom, want.Bottom), max(v.Layout.Right, want.Right)
	}
	return nil
}
