package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// gru is ONNX GRU, with the gates z, r and h:
//
//	z = f(x·Wz + h·Rz + bz)    r = f(x·Wr + h·Rr + br)    g = tanh(x·Wh + (r⊙h)·Rh + bh)    h' = (1 - z)⊙g + z⊙h
//
// and with linear_before_reset r⊙(h·Rh + Rbh) for (r⊙h)·Rh + Rbh.
func gru() Op {
	return Op{Infer: inferGRU, Cost: costGRU, Prepare: byFloat(prepareGRU, plainGRU[float64])}
}

const gruGates = 3

func inferGRU(n *graph.Node) error { return inferRecurrent(n, gruGates, 6, "Sigmoid", "Tanh") }

func costGRU(n *graph.Node) Cost { return costRecurrent(n, gruGates, "Sigmoid", "Tanh") }

// prepareGRU is the float32 kernel: on packed weights where they are known.
func prepareGRU(n *graph.Node, t *Target) (Kernel, error) {
	r, err := recurrenceOf(n, gruGates, "Sigmoid", "Tanh")
	if err != nil {
		return Kernel{}, err
	}
	if packableRecurrence(n, r, "sigmoid tanh") {
		return packedGRU(n, t, r, n.Int("linear_before_reset", 0) != 0)
	}
	return plainGRU[float32](n, t)
}

func plainGRU[T real](n *graph.Node, _ *Target) (Kernel, error) {
	r, err := recurrenceOf(n, gruGates, "Sigmoid", "Tanh")
	if err != nil {
		return Kernel{}, err
	}
	linear := n.Int("linear_before_reset", 0) != 0
	return plainRecurrent(r, true, func(c *Call, direction int, s *state[T]) {
		f, g := r.activations[2*direction], r.activations[2*direction+1]
		size := r.hidden
		recur(r, c, direction, 0, s.r[:2*size], s.h)
		bias := optional[T](c, inputB)
		if bias != nil {
			bias = tensor.Data[T](c.In[inputB].Tensor)[direction*6*size+3*size:][:3*size]
			for j := range 2 * size {
				s.r[j] += bias[j]
			}
		}
		for j := range 2 * size {
			s.x[j] = apply(r, f, s.x[j]+s.r[j])
		}
		update, reset, last := s.x[:size], s.x[size:2*size], s.r[2*size:]
		copy(s.tmp, s.h)
		if !linear {
			for j := range s.tmp {
				s.tmp[j] *= reset[j]
			}
		}
		recur(r, c, direction, 2*size, last, s.tmp)
		for j := range size {
			if bias != nil {
				last[j] += bias[2*size+j]
			}
			if linear {
				last[j] *= reset[j]
			}
			candidate := apply(r, g, s.x[2*size+j]+last[j])
			s.h[j] = (1-update[j])*candidate + update[j]*s.h[j]
		}
	}), nil
}
