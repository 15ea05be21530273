package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// takeRow is eiplan/TakeRow: for each integer of X, whose last dimension is 1, row X - first of the constant matrix W, or zeros where W has no such row, plus
// the constant row B, which may be absent, clamped to the attributes lo and hi where they are given. It is X as one-hot vectors times W.
func takeRow() Op {
	return Op{Infer: inferTakeRow, Cost: costGathered, Prepare: prepareTakeRow}
}

func inferTakeRow(n *graph.Node) error {
	if err := arity(n, 2, 3); err != nil {
		return err
	}
	if err := takes(n, 0, indices); err != nil {
		return err
	}
	x, w := n.Inputs[0], n.Inputs[1]
	if !w.Known() || len(w.Shape) != 2 || w.DType != tensor.Float32 {
		return fmt.Errorf("weights must be a constant matrix of float32")
	}
	if x.Shape == nil {
		return nil
	}
	if len(x.Shape) == 0 || x.Shape[len(x.Shape)-1] != 1 {
		return fmt.Errorf("input %s; its last dimension must be 1", x.Shape)
	}
	yields(n, 0, tensor.Float32, append(x.Shape[:len(x.Shape)-1].Clone(), w.Shape[1]))
	return nil
}

// prepareTakeRow makes the table of results: one for each row of W, and the last for all else.
func prepareTakeRow(n *graph.Node, _ *Target) (Kernel, error) {
	rows, cols := n.Inputs[1].Shape[0], n.Inputs[1].Shape[1]
	table := make([]float32, (rows+1)*cols)
	copy(table, constant[float32](n.Inputs[1]))
	if n.In(2) != nil {
		bias := constant[float32](n.In(2))
		for i := range table {
			table[i] += bias[i%cols]
		}
	}
	bounds := clampOf(n)
	for i, v := range table {
		table[i] = min(max(v, bounds.Lo), bounds.Hi)
	}
	first := n.Int("first", 0)
	return Kernel{Class: "copy", Packed: []int{1, 2}, Bind: func(c *Call) func() error {
		work := inPieces(c.Team, c.Out[0].Len()/max(cols, 1), cols, func(from, to int) {
			index, dst := indexesOf(&c.In[0].Tensor), elements[float32](&c.Out[0].Tensor)
			for i := from; i < to; i++ {
				row := index.at(i) - first
				if row < 0 || row >= rows {
					row = rows
				}
				copy(dst[i*cols:(i+1)*cols], table[row*cols:])
			}
		})
		return func() error { work.run(c.Team); return nil }
	}}, nil
}
