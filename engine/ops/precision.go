package ops

import (
	"github.com/eiplan/eiplan/engine/cpu"
	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/kernels/gemm"
	"github.com/eiplan/eiplan/models/tensor"
)

// MixedIsBFloat16 reports whether mixed products on a machine are of bfloat16; else their weights are stored as float16 and widened.
func MixedIsBFloat16(f cpu.Features) bool { return gemm.Choose(f, gemm.BF16, 32, 32, 32).Vector() }

// HasFastAlgorithm reports whether the kernels have an algorithm for a convolution that multiplies less than the definition does.
func HasFastAlgorithm(n *graph.Node) bool {
	g, err := placedGeometry(n)
	return err == nil && g.WinogradHalo() != g.Halo()
}

// formatOf is the storage of a node's products, which its precision and the type of its input settle.
func formatOf(n *graph.Node) gemm.Format {
	switch {
	case n.In(0).DType == tensor.BFloat16:
		return gemm.BF16
	case n.Precision == graph.Mixed:
		return gemm.FP16
	}
	return gemm.FP32
}
