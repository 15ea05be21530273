package pool

import "math"

// Max writes, for output (y, x) and every c < channels, the largest of the
// source elements in rows[y] × cols[x]: NaN when any is, -Inf where the window
// has no taps. Output (y, x) is pixel (y, x) of to; windows index pixels of from.
func (f *Funcs) Max(dst []float32, to Image, src []float32, from Image, channels int, rows, cols []Window) {
	reduce(f.runs.maximum, float32(math.Inf(-1)), dst, to, src, from, channels, rows, cols)
}

// MaxBF16 is Max on bfloat16.
func (f *Funcs) MaxBF16(dst []uint16, to Image, src []uint16, from Image, channels int, rows, cols []Window) {
	const negativeInfinity = 0xff80
	reduce(f.runs.maximumBF16, negativeInfinity, dst, to, src, from, channels, rows, cols)
}

// Average writes the sum of the source elements in rows[y] × cols[x], times
// 1/(product of the Divisors); zero where the window has no taps. The error is at most
// (taps+2)·2⁻²⁴ of the mean of absolute values. One window as
// large as the image makes it a global average.
func (f *Funcs) Average(dst []float32, to Image, src []float32, from Image, channels int, rows, cols []Window) {
	reduce(f.runs.average, 0, dst, to, src, from, channels, rows, cols)
}

// AverageBF16 is Average on bfloat16, summed in float32 and rounded once.
func (f *Funcs) AverageBF16(dst []uint16, to Image, src []uint16, from Image, channels int, rows, cols []Window) {
	reduce(f.runs.averageBF16, 0, dst, to, src, from, channels, rows, cols)
}

// reduce cuts each output row into runs of like windows.
func reduce[T any](kernel func(dst, src []T, r run), empty T,
	dst []T, to Image, src []T, from Image, channels int, rows, cols []Window) {
	if channels <= 0 {
		return
	}
	for y, row := range rows {
		for x := 0; x < len(cols); {
			n, step := likeWindows(cols[x:])
			col := cols[x]
			r := run{
				channels: channels, count: n, rows: row.Taps, cols: col.Taps,
				rowStep: row.Dilation * from.RowPitch, colStep: col.Dilation * from.PixelPitch,
				srcStep: step * from.PixelPitch, dstStep: to.PixelPitch,
				scale: 1 / float32(max(row.Divisor*col.Divisor, 1)),
			}
			d := dst[to.at(y, x):]
			if r.rows == 0 || r.cols == 0 {
				fillRun(d, empty, r)
			} else {
				s := src[from.at(row.Start, col.Start):]
				_ = d[(n-1)*r.dstStep+channels-1]
				_ = s[(n-1)*r.srcStep+(r.rows-1)*r.rowStep+(r.cols-1)*r.colStep+channels-1]
				kernel(d, s, r)
			}
			x += n
		}
	}
}

// likeWindows returns how many windows from the first on have its shape and are
// evenly spaced, and the spacing, which is not negative: with dilation, a window
// may start before its predecessor.
func likeWindows(w []Window) (n, step int) {
	for n = 1; n < len(w); n++ {
		s, ok := w[n-1].alike(w[n])
		if !ok || s < 0 || n > 1 && s != step {
			break
		}
		step = s
	}
	return n, step
}

func fillRun[T any](dst []T, v T, r run) {
	for o := range r.count {
		for c := range r.channels {
			dst[o*r.dstStep+c] = v
		}
	}
}
