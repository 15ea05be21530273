package conv

import "unsafe"

// Function replaces each element of a slice by a function of it, in place: F32
// of binary32, BF16 of bfloat16.
type Function struct {
	F32  func(x []float32)
	BF16 func(x []uint16)
}

// Then returns a plan that does what p does and applies f to the clamped outputs
// while they are in the cache. p must be one that Prepare made.
func (p *Plan) Then(f Function) *Plan {
	with := *p
	zero := []float32{0}
	f.F32(zero)
	with.function, with.keepsZero = f, zero[0] == 0
	return &with
}

// applies reports whether a function follows.
func (m *memory) applies() bool { return m.function.F32 != nil }

// apply applies the function to neighbouring pixels of m's output, which begin
// at an element. Padding between pixels may take part: it holds zeros.
func (m *memory) apply(out *Image, first, pixels int) {
	count, padding := 1, out.PixelPitch-out.Channels
	run := pixels*out.PixelPitch - padding
	if padding >= vectorLanes || padding > 0 && !m.keepsZero {
		count, run = pixels, out.Channels
	}
	for range count {
		if m.outBytes == 2 {
			m.function.BF16(unsafe.Slice((*uint16)(unsafe.Add(m.out, 2*first)), run))
		} else {
			m.function.F32(unsafe.Slice((*float32)(unsafe.Add(m.out, 4*first)), run))
		}
		first += out.PixelPitch
	}
}

// vectorLanes is what NewImage pads pixels to at most; an image with more between
// its pixels is a slice of the channels of another.
const vectorLanes = 16
