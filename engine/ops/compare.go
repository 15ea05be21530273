package ops

import (
	"cmp"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/vector"
	"github.com/eiplan/eiplan/models/tensor"
)

// compare is an operator that compares two operands of one type, with broadcasting, to a bool: Equal, Less and their like. NaN equals nothing.
func compare(allowed types) Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 2); err != nil {
				return err
			}
			if err := sameTypes(n, allowed, 0, 1); err != nil {
				return err
			}
			return inferBroadcast(n, tensor.Bool)
		},
		Cost:    costElementwise(1),
		Prepare: halved(prepareCompare),
	}
}

func prepareCompare(n *graph.Node, t *Target) (Kernel, error) {
	w, err := newBroadcast(n.Outputs[0].Shape, n.Inputs[0].Shape, n.Inputs[1].Shape)
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{Class: "elementwise"}
	switch d := n.Inputs[0].DType; d {
	case tensor.String:
		k.Bind = comparison(relation[string](n.Op), w)
	case tensor.Float32:
		k.Bind = comparison(float32Relation(n.Op, vector.For(t.Features)), w)
	default:
		k.Bind = laneOf(d).compare(n.Op, w)
	}
	return k, nil
}

func (lanes[T]) compare(op string, w *broadcast) binder { return comparison(relation[T](op), w) }

func comparison[T cmp.Ordered](f pairs[T, T, bool], w *broadcast) binder {
	return func(c *Call) func() error {
		do := overRows(c, w, f, c.In[0], c.In[1], c.Out[0])
		return func() error { do(); return nil }
	}
}

// where picks each element from the second operand where the first is true, else from the third, with broadcasting.
func where() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 3, 3); err != nil {
				return err
			}
			if err := takes(n, 0, bools); err != nil {
				return err
			}
			if err := sameTypes(n, anything, 1, 2); err != nil {
				return err
			}
			return inferBroadcast(n, n.Inputs[1].DType)
		},
		Cost: costElementwise(1),
		Prepare: unpacked(func(n *graph.Node, t *Target) (Kernel, error) {
			w, err := newBroadcast(n.Outputs[0].Shape, n.Inputs[0].Shape, n.Inputs[1].Shape, n.Inputs[2].Shape)
			if err != nil {
				return Kernel{}, err
			}
			bind := bySize(n.Inputs[1].DType, bindWhere[uint8], bindWhere[uint16], bindWhere[uint32], bindWhere[uint64], bindWhere[complex128], bindWhere[string])
			return Kernel{Class: "elementwise", Bind: bind(w, vector.For(t.Features))}, nil
		}),
	}
}

func bindWhere[T word](w *broadcast, v *vector.Funcs) binder {
	choose := choices[T]
	if f, same := any(wordChoices(v)).(func(dst []T, cond []bool, a, b []T)); same {
		choose = f
	}
	return func(c *Call) func() error {
		rows := func(from, to int) {
			cond, a, b := elements[bool](&c.In[0].Tensor), elements[T](&c.In[1].Tensor), elements[T](&c.In[2].Tensor)
			out := elements[T](&c.Out[0].Tensor)
			at := w.seek(from)
			for r := from; r < to; r++ {
				i, j, k := at.at[0], at.at[1], at.at[2]
				choose(out[r*w.row:(r+1)*w.row], cond[i:i+w.width(0)], a[j:j+w.width(1)], b[k:k+w.width(2)])
				at.next()
			}
		}
		p := inPieces(c.Team, w.rows, w.row, rows)
		if w.rows == 1 {
			p = inPieces(c.Team, w.row, 1, func(from, to int) {
				cond, a, b := elements[bool](&c.In[0].Tensor), elements[T](&c.In[1].Tensor), elements[T](&c.In[2].Tensor)
				choose(elements[T](&c.Out[0].Tensor)[from:to], stretch(cond, from, to), stretch(a, from, to), stretch(b, from, to))
			})
		}
		return func() error { p.run(c.Team); return nil }
	}
}

// stretch is elements [from, to) of a row, or the one that stands for all.
func stretch[T any](row []T, from, to int) []T {
	if len(row) == 1 {
		return row
	}
	return row[from:to]
}

// wordChoices is choices in vectors.
func wordChoices(v *vector.Funcs) func(dst []uint32, cond []bool, a, b []uint32) {
	return func(dst []uint32, cond []bool, a, b []uint32) {
		switch n := len(dst); {
		case len(cond) == n && len(a) == n && len(b) == n:
			v.Choose(dst, cond, a, b)
		case len(cond) == n && len(b) == n:
			v.ChooseScalar(dst, cond, b, true, a[0])
		case len(cond) == n && len(a) == n:
			v.ChooseScalar(dst, cond, a, false, b[0])
		default:
			choices(dst, cond, a, b)
		}
	}
}

// choices computes a row of Where; an operand of one element stands for a whole row.
func choices[T word](dst []T, cond []bool, a, b []T) {
	if len(cond) < len(dst) {
		if cond[0] {
			b = a
		}
		if len(b) < len(dst) {
			fill(dst, b[0])
		} else {
			copy(dst, b)
		}
		return
	}
	cond = cond[:len(dst)]
	switch {
	case len(a) == len(dst) && len(b) == len(dst):
		a, b = a[:len(dst)], b[:len(dst)]
		for i, yes := range cond {
			v, other := b[i], a[i]
			if yes {
				v = other
			}
			dst[i] = v
		}
	case len(b) == len(dst):
		b, other := b[:len(dst)], a[0]
		for i, yes := range cond {
			v := b[i]
			if yes {
				v = other
			}
			dst[i] = v
		}
	case len(a) == len(dst):
		a, v := a[:len(dst)], b[0]
		for i, yes := range cond {
			other := a[i]
			if !yes {
				other = v
			}
			dst[i] = other
		}
	default:
		for i, yes := range cond {
			v, other := b[0], a[0]
			if yes {
				v = other
			}
			dst[i] = v
		}
	}
}
