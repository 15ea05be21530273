package ops

import "image"

// fromYCbCr turns the planes of a JPEG into colours, to the bit as libjpeg does it by default: chroma at half the resolution is interpolated with
// weights of 3/4 and 1/4 along each axis ("fancy upsampling"), and the conversion is that of JFIF 1.02 in 16-bit fixed point.
func (p *pixels) fromYCbCr(m *image.YCbCr) {
	cb, cr := fullPlane(m, m.Cb, p.width, p.height), fullPlane(m, m.Cr, p.width, p.height)
	for y := range p.height {
		for x := range p.width {
			i := y*p.width + x
			bright, blue, red := int(m.Y[y*m.YStride+x]), int(cb[i])-128, int(cr[i])-128
			p.rgb[3*i] = clampByte(bright + (91881*red+1<<15)>>16)
			p.rgb[3*i+1] = clampByte(bright + (-22554*blue-46802*red+1<<15)>>16)
			p.rgb[3*i+2] = clampByte(bright + (116130*blue+1<<15)>>16)
		}
	}
}

func clampByte(v int) byte { return byte(min(max(v, 0), 255)) }

// fullPlane is a chroma plane at the resolution of the image.
func fullPlane(m *image.YCbCr, plane []byte, width, height int) []byte {
	full := make([]byte, width*height)
	across, down := 1, 1
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	case image.YCbCrSubsampleRatio422:
		across = 2
	case image.YCbCrSubsampleRatio440:
		down = 2
	case image.YCbCrSubsampleRatio411:
		across = 4
	case image.YCbCrSubsampleRatio410:
		across, down = 4, 2
	}
	columns, rows := ceilDiv(width, across), ceilDiv(height, down)
	if across == 4 || columns < 3 && across == 2 { // libjpeg repeats these
		for i := range full {
			full[i] = plane[i/width/down*m.CStride+i%width/across]
		}
		return full
	}
	sums := make([]int, columns)
	for y := range height {
		near, far, weight := chromaRows(plane, m.CStride, columns, rows, y, down)
		for x := range sums {
			sums[x] = weight*int(near[x]) + (4-weight)*int(far[x])
		}
		to := full[y*width:][:width]
		switch {
		case across == 1:
			for x, s := range sums {
				to[x] = byte((s + 1 + y%2) >> 2)
			}
		default:
			stretchRow(to, sums, down)
		}
	}
	return full
}

// chromaRows are the two rows that an image's row lies between, of which near has so many quarters.
func chromaRows(plane []byte, stride, columns, rows, y, down int) (near, far []byte, weight int) {
	at := func(r int) []byte { return plane[min(max(r, 0), rows-1)*stride:][:columns] }
	switch {
	case down == 1:
		return at(y), at(y), 4
	case y%2 == 0:
		return at(y / 2), at(y/2 - 1), 3
	}
	return at(y / 2), at(y/2 + 1), 3
}

// stretchRow doubles a row of sums of four quarters. Where rows were doubled too the halves are rounded as sixteenths, else as quarters.
func stretchRow(to []byte, sums []int, down int) {
	last := len(sums) - 1
	for x := range to {
		i := x / 2
		side, bias := min(i+1, last), 7
		if x%2 == 0 {
			side, bias = max(i-1, 0), 8
		}
		if down == 1 { // the sums are four times the element
			if bias = 8; x%2 == 0 {
				bias = 4
			}
		}
		to[x] = byte((3*sums[i] + sums[side] + bias) >> 4)
	}
}
