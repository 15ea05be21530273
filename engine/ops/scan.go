package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/models/tensor"
)

// scan runs its body once for each position along an axis of its last num_scan_inputs inputs. The body takes the state and the slices at that position,
// and makes the next state and what is stacked up.
func scan() Op { return Op{Infer: inferScan, Cost: costControl, Prepare: prepareScan} }

func inferScan(n *graph.Node) error {
	s, err := newScanning(n)
	if err != nil {
		return err
	}
	in := append([]*graph.Value(nil), n.Inputs...)
	for i := range s.scanned {
		v := n.Inputs[s.state+i]
		part := graph.Value{Name: v.Name, DType: v.DType}
		if v.Shape != nil {
			axis, err := s.axis("scan_input_axes", i, len(v.Shape))
			if err != nil {
				return err
			}
			part.Shape = append(v.Shape[:axis:axis].Clone(), v.Shape[axis+1:]...)
		}
		in[s.state+i] = &part
	}
	if err := inferCarried(n, in, 0, 0, s.state, len(n.Outputs)); err != nil {
		return err
	}
	length, err := s.length()
	if err != nil {
		return err
	}
	for i := range n.Outputs {
		v := n.Bodies["body"].Outputs[i]
		if i < s.state || v.Shape == nil {
			likeInput(n, i, v)
			continue
		}
		axis, err := s.axis("scan_output_axes", i-s.state, len(v.Shape)+1)
		if err != nil {
			return err
		}
		yields(n, i, v.DType, stacked(v.Shape, axis, length))
	}
	return nil
}

func prepareScan(n *graph.Node, t *Target) (Kernel, error) {
	s, err := newScanning(n)
	if err != nil {
		return Kernel{}, err
	}
	length, err := s.length()
	if err != nil {
		return Kernel{}, err
	}
	g := n.Bodies["body"]
	body, err := t.Body(g, t)
	if err != nil {
		return Kernel{}, err
	}
	cuts, backward := make([]sheets, s.scanned), make([]bool, s.scanned)
	for i := range cuts {
		shape := n.Inputs[s.state+i].Shape
		axis, err := s.axis("scan_input_axes", i, len(shape))
		if err != nil {
			return Kernel{}, err
		}
		cuts[i], backward[i] = sheetsOf(shape, axis), s.attribute("scan_input_directions", i) != 0
	}
	f := move.For(t.Features)
	return Kernel{Class: "control", Bind: func(c *Call) func() error {
		it := newIteration(c, body, 0, s.state, s.scanned, c.In[s.state+s.scanned:])
		it.most = allowance(n.Inputs)
		for i := range len(g.Outputs) - s.state {
			it.stacks = append(it.stacks, &stack{axis: s.attribute("scan_output_axes", i), backward: s.attribute("scan_output_directions", i) != 0})
		}
		return func() error {
			it.begin(c.In)
			for step := range length {
				for i := range s.scanned {
					at := step
					if backward[i] {
						at = length - 1 - step
					}
					from, to := c.In[s.state+i], it.in[s.state+i]
					place(to, from.DType, cuts[i].item)
					cuts[i].take(f, &to.Tensor, &from.Tensor, at)
				}
				if _, err := it.step(0); err != nil {
					return err
				}
			}
			return it.finish(c.Out, g.Outputs[s.state:], t)
		}
	}}, nil
}

// scanning is how a Scan's inputs divide.
type scanning struct {
	n              *graph.Node
	state, scanned int
}

func newScanning(n *graph.Node) (*scanning, error) {
	s := &scanning{n: n, scanned: n.Int("num_scan_inputs", 0)}
	s.state = len(n.Inputs) - n.Captures - s.scanned
	if s.scanned < 1 || s.state < 0 {
		return nil, fmt.Errorf("num_scan_inputs %d of %d inputs", s.scanned, len(n.Inputs)-n.Captures)
	}
	return s, arity(n, s.state+s.scanned, s.state+s.scanned)
}

// attribute is an entry of a list attribute; 0 where it is left out.
func (s *scanning) attribute(name string, i int) int {
	if list := s.n.Ints(name); i < len(list) {
		return list[i]
	}
	return 0
}

func (s *scanning) axis(name string, i, rank int) (int, error) {
	return axisOf(s.attribute(name, i), rank)
}

// length is the number of positions, which all scanned inputs share; Unknown where none of them tells.
func (s *scanning) length() (int, error) {
	length := tensor.Unknown
	for i := range s.scanned {
		shape := s.n.Inputs[s.state+i].Shape
		if shape == nil {
			continue
		}
		axis, err := s.axis("scan_input_axes", i, len(shape))
		if err != nil {
			return 0, err
		}
		switch d := shape[axis]; {
		case length == tensor.Unknown:
			length = d
		case d != tensor.Unknown && d != length:
			return 0, fmt.Errorf("scanned inputs of %d and %d positions", length, d)
		}
	}
	return length, nil
}
