package ops_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/eiplan/eiplan/engine/graph"
	"github.com/eiplan/eiplan/engine/ops"
	"github.com/eiplan/eiplan/models"
	"github.com/eiplan/eiplan/models/tensor"
)

const pictureWidth, pictureHeight = 7, 5 // odd, so that rows need padding

// picture has few colours, so that a palette holds them.
func picture() (m *image.NRGBA, rgb []byte) {
	m = image.NewNRGBA(image.Rect(0, 0, pictureWidth, pictureHeight))
	for i := range pictureWidth * pictureHeight {
		c := color.NRGBA{byte(i % 4 * 80), byte(i % 3 * 120), byte(i % 2 * 255), 255}
		m.SetNRGBA(i%pictureWidth, i/pictureWidth, c)
		rgb = append(rgb, c.R, c.G, c.B)
	}
	return m, rgb
}

// pictureFiles are the picture in each format that keeps every bit.
func pictureFiles(t testing.TB) map[string][]byte {
	m, rgb := picture()
	files := map[string][]byte{}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	files["png"] = bytes.Clone(b.Bytes())
	b.Reset()
	paletted := image.NewPaletted(m.Rect, nil)
	for i := range pictureWidth * pictureHeight {
		x, y := i%pictureWidth, i/pictureWidth
		if len(paletted.Palette) < 12 {
			paletted.Palette = append(paletted.Palette, m.At(x, y))
		}
		paletted.Set(x, y, m.At(x, y))
	}
	if err := gif.Encode(&b, paletted, nil); err != nil {
		t.Fatal(err)
	}
	files["gif"] = bytes.Clone(b.Bytes())
	files["pnm"] = append(fmt.Appendf(nil, "P6\n# made here\n%d %d\n255\n", pictureWidth, pictureHeight), rgb...)
	le := binary.LittleEndian
	for _, bits := range []int{24, 32} {
		stride := (pictureWidth*bits + 31) / 32 * 4
		head := append([]byte("BM"), make([]byte, 52)...)
		le.PutUint32(head[10:], 54)
		le.PutUint32(head[14:], 40)
		le.PutUint32(head[18:], pictureWidth)
		le.PutUint32(head[22:], pictureHeight)
		le.PutUint16(head[28:], uint16(bits))
		for y := pictureHeight - 1; y >= 0; y-- {
			row := make([]byte, stride)
			for x := range pictureWidth {
				p := rgb[3*(y*pictureWidth+x):]
				copy(row[x*bits/8:], []byte{p[2], p[1], p[0]})
			}
			head = append(head, row...)
		}
		files[fmt.Sprintf("bmp of %d bits", bits)] = head
	}
	for name, order := range map[string]binary.AppendByteOrder{"II*\x00": binary.LittleEndian, "MM\x00*": binary.BigEndian} {
		files["tiff "+name[:2]] = tiff(name, order, rgb)
	}
	return files
}

// tiff is a file of two strips, pixels before the directory.
func tiff(begin string, order binary.AppendByteOrder, rgb []byte) []byte {
	file := append(order.AppendUint32([]byte(begin), uint32(8+len(rgb)+16)), rgb...)
	half := len(rgb) / 2
	for _, v := range []int{8, 8 + half, half, len(rgb) - half} {
		file = order.AppendUint32(file, uint32(v))
	}
	short := func(tag, v int) []byte {
		e := order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, uint16(tag)), 3), 1)
		return append(order.AppendUint16(e, uint16(v)), 0, 0)
	}
	longs := func(tag, count, at int) []byte {
		return order.AppendUint32(order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, uint16(tag)), 4), uint32(count)), uint32(at))
	}
	entries := [][]byte{short(256, pictureWidth), short(257, pictureHeight), short(258, 8), short(262, 2), longs(273, 2, 8+len(rgb)), short(277, 3), longs(279, 2, 16+len(rgb))}
	return append(append(order.AppendUint16(file, uint16(len(entries))), bytes.Join(entries, nil)...), 0, 0, 0, 0)
}

func decoded(file []byte, format string) (tensor.Tensor, error) {
	n := &graph.Node{Op: "ImageDecoder", Inputs: []*graph.Value{{}}, Outputs: []*graph.Value{{}},
		Attributes: map[string]models.Attribute{"pixel_format": {Kind: models.StringAttribute, Str: format}}}
	out, err := ops.Eval(n, []*ops.Slot{{Tensor: tensor.From(tensor.Uint8, tensor.Shape{len(file)}, file)}}, target(), nil)
	if err != nil {
		return tensor.Tensor{}, err
	}
	return out[0].Tensor, nil
}

func TestImageDecoder(t *testing.T) {
	_, rgb := picture()
	for name, file := range pictureFiles(t) {
		t.Run(name, func(t *testing.T) {
			got, err := decoded(file, "RGB")
			if err != nil {
				t.Fatal(err)
			}
			if want := tensor.From(tensor.Uint8, tensor.Shape{pictureHeight, pictureWidth, 3}, rgb); !got.Shape.Equal(want.Shape) || !bytes.Equal(got.Bytes, want.Bytes) {
				t.Errorf("got %v, want %v", got.Bytes, want.Bytes)
			}
			if got, err = decoded(file, "BGR"); err != nil || got.Bytes[0] != rgb[2] || got.Bytes[2] != rgb[0] {
				t.Errorf("BGR begins with %v, want %v backwards: %v", got.Bytes[:3], rgb[:3], err)
			}
			if got, err = decoded(file, "Grayscale"); err != nil || !got.Shape.Equal(tensor.Shape{pictureHeight, pictureWidth, 1}) {
				t.Errorf("grayscale is %v: %v", got, err)
			}
			for size := range file {
				if _, err := decoded(file[:size], "RGB"); err == nil && !strings.HasPrefix(name, "gif") && size < len(file)-12 {
					t.Errorf("the first %d of %d bytes decode", size, len(file))
				}
			}
		})
	}
	for begin, want := range map[string]string{"RIFF....WEBP": "WebP: ", "\x00\x00\x00\x0cjP": "JPEG 2000 images are not supported", "no image": "no known image format"} {
		if _, err := decoded([]byte(begin), "RGB"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", begin, err, want)
		}
	}
}

// TestChromaOfJPEG decodes a picture of one colour, which no interpolation may change, at sizes around those of a block.
func TestChromaOfJPEG(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {2, 3}, {5, 4}, {16, 16}, {17, 33}} {
		m := image.NewNRGBA(image.Rectangle{Max: size})
		for i := 0; i < len(m.Pix); i += 4 {
			copy(m.Pix[i:], []byte{200, 100, 50, 255})
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		got, err := decoded(b.Bytes(), "RGB")
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got.Bytes {
			if want := int([]byte{200, 100, 50}[i%3]); int(v) < want-2 || int(v) > want+2 {
				t.Fatalf("%v: byte %d is %d, want %d", size, i, v, want)
			}
		}
	}
}

func FuzzImageDecoder(f *testing.F) {
	for _, file := range pictureFiles(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) < 1<<12 {
			_, _ = decoded(file, "RGB") // must not panic
		}
	})
}
