package ops

import "image"

// fromVP8 turns the planes of a lossy WebP into colours, to the bit as libwebp does it by default: chroma is interpolated with weights of 9, 3, 3 and 1
// sixteenths ("fancy upsampling"), and the conversion is that of ITU-R BT.601 in its narrow range, in fixed point of 14 bits.
func (p *pixels) fromVP8(m *image.YCbCr) {
	columns, rows := ceilDiv(p.width, 2), ceilDiv(p.height, 2)
	blue, red := make([]int, p.width), make([]int, p.width)
	for y := range p.height {
		near, far := y/2, y/2-1+y%2*2
		far = min(max(far, 0), rows-1)
		row := func(plane []byte, r int) []byte { return plane[r*m.CStride:][:columns] }
		doubleChroma(blue, row(m.Cb, near), row(m.Cb, far))
		doubleChroma(red, row(m.Cr, near), row(m.Cr, far))
		for x := range p.width {
			bright := int(m.Y[y*m.YStride+x]) * 19077 >> 8
			to := p.rgb[3*(y*p.width+x):][:3]
			to[0] = clampByte((bright + red[x]*26149>>8 - 14234) >> 6)
			to[1] = clampByte((bright - blue[x]*6419>>8 - red[x]*13320>>8 + 8708) >> 6)
			to[2] = clampByte((bright + blue[x]*33050>>8 - 17685) >> 6)
		}
	}
}

// doubleChroma doubles a row of chroma that lies between two, of which near weighs three times as much.
func doubleChroma(to []int, near, far []byte) {
	n, f := func(i int) int { return int(near[i]) }, func(i int) int { return int(far[i]) }
	to[0] = (3*n(0) + f(0) + 2) >> 2
	for x := 1; x < len(to); x++ {
		left, right := (x-1)/2, (x+1)/2
		if right == len(near) { // the last of an even width
			to[x] = (3*n(left) + f(left) + 2) >> 2
			continue
		}
		side, other := left, right
		if x%2 == 0 {
			side, other = right, left
		}
		sum := n(left) + n(right) + f(left) + f(right) + 8
		to[x] = ((sum+2*(n(other)+f(side)))>>3 + n(side)) >> 1
	}
}
