package passes

import (
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models/tensor"
)

// storeBFloat16 stores values in bfloat16 where whoever makes them can write it and all that read them can read it, and converts the other inputs of
// mixed products:
//
//	x → Mixed → MaxPool → Mixed → y  →  x → Convert → Mixed → MaxPool → Mixed → y
//
// where the values between the two products take 16 bits. It does nothing on machines without products of bfloat16: there weights are stored in
// float16, and activations in float32.
var storeBFloat16 = Pass{Name: "store bfloat16", Run: func(g *graph.Graph, o Options) error {
	if o.Precision == graph.Mixed && ops.MixedIsBFloat16(o.Target.Features) {
		storeNarrow(g)
	}
	return nil
}}

func storeNarrow(g *graph.Graph) {
	for _, n := range g.Nodes {
		for _, body := range n.Bodies {
			storeNarrow(body)
		}
	}
	s := storage{edit(g), map[*graph.Value]bool{}}
	for _, n := range g.Nodes {
		if n.Precision == graph.Mixed && n.Op == "Conv" && !n.Inputs[0].Layout.Channels {
			n.Precision = graph.FP32 // the layout pass let it read planes
		}
		if writesNarrow(n) && n.Outputs[0].DType == tensor.Float32 && !s.outputs[n.Outputs[0]] {
			s.narrow[n.Outputs[0]] = true
		}
	}
	for s.shrink() {
	}
	for v := range s.narrow {
		v.DType = tensor.BFloat16
	}
	s.convertInputs()
}

// keepsType lists the operators that have kernels for bfloat16, from which bfloat16 comes out.
var keepsType = []string{"AveragePool", "Concat", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Resize"}

// passesOn reports whether a node's output has the type of its inputs, whichever that is.
func passesOn(n *graph.Node) bool {
	if ops.StoresBFloat16(n) && !n.Outputs[0].Layout.Channels {
		return true
	}
	if n.Domain != "" || !slices.Contains(keepsType, n.Op) {
		return false
	}
	view := ops.Of(n).View
	return view || n.Outputs[0].Layout.Channels
}

// takesEither reports whether a node reads and writes bfloat16 as well as float32, each of its values by itself.
func takesEither(n *graph.Node) bool {
	return n.Is("eiplan", "Elementwise") && n.Outputs[0].Layout.Channels
}

// converts reports whether a node reads and writes either type, whichever its input and its output have.
func converts(n *graph.Node) bool {
	return n.Is("", "LayerNormalization") && n.In(0).DType == tensor.Float32 && ops.CanStoreRows(n)
}

// multiplicands is how many of a mixed product's first inputs must be in bfloat16.
func multiplicands(n *graph.Node) int {
	if n.Op == "Attend" {
		return 3
	}
	return 1
}

// writesNarrow reports whether a node can write bfloat16.
func writesNarrow(n *graph.Node) bool {
	return takesEither(n) || converts(n) || n.Precision == graph.Mixed && n.Op != "ConvTranspose" || n.Is("eiplan", "ToChannels") || n.Outputs[0] != nil && passesOn(n)
}

// storage is which values are to be stored in bfloat16.
type storage struct {
	*editor
	narrow map[*graph.Value]bool
}

// shrink drops values that can't be stored so, and reports whether it did.
func (s *storage) shrink() bool {
	changed := false
	for v := range s.narrow {
		if !s.writable(v.Producer) || slices.ContainsFunc(s.readers[v], func(n *graph.Node) bool { return !s.readable(n, v) }) {
			delete(s.narrow, v)
			changed = true
		}
	}
	return changed
}

// writable reports whether a node can still write bfloat16, by what it reads.
func (s *storage) writable(n *graph.Node) bool {
	switch {
	case n.Precision != graph.Mixed || n.Op == "Attend":
	case n.Op == "MatMul": // what layer after layer adds to keeps its digits
		return n.In(3) == nil
	default:
		r := n.In(3)
		return r == nil || s.narrow[r]
	}
	if takesEither(n) { // for the sake of those that want it so
		wants := func(r *graph.Node) bool { return r.Precision == graph.Mixed || passesOn(r) }
		return slices.ContainsFunc(s.readers[n.Outputs[0]], wants)
	}
	if passesOn(n) {
		return !slices.ContainsFunc(n.Inputs[:s.operands(n)], func(v *graph.Value) bool { return !s.narrow[v] })
	}
	return true
}

// operands is how many of a node's inputs have the type of its output.
func (s *storage) operands(n *graph.Node) int {
	if n.Op == "Concat" {
		return len(n.Inputs)
	}
	return 1
}

// readable reports whether a node can read v in bfloat16.
func (s *storage) readable(n *graph.Node, v *graph.Value) bool {
	switch {
	case n.Is("eiplan", "FromChannels"), takesEither(n):
		return true
	case converts(n):
		return n.Inputs[0] == v
	case n.Op == "Attend" && n.Precision == graph.Mixed:
		return n.In(3) != v
	case n.Precision == graph.Mixed:
		return n.In(3) != v || s.narrow[n.Outputs[0]]
	case passesOn(n):
		return s.narrow[n.Outputs[0]]
	}
	return false
}

// convertInputs gives every mixed product its inputs in bfloat16.
func (s *storage) convertInputs() {
	converted := map[*graph.Value]*graph.Value{}
	nodes := s.g.Nodes
	s.g.Nodes = nil
	for _, n := range nodes {
		for i := range n.Inputs[:min(multiplicands(n), len(n.Inputs))] {
			v := n.Inputs[i]
			if n.Precision != graph.Mixed || v.DType != tensor.Float32 {
				continue
			}
			if converted[v] == nil {
				w := &graph.Value{Name: v.Name + ".bfloat16", DType: tensor.BFloat16, Shape: v.Shape.Clone(), Layout: v.Layout}
				c := &graph.Node{Name: w.Name, Domain: "eiplan", Op: "Convert", Inputs: []*graph.Value{v}, Outputs: []*graph.Value{w}, From: n.From}
				w.Producer = c
				converted[v] = w
				s.g.Nodes = append(s.g.Nodes, c)
			}
			n.Inputs[i] = converted[v]
		}
		s.g.Nodes = append(s.g.Nodes, n)
	}
}
