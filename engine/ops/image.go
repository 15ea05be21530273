package ops

import (
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/conv"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/engine/kernels/move"
	"github.com/eiplan/eiplan/engine/kernels/pool"
	"github.com/eiplan/eiplan/models/tensor"
)

// channelLanes is the multiple that channels of a Channels layout are rounded up to.
const channelLanes = 16

// planeOf is the height and width of a value of shape N×C×H×W or N×C×W.
func planeOf(s tensor.Shape) (height, width int) {
	if len(s) == 3 {
		return 1, s[2]
	}
	return s[2], s[3]
}

// imageOf is where the pixels of a value in a Channels layout lie.
func imageOf(v *graph.Value) conv.Image {
	l := v.Layout
	height, width := planeOf(v.Shape)
	m := conv.NewImage(height, width, l.Stride, min(channelLanes, l.Stride), conv.Halo{Top: l.Top, Left: l.Left, Bottom: l.Bottom, Right: l.Right})
	m.Channels = v.Shape[1]
	return m
}

// planarOf is where the pixels of a dense value lie.
func planarOf(v *graph.Value) conv.Image {
	height, width := planeOf(v.Shape)
	return conv.NewPlanar(height, width, v.Shape[1], conv.Halo{})
}

// moveImage and poolImage are the same image in the words of other kernels.
func moveImage(m conv.Image) move.Image {
	return move.Image{Height: m.Height, Width: m.Width, Channels: m.Channels, PixelPitch: m.PixelPitch, RowPitch: m.RowPitch, Origin: m.Origin}
}

func poolImage(m conv.Image) pool.Image {
	return pool.Image{PixelPitch: m.PixelPitch, RowPitch: m.RowPitch, Origin: m.Origin}
}

// bufferOf is a tensor's memory as a convolution takes it.
func bufferOf(t tensor.Tensor) conv.Buffer {
	if t.DType == tensor.BFloat16 {
		return conv.Buffer{BF16: tensor.Data[uint16](t)}
	}
	return conv.Buffer{F32: tensor.Data[float32](t)}
}

// clampOf is what a fused node does to its results: the attributes lo and hi, each of which may be absent.
func clampOf(n *graph.Node) gemm.Clamp {
	c := gemm.Unbounded()
	return gemm.Clamp{Lo: n.Float("lo", c.Lo), Hi: n.Float("hi", c.Hi)}
}

// rowsOf is a dense tensor of two dimensions or more as a matrix of its last one.
func rowsOf(t tensor.Tensor, columns int) gemm.Matrix {
	if t.DType == tensor.BFloat16 {
		return gemm.Matrix{BF16: tensor.Data[uint16](t), Stride: columns}
	}
	return gemm.Matrix{F32: tensor.Data[float32](t), Stride: columns}
}

// scratchFloats cuts the next n float32 elements, aligned to 64 bytes, off scratch memory.
func scratchFloats(scratch []byte, n int) (floats []float32, rest []byte) {
	size := roundUp(4*n, 64)
	t := tensor.Tensor{DType: tensor.Float32, Bytes: scratch[:4*n]} // a Shape would be allocated
	return tensor.Data[float32](t), scratch[size:]
}
