package pool

// Window is what one output index reads along one axis: Taps source indices
// from Start on, Dilation apart. Divisor is what an average counts along the
// axis: Taps, or with padding included what the padded window holds.
type Window struct {
	Start, Taps, Dilation, Divisor int
}

// Axis describes pooling along one axis, in ONNX's terms.
type Axis struct {
	In, Out                  int // extents; Out follows ceil_mode as the caller decides
	Kernel, Stride, Dilation int
	PadBefore, PadAfter      int
	CountPad                 bool // count_include_pad
}

// Windows appends the windows of a's outputs to dst. A window that lies wholly
// in padding has no taps.
func Windows(dst []Window, a Axis) []Window {
	for o := range a.Out {
		start := o*a.Stride - a.PadBefore
		first := 0
		if start < 0 {
			first = (-start + a.Dilation - 1) / a.Dilation
		}
		last := min(a.Kernel, ceilDiv(a.In-start, a.Dilation))
		w := Window{
			Start: start + first*a.Dilation, Taps: max(last-first, 0), Dilation: a.Dilation,
		}
		w.Divisor = w.Taps
		if a.CountPad {
			w.Divisor = max(min(a.Kernel, ceilDiv(a.In+a.PadAfter-start, a.Dilation)), 0)
		}
		dst = append(dst, w)
	}
	return dst
}

// ceilDiv returns ⌈n/d⌉ for d > 0.
func ceilDiv(n, d int) int {
	if n <= 0 {
		return -(-n / d)
	}
	return (n + d - 1) / d
}

// alike reports whether w, next after v, is v moved on by a constant step, and
// returns the step.
func (v Window) alike(w Window) (step int, ok bool) {
	return w.Start - v.Start, v.Taps == w.Taps && v.Dilation == w.Dilation && v.Divisor == w.Divisor
}
