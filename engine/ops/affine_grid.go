package ops

import (
	"fmt"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// affineGrid makes the grid that GridSample takes: for each position of an output of the size that the second input lists (N×C×spatial), its
// coordinates from -1 to 1, the innermost axis first, under the affine map theta of its sample (N×axes×(axes+1)).
func affineGrid() Op {
	return Op{
		Infer: inferAffineGrid,
		Cost: func(n *graph.Node) Cost {
			c := moved(n)
			c.Kind, c.FLOPs = Elementwise, 8*c.Writes
			return c
		},
		Prepare: byFloat(prepareAffineGrid[float32], prepareAffineGrid[float64]),
	}
}

func inferAffineGrid(n *graph.Node) error {
	if err := arity(n, 2, 2); err != nil {
		return err
	}
	if err := takes(n, 0, floats); err != nil {
		return err
	}
	if err := takes(n, 1, 1<<tensor.Int64); err != nil {
		return err
	}
	theta, size := n.Inputs[0], n.Inputs[1]
	list, err := known(n, 1)
	switch {
	case err != nil:
		return err
	case list != nil:
		out, err := affineShape(theta.Shape, list)
		if err != nil {
			return err
		}
		yields(n, 0, theta.DType, out)
	case len(size.Shape) == 1 && size.Shape[0] != tensor.Unknown:
		yields(n, 0, theta.DType, unknowns(size.Shape[0]))
	default:
		yields(n, 0, theta.DType, nil)
	}
	return nil
}

// affineShape is the grid's shape for an output of the given size.
func affineShape(theta tensor.Shape, size []int) (tensor.Shape, error) {
	axes := len(size) - 2
	if axes < 2 || axes > 3 || negative(size) >= 0 {
		return nil, fmt.Errorf("size %v; N×C×H×W or N×C×D×H×W is wanted", size)
	}
	if want := (tensor.Shape{size[0], axes, axes + 1}); theta.Static() && !theta.Equal(want) {
		return nil, fmt.Errorf("theta %s for size %v; %s is wanted", theta, size, want)
	}
	return append(append(tensor.Shape{size[0]}, size[2:]...), axes), nil
}

func prepareAffineGrid[T real](n *graph.Node, _ *Target) (Kernel, error) {
	corners := n.Int("align_corners", 0) != 0
	plan := func(content func(int) *tensor.Tensor) (tensor.Shape, error) {
		size, err := integersOf(content(1))
		if err != nil {
			return nil, err
		}
		return affineShape(n.Inputs[0].Shape, size)
	}
	return settled(n, "elementwise", []int{1}, plan, func(c *Call, shape tensor.Shape) func() error {
		dims := shape[1 : len(shape)-1]
		axes, positions := len(dims), dims.Elements()
		rows := inPieces(c.Team, shape[0]*positions, 8*axes, func(from, to int) {
			theta, out := elements[T](&c.In[0].Tensor), elements[T](&c.Out[0].Tensor)
			for i := from; i < to; i++ {
				var at [3]float64 // innermost first
				for rest, a := i%positions, 0; a < axes; a++ {
					d := dims[axes-1-a]
					at[a] = gridCoordinate(rest%d, d, corners)
					rest /= d
				}
				matrix := theta[i/positions*axes*(axes+1):][:axes*(axes+1)]
				for row := range axes {
					sum := float64(matrix[row*(axes+1)+axes])
					for col := range axes {
						sum += float64(matrix[row*(axes+1)+col]) * at[col]
					}
					out[i*axes+row] = T(sum)
				}
			}
		})
		return func() error {
			place(c.Out[0], n.Inputs[0].DType, shape)
			rows.run(c.Team)
			return nil
		}
	})
}

// gridCoordinate is where element i of d lies between -1 and 1, which are the outer edges, or the centres of the outermost elements.
func gridCoordinate(i, d int, corners bool) float64 {
	switch {
	case !corners:
		return (2*float64(i)+1)/float64(d) - 1
	case d == 1:
		return 0
	}
	return 2*float64(i)/float64(d-1) - 1
}
