//go:build (amd64 || arm64) && !purego

package pool

// The structs below name the generated kernels. Their slices begin at the
// pointers, and no window, run or blend is empty.

// windowsOf is a kernel over a run, whose fields it takes one by one.
type windowsOf[T any] = func(dst, src *T, channels, count, rows, cols, rowStep, colStep, srcStep, dstStep int, scale float32)

type windows struct {
	maximum windowsOf[float32]
	average windowsOf[float32]
	blend   func(dst, topLeft, topRight, bottomLeft, bottomRight *float32, n int, across, down float32)
}

type windowsBF16 struct {
	maximumBF16 windowsOf[uint16]
	averageBF16 windowsOf[uint16]
	blendBF16   func(dst, topLeft, topRight, bottomLeft, bottomRight *uint16, n int, across, down float32)
}

// assembled returns the variant of that name, nil if this build holds none.
func assembled(name string) *Funcs {
	w, b, held := generated(name)
	if !held {
		return nil
	}
	return &Funcs{Variant: name, runs: kernels{
		maximum: sliceRun(w.maximum), average: sliceRun(w.average),
		maximumBF16: sliceRun(b.maximumBF16), averageBF16: sliceRun(b.averageBF16),
		blend: sliceBlend(w.blend), blendBF16: sliceBlend(b.blendBF16),
	}}
}

func sliceRun[T any](kernel windowsOf[T]) func(dst, src []T, r run) {
	return func(dst, src []T, r run) {
		kernel(&dst[0], &src[0], r.channels, r.count, r.rows, r.cols, r.rowStep, r.colStep, r.srcStep, r.dstStep, r.scale)
	}
}

func sliceBlend[T any](
	kernel func(dst, topLeft, topRight, bottomLeft, bottomRight *T, n int, across, down float32),
) func(dst, topLeft, topRight, bottomLeft, bottomRight []T, across, down float32) {
	return func(dst, topLeft, topRight, bottomLeft, bottomRight []T, across, down float32) {
		kernel(&dst[0], &topLeft[0], &topRight[0], &bottomLeft[0], &bottomRight[0], len(dst), across, down)
	}
}
