package ops

import "github.com/eiplan/eiplan/engine/graph"

// lstm is ONNX LSTM, with the gates i, o, f and c:
//
//	i = f(x·Wi + h·Ri + Pi⊙c + bi)    f likewise    g = tanh(x·Wc + h·Rc + bc)
//	c' = f⊙c + i⊙g    o = f(x·Wo + h·Ro + Po⊙c' + bo)    h' = o⊙tanh(c')
func lstm() Op {
	return Op{Infer: inferLSTM, Cost: costLSTM, Prepare: byFloat(prepareLSTM, plainLSTM[float64])}
}

const lstmGates = 4

func inferLSTM(n *graph.Node) error {
	return inferRecurrent(n, lstmGates, 8, "Sigmoid", "Tanh", "Tanh")
}

func costLSTM(n *graph.Node) Cost {
	return costRecurrent(n, lstmGates, "Sigmoid", "Tanh", "Tanh")
}

// prepareLSTM is the float32 kernel: on packed weights where they are known.
func prepareLSTM(n *graph.Node, t *Target) (Kernel, error) {
	r, err := recurrenceOf(n, lstmGates, "Sigmoid", "Tanh", "Tanh")
	if err != nil {
		return Kernel{}, err
	}
	if packableRecurrence(n, r, "sigmoid tanh tanh") {
		return packedLSTM(n, t, r)
	}
	return plainLSTM[float32](n, t)
}

func plainLSTM[T real](n *graph.Node, _ *Target) (Kernel, error) {
	r, err := recurrenceOf(n, lstmGates, "Sigmoid", "Tanh", "Tanh")
	if err != nil {
		return Kernel{}, err
	}
	coupled := n.Int("input_forget", 0) != 0
	return plainRecurrent(r, false, func(c *Call, direction int, s *state[T]) {
		f, g, h := r.activations[3*direction], r.activations[3*direction+1], r.activations[3*direction+2]
		size := r.hidden
		recur(r, c, direction, 0, s.r, s.h)
		peep := optional[T](c, inputPeepholes)
		if peep != nil {
			peep = peep[direction*3*size:]
		}
		hole := func(gate, j int, cell T) T {
			if peep == nil {
				return 0
			}
			return peep[gate*size+j] * cell
		}
		for j := range size {
			in := apply(r, f, s.x[j]+s.r[j]+hole(0, j, s.c[j]))
			forget := 1 - in
			if !coupled {
				forget = apply(r, f, s.x[2*size+j]+s.r[2*size+j]+hole(2, j, s.c[j]))
			}
			s.c[j] = forget*s.c[j] + in*apply(r, g, s.x[3*size+j]+s.r[3*size+j])
			out := apply(r, f, s.x[size+j]+s.r[size+j]+hole(1, j, s.c[j]))
			s.h[j] = out * T(h.f(float64(s.c[j])))
		}
	}), nil
}
