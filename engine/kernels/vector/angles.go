//go:build (amd64 || arm64) && !purego

package vector

// largestAngle is the largest magnitude that the generated loops of Sin and Cos bring into one turn without loss.
const largestAngle = 0x1p18

// sliceAngles is a function of angles of any size: loop's where all of a stretch are moderate. Else each angle is looked at, and those that are not
// moderate get the exact function.
func sliceAngles[T float32 | uint16](loop func(dst, x []T), moderate func(x []T) bool, exact func(x T) T) func(dst, x []T) {
	const stretch = 256
	return func(dst, x []T) {
		sameLength(len(dst), len(x))
		for len(x) > 0 {
			n := min(len(x), stretch)
			if moderate(x[:n]) {
				loop(dst[:n], x[:n])
			} else {
				for i, v := range x[:n] {
					if moderate(x[i : i+1]) {
						loop(dst[i:i+1], x[i:i+1])
					} else {
						dst[i] = exact(v)
					}
				}
			}
			dst, x = dst[n:], x[n:]
		}
	}
}

// moderate reports whether all angles are such as the generated loops take. None that is NaN is.
func (f *Funcs) moderate(x []float32) bool {
	return f.Reduce[Minimum](x) >= -largestAngle && f.Reduce[Maximum](x) <= largestAngle
}

// moderateBF16 is moderate for bfloat16.
func moderateBF16(x []uint16) bool {
	for _, v := range x {
		if a := WidenBF16(v &^ 0x8000); !(a <= largestAngle) {
			return false
		}
	}
	return true
}
