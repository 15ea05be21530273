package move

import "unsafe"

// Image places Height × Width pixels of Channels elements in a slice, channels
// innermost (NHWC): channel c of pixel (y, x) is element
// Origin + y·RowPitch + x·PixelPitch + c. What lies between pixels, such as
// padding of the channels to whole vectors, and around them, the halo, belongs
// to the image too.
type Image struct {
	Height, Width, Channels      int
	PixelPitch, RowPitch, Origin int
}

// NewImage returns the layout whose channels are padded to a multiple of lanes
// and whose pixels are surrounded by a halo of the given widths, and the number
// of elements that one image takes.
func NewImage(height, width, channels, lanes, top, left, bottom, right int) (img Image, elements int) {
	pixel := (channels + lanes - 1) / lanes * lanes
	row := (left + width + right) * pixel
	img = Image{
		Height: height, Width: width, Channels: channels,
		PixelPitch: pixel, RowPitch: row, Origin: top*row + left*pixel,
	}
	return img, (top + height + bottom) * row
}

// FromNCHW copies one image from planes (channels outermost, contiguous) into
// img's place in dst and zeroes each pixel's padding. The halo is left alone.
func FromNCHW[T Element](f *Funcs, dst []T, img Image, src []T) {
	plane := img.Height * img.Width
	for y := range img.Height {
		row, lines := dst[img.Origin+y*img.RowPitch:], src[y*img.Width:]
		c, x := padPixels(blocksFor[T](f), row, lines, img, plane)
		Transpose(f, row, lines, c, x, img.PixelPitch, plane)
		Transpose(f, row[x*img.PixelPitch:], lines[x:], img.Channels, img.Width-x, img.PixelPitch, plane)
		clearPadding(row, img, x)
	}
}

// padPixels writes the last channels, those that fill no block, of as many
// pixels of one row as whole blocks take, and the zeros that pad them. It
// returns the number of channels that it leaves to do for those pixels, and the
// number of the pixels.
func padPixels[T Element](blocks []block, row, lines []T, img Image, plane int) (channels, pixels int) {
	if len(blocks) == 0 || blocks[0].padded == nil {
		return 0, 0
	}
	b := blocks[0]
	rest, across := img.Channels%b.side, img.Width/b.side
	done := img.Channels - rest
	if rest == 0 || across == 0 || done+b.side > img.PixelPitch {
		return 0, 0
	}
	size := int(unsafe.Sizeof(row[0]))
	pixels = across * b.side
	_ = row[(pixels-1)*img.PixelPitch+done+b.side-1]
	_ = lines[(img.Channels-1)*plane+pixels-1]
	b.padded(first(row[done:]), first(lines[done*plane:]),
		img.PixelPitch*size, plane*size, across, b.side*img.PixelPitch*size, b.side*size, rest)
	for x := range pixels {
		clear(row[x*img.PixelPitch+done+b.side : (x+1)*img.PixelPitch])
	}
	return done, pixels
}

// clearPadding zeroes what pads the pixels of a row from one on.
func clearPadding[T Element](row []T, img Image, from int) {
	if img.Channels == img.PixelPitch {
		return
	}
	for x := from; x < img.Width; x++ {
		clear(row[x*img.PixelPitch+img.Channels : (x+1)*img.PixelPitch])
	}
}

// ToNCHW copies one image from img's place in src into contiguous planes.
func ToNCHW[T Element](f *Funcs, dst, src []T, img Image) {
	plane := img.Height * img.Width
	for y := range img.Height {
		Transpose(f, dst[y*img.Width:], src[img.Origin+y*img.RowPitch:], img.Width, img.Channels, plane, img.PixelPitch)
	}
}

// ClearAround zeroes every element of dst, one image's slice, that is no pixel:
// halo and slack, but not the padding of a pixel's channels.
func ClearAround[T Element](dst []T, img Image) {
	end := 0
	for y := range img.Height {
		start := img.Origin + y*img.RowPitch
		clear(dst[end:start])
		end = start + img.Width*img.PixelPitch
	}
	clear(dst[end:])
}
