package quant

import "unsafe"

// Window is the argument of one call of the depthwise kernel, which computes
// Count neighbouring outputs of Cols channels:
//
//	for i in 0..Count, c in 0..Cols:
//	    sum = Bias[c] + Σ over t of In[i·Next + Tap[t]][c] · Weights[c/lanes][t][c%lanes]
//	    Out[i·PixelOut + c] = Zero + round(clamp(sum·Scale[c], Lo, Hi))
//
// Weights are int32, with 16 significant bits; they, Bias and Scale are padded to
// whole vectors, and input behind the last channel is read up to a whole vector.
// A call leaves Groups 0. The generator in _asm/quant knows the layout.
type Window struct {
	In       unsafe.Pointer
	Weights  unsafe.Pointer
	Bias     unsafe.Pointer
	Scale    unsafe.Pointer
	Out      unsafe.Pointer
	Tap      *int64
	Taps     int
	Next     int
	PixelOut int
	Count    int
	Groups   int // vectors of channels
	Cols     int
	Lo, Hi   float32
	Zero     int32
	_        [20]byte // a worker's window shares no cache line with another's
}

// referenceLanes is the number of channels in a vector of windowReference.
const referenceLanes = 16

// windowReference is the loop of Window's comment.
func windowReference(w *Window) {
	taps := unsafe.Slice(w.Tap, w.Taps)
	padded := w.Groups * referenceLanes
	weights := unsafe.Slice((*int32)(w.Weights), padded*w.Taps)
	bias, scale := unsafe.Slice((*int32)(w.Bias), padded), unsafe.Slice((*float32)(w.Scale), padded)
	for i := range w.Count {
		for c := range w.Cols {
			sum := bias[c]
			for t, tap := range taps {
				x := *(*uint8)(unsafe.Add(w.In, i*w.Next+int(tap)+c))
				sum += int32(x) * int32(int16(weights[(c/referenceLanes*w.Taps+t)*referenceLanes+c%referenceLanes]))
			}
			*(*uint8)(unsafe.Add(w.Out, i*w.PixelOut+c)) = toByte(float32(sum)*scale[c], w.Lo, w.Hi, w.Zero)
		}
	}
	w.Groups = 0
}
