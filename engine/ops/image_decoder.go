package ops

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/models/tensor"
	"golang.org/x/image/webp"
)

// imageDecoder decodes the bytes of an image file to height×width×3 bytes, or ×1 where the attribute pixel_format asks for Grayscale.
func imageDecoder() Op {
	return onHost(func(n *graph.Node) error {
		if err := arity(n, 1, 1); err != nil {
			return err
		}
		if err := takes(n, 0, 1<<tensor.Uint8); err != nil {
			return err
		}
		if s := n.Inputs[0].Shape; s != nil && len(s) != 1 {
			return fmt.Errorf("input %s; the bytes of one file are wanted", s)
		}
		channels := 3
		switch f := n.Str("pixel_format", "RGB"); f {
		case "RGB", "BGR":
		case "Grayscale":
			channels = 1
		default:
			return fmt.Errorf("unknown pixel_format %q", f)
		}
		yields(n, 0, tensor.Uint8, tensor.Shape{tensor.Unknown, tensor.Unknown, channels})
		return nil
	}, func(n *graph.Node, _ *Target, c *Call) error {
		p, err := decodePixels(c.In[0].Bytes)
		if err != nil {
			return err
		}
		switch n.Str("pixel_format", "RGB") {
		case "BGR":
			for i := 0; i < len(p.rgb); i += 3 {
				p.rgb[i], p.rgb[i+2] = p.rgb[i+2], p.rgb[i]
			}
		case "Grayscale":
			place(c.Out[0], tensor.Uint8, tensor.Shape{p.height, p.width, 1})
			for i := range c.Out[0].Bytes {
				c.Out[0].Bytes[i] = luma(p.rgb[3*i], p.rgb[3*i+1], p.rgb[3*i+2])
			}
			return nil
		}
		place(c.Out[0], tensor.Uint8, tensor.Shape{p.height, p.width, 3})
		copy(c.Out[0].Bytes, p.rgb)
		return nil
	})
}

// pixels is a decoded image: red, green and blue bytes, row by row.
type pixels struct {
	width, height int
	rgb           []byte
}

// maxPixels bounds what a header may promise.
const maxPixels = 1 << 28

func newPixels(width, height int) (*pixels, error) {
	if width < 1 || height < 1 || width > maxPixels/height {
		return nil, fmt.Errorf("image of %dx%d pixels", width, height)
	}
	return &pixels{width, height, make([]byte, 3*width*height)}, nil
}

// luma is the brightness of ITU-R BT.601, rounded as Pillow does it.
func luma(r, g, b byte) byte {
	return byte((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// imageFormats lists the formats by how their files begin. Those without a decoder are known only by name.
var imageFormats = [...]struct {
	name, begin string
	decode      func(file []byte) (*pixels, error)
}{
	{"PNG", "\x89PNG\r\n\x1a\n", decodeWith(png.DecodeConfig, png.Decode, nil)},
	{"GIF", "GIF8", decodeWith(gif.DecodeConfig, gif.Decode, nil)},
	{"JPEG", "\xff\xd8", decodeWith(jpeg.DecodeConfig, jpeg.Decode, (*pixels).fromYCbCr)},
	{"BMP", "BM", decodeBMP},
	{"TIFF", "II*\x00", decodeTIFF},
	{"TIFF", "MM\x00*", decodeTIFF},
	{"PNM", "P5", decodePNM},
	{"PNM", "P6", decodePNM},
	{"WebP", "RIFF", decodeWith(webp.DecodeConfig, webp.Decode, (*pixels).fromVP8)},
	{"JPEG 2000", "\x00\x00\x00\x0cjP", nil},
}

func decodePixels(file []byte) (*pixels, error) {
	for _, f := range imageFormats {
		if !bytes.HasPrefix(file, []byte(f.begin)) {
			continue
		}
		if f.decode == nil {
			return nil, fmt.Errorf("%s images are not supported", f.name)
		}
		p, err := f.decode(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		return p, nil
	}
	return nil, fmt.Errorf("%d bytes of no known image format", len(file))
}

// decodeWith decodes by a decoder of the standard library or of golang.org/x/image, once the header has promised a size within
// bounds. colours is how the format means brightness and chroma; nil where its images have none.
func decodeWith(config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error), colours func(*pixels, *image.YCbCr)) func(file []byte) (*pixels, error) {
	return func(file []byte) (*pixels, error) {
		c, err := config(bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		p, err := newPixels(c.Width, c.Height)
		if err != nil {
			return nil, err
		}
		m, err := decode(bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		if size := m.Bounds().Size(); size.X != p.width || size.Y != p.height {
			return nil, fmt.Errorf("image of %dx%d pixels where %dx%d were promised", size.X, size.Y, p.width, p.height)
		}
		switch m := m.(type) {
		case *image.YCbCr:
			colours(p, m)
			return p, nil
		case *image.NYCbCrA:
			colours(p, &m.YCbCr)
			return p, nil
		}
		plain := image.NewNRGBA(image.Rectangle{Max: m.Bounds().Size()}) // transparent pixels keep their colour
		draw.Draw(plain, plain.Rect, m, m.Bounds().Min, draw.Src)
		for i := range p.width * p.height {
			copy(p.rgb[3*i:3*i+3], plain.Pix[4*i:])
		}
		return p, nil
	}
}
