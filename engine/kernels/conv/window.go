package conv

import (
	"math"
	"unsafe"
)

// Window is the argument of one call of a depthwise kernel, which computes
// Count neighbouring outputs of Groups vectors of channels:
//
//	for v in 0..Groups, i in 0..Count, c in the channels of vector v:
//	    Out[i][c] = clamp(Bias[c] + Residual[i][c] + Σ over t of In[i·Next + Tap[t]][c] · Weights[v][t][c])
//
// Weights and Bias are binary32, padded to whole vectors. The last vector has
// Cols channels; what lies behind them is read as input but not written. A call
// leaves moving and Groups changed. The generator in _asm/conv knows the
// layout.
type Window struct {
	moving   [5]uintptr // In to Residual, as a vector kernel moves them on: past the ends, where the collector must see no pointers
	Tap      *int64     // byte offsets
	Taps     int
	Next     int // bytes from one output's first input to the next's
	PixelOut int // bytes between outputs
	PixelRes int // bytes between residuals
	Count    int
	Groups   int
	Cols     int
	Lo, Hi   float32
	Pixel    int // bytes between neighbouring inputs of a window
	Row      int // bytes between its rows

	In       unsafe.Pointer
	Weights  unsafe.Pointer
	Bias     unsafe.Pointer
	Out      unsafe.Pointer
	Residual unsafe.Pointer // or nil

	lanes       int // the reference's only
	inBF, outBF bool
	_           [192 - 23*8]byte // a worker's window shares no cache line with another's
}

// windowReference is the loop of Window's comment in Go.
func windowReference(w *Window) {
	taps := unsafe.Slice(w.Tap, w.Taps)
	inSize, outSize := elementSize(w.inBF), elementSize(w.outBF)
	for v := range w.Groups {
		cols := w.lanes
		if v == w.Groups-1 {
			cols = w.Cols
		}
		first := v * w.lanes
		bias := unsafe.Slice((*float32)(unsafe.Add(w.Bias, 4*first)), w.lanes)
		weights := unsafe.Slice((*float32)(unsafe.Add(w.Weights, 4*first*w.Taps)), w.lanes*w.Taps)
		for i := range w.Count {
			for c := range cols {
				sum := bias[c]
				for t, tap := range taps {
					sum += element(w.In, i*w.Next+int(tap)+(first+c)*inSize, w.inBF) * weights[t*w.lanes+c]
				}
				if w.Residual != nil {
					sum += element(w.Residual, i*w.PixelRes+(first+c)*outSize, w.outBF)
				}
				sum = clamp(sum, w.Lo, w.Hi)
				to := unsafe.Add(w.Out, i*w.PixelOut+(first+c)*outSize)
				if w.outBF {
					*(*uint16)(to) = roundBF16(sum)
				} else {
					*(*float32)(to) = sum
				}
			}
		}
	}
}

func elementSize(bf16 bool) int {
	if bf16 {
		return 2
	}
	return 4
}

// element reads the value offset bytes from p as binary32.
func element(p unsafe.Pointer, offset int, bf16 bool) float32 {
	if bf16 {
		return math.Float32frombits(uint32(*(*uint16)(unsafe.Add(p, offset))) << 16)
	}
	return *(*float32)(unsafe.Add(p, offset))
}

func clamp(x, lo, hi float32) float32 {
	if x < lo {
		x = lo
	}
	if x > hi {
		x = hi
	}
	return x
}

// roundBF16 rounds to the nearest bfloat16, ties to even. NaN stays NaN.
func roundBF16(x float32) uint16 {
	bits := math.Float32bits(x)
	if x != x {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7FFF + bits>>16&1) >> 16)
}
