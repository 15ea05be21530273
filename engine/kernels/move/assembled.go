//go:build (amd64 || arm64) && !purego

package move

// transposes names the generated block transposes, by size of element: 2 and
// 4 bytes.
type transposes struct {
	words, doublewords func(dst, src *byte, dstPitch, srcPitch, count, dstStep, srcStep int)
	doublewordsPadded  func(dst, src *byte, dstPitch, srcPitch, count, dstStep, srcStep, rows int)
}
