package ops

import "github.com/eiplan/eiplan/engine/graph"

// rnn is ONNX RNN: h' = f(x·W + h·R + b).
func rnn() Op {
	return Op{Infer: inferRNN, Cost: costRNN, Prepare: byFloat(prepareRNN, plainRNN[float64])}
}

func inferRNN(n *graph.Node) error { return inferRecurrent(n, 1, 6, "Tanh") }

func costRNN(n *graph.Node) Cost { return costRecurrent(n, 1, "Tanh") }

// prepareRNN is the float32 kernel: on packed weights where they are known.
func prepareRNN(n *graph.Node, t *Target) (Kernel, error) {
	r, err := recurrenceOf(n, 1, "Tanh")
	if err != nil {
		return Kernel{}, err
	}
	if packableRecurrence(n, r, "tanh") {
		return packedRNN(n, t, r)
	}
	return plainRNN[float32](n, t)
}

func plainRNN[T real](n *graph.Node, _ *Target) (Kernel, error) {
	r, err := recurrenceOf(n, 1, "Tanh")
	if err != nil {
		return Kernel{}, err
	}
	return plainRecurrent(r, false, func(c *Call, direction int, s *state[T]) {
		recur(r, c, direction, 0, s.r, s.h)
		for j := range s.h {
			s.h[j] = apply(r, r.activations[direction], s.x[j]+s.r[j])
		}
	}), nil
}
