package ops

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// decodeBMP reads uncompressed Windows bitmaps of 24 or 32 bits a pixel, or of 8 through a palette.
func decodeBMP(file []byte) (*pixels, error) {
	const header = 14 + 40
	if len(file) < header {
		return nil, fmt.Errorf("header of %d bytes", len(file))
	}
	word := func(at int) int { return int(int32(binary.LittleEndian.Uint32(file[at:]))) }
	first, size, width, height := word(10), word(14), word(18), word(22)
	bits, compression, colours := int(binary.LittleEndian.Uint16(file[28:])), word(30), word(46)
	upward := height > 0
	if !upward {
		height = -height
	}
	p, err := newPixels(width, height)
	if err != nil {
		return nil, err
	}
	if compression != 0 && !(compression == 3 && bits == 32) || bits != 8 && bits != 24 && bits != 32 {
		return nil, fmt.Errorf("%d bits a pixel with compression %d are not supported", bits, compression)
	}
	stride := roundUp(width*bits, 32) / 8
	if first < 0 || first > len(file) || len(file)-first < stride*height {
		return nil, fmt.Errorf("%d bytes for %dx%d pixels of %d bits", len(file), width, height, bits)
	}
	var palette []byte
	if bits == 8 {
		if colours == 0 {
			colours = 256
		}
		if size < 40 || colours < 0 || colours > 256 || 14+size+4*colours > len(file) {
			return nil, fmt.Errorf("palette of %d colours", colours)
		}
		palette = file[14+size:][:4*colours]
	}
	for y := range height {
		row := file[first+y*stride:][:stride]
		if upward {
			row = file[first+(height-1-y)*stride:][:stride]
		}
		for x := range width {
			bgr := row[x*bits/8:]
			if palette != nil {
				if 4*int(bgr[0]) >= len(palette) {
					return nil, fmt.Errorf("colour %d of %d", bgr[0], colours)
				}
				bgr = palette[4*int(bgr[0]):]
			}
			to := p.rgb[3*(y*width+x):]
			to[0], to[1], to[2] = bgr[2], bgr[1], bgr[0]
		}
	}
	return p, nil
}

// decodePNM reads binary Netpbm files of one byte a sample: P5, grey, and P6, colours.
func decodePNM(file []byte) (*pixels, error) {
	var numbers [3]int // width, height, the largest sample
	rest := file[2:]
	for i := range numbers {
		for rest = bytes.TrimLeft(rest, " \t\r\n"); bytes.HasPrefix(rest, []byte("#")); rest = bytes.TrimLeft(rest, " \t\r\n") {
			_, rest, _ = bytes.Cut(rest, []byte("\n"))
		}
		digits := 0
		for ; digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' && digits < 9; digits++ {
			numbers[i] = 10*numbers[i] + int(rest[digits]-'0')
		}
		if digits == 0 {
			return nil, fmt.Errorf("header without its %d. number", i+1)
		}
		rest = rest[digits:]
	}
	p, err := newPixels(numbers[0], numbers[1])
	if err != nil {
		return nil, err
	}
	if numbers[2] != 255 {
		return nil, fmt.Errorf("samples up to %d are not supported", numbers[2])
	}
	samples := 1
	if file[1] == '6' {
		samples = 3
	}
	if len(rest) < 1+samples*p.width*p.height {
		return nil, fmt.Errorf("%d bytes for %dx%d pixels", len(rest), p.width, p.height)
	}
	p.spread(rest[1:], samples)
	return p, nil
}

// spread fills the image from samples of one byte: one a pixel is grey, further ones than three are left out.
func (p *pixels) spread(from []byte, samples int) {
	for i := range p.width * p.height {
		to, pixel := p.rgb[3*i:3*i+3], from[i*samples:]
		if samples < 3 {
			to[0], to[1], to[2] = pixel[0], pixel[0], pixel[0]
			continue
		}
		copy(to, pixel)
	}
}

// The tags of a TIFF that say where its pixels are (TIFF 6.0, 1992).
const (
	tiffWidth           = 256
	tiffHeight          = 257
	tiffBits            = 258
	tiffCompression     = 259
	tiffPhotometric     = 262
	tiffOffsets         = 273
	tiffSamples         = 277
	tiffLengths         = 279
	tiffPlanar          = 284
	tiffUncompressed    = 1
	tiffBlackIsZero     = 1
	tiffRGB             = 2
	tiffDirectoryOffset = 4
)

// decodeTIFF reads the first image of a baseline file: uncompressed strips of one byte a sample, grey or colours.
func decodeTIFF(file []byte) (*pixels, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if file[0] == 'M' {
		order = binary.BigEndian
	}
	tags, err := tiffTags(file, order)
	if err != nil {
		return nil, err
	}
	one := func(tag, fallback int) int {
		if list := tags[tag]; len(list) > 0 {
			return list[0]
		}
		return fallback
	}
	p, err := newPixels(one(tiffWidth, 0), one(tiffHeight, 0))
	if err != nil {
		return nil, err
	}
	samples, kind := one(tiffSamples, 1), one(tiffPhotometric, -1)
	switch {
	case one(tiffCompression, tiffUncompressed) != tiffUncompressed:
		return nil, fmt.Errorf("compression %d is not supported", one(tiffCompression, 0))
	case one(tiffBits, 1) != 8 || one(tiffPlanar, 1) != 1 || kind != tiffBlackIsZero && kind != tiffRGB || kind == tiffRGB && samples < 3 || samples < 1:
		return nil, fmt.Errorf("%d samples of %d bits of kind %d are not supported", samples, one(tiffBits, 1), kind)
	case len(tags[tiffOffsets]) != len(tags[tiffLengths]):
		return nil, fmt.Errorf("%d strips with %d lengths", len(tags[tiffOffsets]), len(tags[tiffLengths]))
	}
	var all []byte
	for i, at := range tags[tiffOffsets] {
		if size := tags[tiffLengths][i]; at <= len(file) && size <= len(file)-at {
			all = append(all, file[at:at+size]...)
		}
	}
	if len(all) < samples*p.width*p.height {
		return nil, fmt.Errorf("strips of %d bytes for %dx%d pixels", len(all), p.width, p.height)
	}
	if kind == tiffBlackIsZero {
		grey := all[:0]
		for i := range p.width * p.height {
			grey = append(grey, all[i*samples])
		}
		all, samples = grey, 1
	}
	p.spread(all, samples)
	return p, nil
}

// tiffTags reads the numbers of the first directory.
func tiffTags(file []byte, order binary.ByteOrder) (map[int][]int, error) {
	within := func(at, size int) bool { return at >= 0 && size >= 0 && at <= len(file) && size <= len(file)-at }
	if !within(tiffDirectoryOffset, 4) {
		return nil, fmt.Errorf("header of %d bytes", len(file))
	}
	at := int(order.Uint32(file[tiffDirectoryOffset:]))
	if !within(at, 2) || !within(at+2, 12*int(order.Uint16(file[at:]))) {
		return nil, fmt.Errorf("directory beyond the file")
	}
	tags := map[int][]int{}
	for i := range int(order.Uint16(file[at:])) {
		entry := file[at+2+12*i:][:12]
		size := map[uint16]int{1: 1, 3: 2, 4: 4}[order.Uint16(entry[2:])]
		count := int(order.Uint32(entry[4:]))
		if size == 0 || count > len(file) {
			continue
		}
		values := entry[8:]
		if size*count > 4 {
			from := int(order.Uint32(entry[8:]))
			if !within(from, size*count) {
				return nil, fmt.Errorf("tag %d beyond the file", order.Uint16(entry))
			}
			values = file[from:]
		}
		var list []int
		for j := range count {
			switch size {
			case 1:
				list = append(list, int(values[j]))
			case 2:
				list = append(list, int(order.Uint16(values[2*j:])))
			case 4:
				list = append(list, int(order.Uint32(values[4*j:])))
			}
		}
		tags[int(order.Uint16(entry))] = list
	}
	return tags, nil
}
