package ops

import (
	"fmt"
	"slices"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// nonMaxSuppression picks, for each batch and class, boxes by descending score, leaving out those that overlap one already picked by more than a
// threshold. Inputs: boxes N×B×4, scores N×C×B, and optional scalars: the most boxes per class, the overlap and the score threshold.
func nonMaxSuppression() Op {
	return Op{
		Infer: func(n *graph.Node) error {
			if err := arity(n, 2, 5); err != nil {
				return err
			}
			for _, i := range []int{0, 1, 3, 4} {
				if err := takes(n, i, 1<<tensor.Float32); err != nil {
					return err
				}
			}
			boxes, scores := n.Inputs[0].Shape, n.Inputs[1].Shape
			if boxes != nil && (len(boxes) != 3 || boxes[2] != 4 && boxes[2] != tensor.Unknown) {
				return fmt.Errorf("boxes %s are not N×B×4", boxes)
			}
			if scores != nil && len(scores) != 3 {
				return fmt.Errorf("scores %s are not N×C×B", scores)
			}
			if n.Inputs[0].Static() && n.Inputs[1].Static() && (boxes[0] != scores[0] || boxes[1] != scores[2]) {
				return fmt.Errorf("boxes %s with scores %s", boxes, scores)
			}
			yields(n, 0, tensor.Int64, tensor.Shape{tensor.Unknown, 3})
			return takes(n, 2, 1<<tensor.Int64)
		},
		Cost: costHost,
		Prepare: func(n *graph.Node, _ *Target) (Kernel, error) {
			s := suppression{boxes: n.Inputs[0].Shape[1], classes: n.Inputs[1].Shape[1], batch: n.Inputs[0].Shape[0], center: n.Int("center_point_box", 0) != 0}
			return Kernel{Class: "host", Bind: func(c *Call) func() error {
				return func() error { return s.run(c) }
			}}, nil
		},
	}
}

type suppression struct {
	batch, classes, boxes int
	center                bool // boxes are centre and size, else two opposite corners
}

func (s suppression) run(c *Call) error {
	limit := func(i int, fallback float64) float64 {
		if i >= len(c.In) || c.In[i] == nil || c.In[i].Len() == 0 {
			return fallback
		}
		return realAt(&c.In[i].Tensor, 0)
	}
	most, overlap, least := int(limit(2, 0)), float32(limit(3, 0)), limit(4, -1e300)
	boxes, scores := tensor.Data[float32](c.In[0].Tensor), tensor.Data[float32](c.In[1].Tensor)
	ranks, order := make([]uint64, s.boxes), make([]uint64, 0, s.boxes)
	var picked []int64
	for batch := range s.batch {
		for class := range s.classes {
			score := scores[(batch*s.classes+class)*s.boxes:][:s.boxes]
			rank(ranks, 1, score, 0, 1, true)
			order = order[:0]
			for _, r := range ranks {
				if float64(score[rankedAt(r)]) > least {
					order = append(order, r)
				}
			}
			slices.Sort(order)
			var kept []corners
			for _, r := range slices.Backward(order) {
				if len(kept) >= most {
					break
				}
				i := rankedAt(r)
				box := s.corners(boxes[(batch*s.boxes+i)*4:][:4])
				if !slices.ContainsFunc(kept, func(k corners) bool { return k.overlap(box) > overlap }) {
					kept = append(kept, box)
					picked = append(picked, int64(batch), int64(class), int64(i))
				}
			}
		}
	}
	place(c.Out[0], tensor.Int64, tensor.Shape{len(picked) / 3, 3})
	copy(tensor.Data[int64](c.Out[0].Tensor), picked)
	return nil
}

// corners are the least and the greatest coordinates of a box.
type corners struct{ y0, x0, y1, x1 float32 }

func (s suppression) corners(b []float32) corners {
	if s.center {
		return corners{b[1] - b[3]/2, b[0] - b[2]/2, b[1] + b[3]/2, b[0] + b[2]/2}
	}
	return corners{min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])}
}

// overlap is the intersection of two boxes over their union.
func (a corners) overlap(b corners) float32 {
	common := max(min(a.y1, b.y1)-max(a.y0, b.y0), 0) * max(min(a.x1, b.x1)-max(a.x0, b.x0), 0)
	union := (a.y1-a.y0)*(a.x1-a.x0) + (b.y1-b.y0)*(b.x1-b.x0) - common
	if union <= 0 {
		return 0
	}
	return common / union
}
