package ops

import (
	"math"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
)

// prepareMaxPoolPlaces is a MaxPool whose second output is wanted: the place of each largest element in the flattened input.
func prepareMaxPoolPlaces(n *graph.Node, t *Target) (Kernel, error) {
	switch d := n.In(0).DType; {
	case d == tensor.Float32:
		return maxPoolPlaces(n, float32(math.Inf(-1)))
	case d == tensor.Float64:
		return maxPoolPlaces(n, math.Inf(-1))
	case d == tensor.Int8:
		return maxPoolPlaces(n, int8(math.MinInt8))
	case d == tensor.Uint8:
		return maxPoolPlaces(n, uint8(0))
	case narrow(d):
		return widened(n, t, prepareMaxPoolPlaces)
	default:
		return Kernel{}, badType(d)
	}
}

// maxPoolPlaces pools plane by plane; with storage_order 1 the places count the planes' columns first.
func maxPoolPlaces[T number](n *graph.Node, least T) (Kernel, error) {
	win, err := poolWindow(n)
	if err != nil {
		return Kernel{}, err
	}
	g, err := win.grid()
	if err != nil {
		return Kernel{}, err
	}
	planes, in, out := n.In(0).Shape[:2].Elements(), size(g.in), size(g.out)
	columns := n.Int("storage_order", 0) == 1
	bind := func(c *Call) func() error {
		part := func(_, i int) {
			dst, src := tensor.Data[T](c.Out[0].Tensor)[i*out:][:out], tensor.Data[T](c.In[0].Tensor)[i*in:][:in]
			places := tensor.Data[int64](c.Out[1].Tensor)[i*out:][:out]
			fill(dst, least)
			fill(places, -1)
			g.eachRow(func(_, to, x0, x1, from int) {
				for x := to + x0; x < to+x1; x++ {
					if v := src[from]; v > dst[x] || places[x] < 0 {
						dst[x], places[x] = v, int64(i*in+g.place(from, columns))
					}
					from += g.stride[2]
				}
			})
		}
		return func() error {
			inParts(c.Team, planes, part)
			return nil
		}
	}
	return Kernel{Class: "plain max pool", Bind: bind}, nil
}

// place turns a row-major position in an input plane into a column-major one where asked.
func (g *grid) place(at int, columns bool) int {
	if !columns {
		return at
	}
	x := at % g.in[2]
	y := at / g.in[2] % g.in[1]
	z := at / g.in[2] / g.in[1]
	return z + g.in[0]*(y+g.in[1]*x)
}
