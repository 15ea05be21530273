package models

import (
	"errors"
	"fmt"

	"github.com/eiplan/eiplan/models/tensor"
)

// scanBatch: before version 9, every input and output of Scan had a batch as its first dimension, and input 0 told each sequence's length. A Scan over
// the batch, whose body is the Scan over one sequence, says the same.
//
//	Scan(, states, xs){body}  →  Scan(states, xs){s, x ↦ Scan(s, x){body}}
func scanBatch(u *upgrader, n *Node) error {
	if n.input(0) != "" {
		return errors.New("sequences of different lengths (input sequence_lens) are not supported")
	}
	inputs := n.Inputs[min(1, len(n.Inputs)):]
	for i, in := range inputs {
		if in == "" {
			return fmt.Errorf("input %d is missing", i+1)
		}
	}
	one := &Node{Name: n.Name + "/sequence", Op: "Scan", Attributes: attrs{}}
	for name, a := range n.Attributes {
		if name == "directions" {
			name = "scan_input_directions"
		}
		one.Attributes[name] = a
	}
	body := &Graph{Name: n.Name + "/batch", Nodes: []*Node{one}, Values: map[string]*Value{}, Initializers: map[string]tensor.Tensor{}}
	for range inputs {
		name := u.names.unique(n.Name + "/in")
		one.Inputs = append(one.Inputs, name)
		body.Inputs = append(body.Inputs, &Value{Name: name})
	}
	for range n.Outputs {
		name := u.names.unique(n.Name + "/out")
		one.Outputs = append(one.Outputs, name)
		body.Outputs = append(body.Outputs, &Value{Name: name})
	}
	n.become("Scan", attrs{"body": {Kind: GraphAttribute, Graph: body}, "num_scan_inputs": intAttribute(int64(len(inputs)))}, inputs...)
	return nil
}
