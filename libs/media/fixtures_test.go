package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

var (
	red    = color.NRGBA{R: 255, A: 255}
	green  = color.NRGBA{G: 255, A: 255}
	blue   = color.NRGBA{B: 255, A: 255}
	yellow = color.NRGBA{R: 255, G: 255, A: 255}
	none   = color.NRGBA{}
)

// quarters paints the corners red, green, blue and yellow: top left, top right, bottom left, bottom
// right.
func quarters(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, []color.NRGBA{red, green, blue, yellow}[2*(2*y/height)+2*x/width])
		}
	}
	return img
}

// photo is a picture with gradients and fine structure, as a camera would make it.
func photo(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	noise := uint32(1)
	for y := range height {
		for x := range width {
			noise = noise*1664525 + 1013904223
			wave := 60 * math.Sin(float64(x)/37) * math.Cos(float64(y)/53)
			grain := float64(noise >> 28)
			img.SetNRGBA(x, y, color.NRGBA{
				R: uint8(120 + wave + grain), G: uint8(100 + 100*float64(y)/float64(height) + grain), B: uint8(90 - wave + grain), A: 255,
			})
		}
	}
	return img
}

func paletted(img image.Image, palette ...color.Color) *image.Paletted {
	out := image.NewPaletted(img.Bounds(), palette)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out
}

func encoded(t testing.TB, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatalf("make a fixture: %v", err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, img image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, img, &jpeg.Options{Quality: 92}) })
}

func asPNG(t testing.TB, img image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, img) })
}

func asBMP(t testing.TB, img image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return bmp.Encode(b, img) })
}

func asTIFF(t testing.TB, img image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return tiff.Encode(b, img, nil) })
}

func asGIF(t testing.TB, canvas image.Point, frames ...*image.Paletted) []byte {
	animation := gif.GIF{Image: frames, Delay: make([]int, len(frames)), Config: image.Config{Width: canvas.X, Height: canvas.Y}}
	return encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &animation) })
}

// exifBlock is a TIFF block whose first directory has the camera's orientation, and a text that
// must not survive.
func exifBlock(order binary.AppendByteOrder, orientation int) []byte {
	head := "II*\x00"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		head = "MM\x00*"
	}
	b := order.AppendUint32([]byte(head), 8)
	b = order.AppendUint16(b, 2)
	entry := func(tag, kind uint16, count uint32) { // the value follows
		b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, tag), kind), count)
	}
	entry(270, 2, 16) // ImageDescription
	b = order.AppendUint32(b, 38)
	entry(274, 3, 1)
	b = order.AppendUint16(order.AppendUint16(b, uint16(orientation)), 0)
	return append(order.AppendUint32(b, 0), "taken at my home"...)
}

// withSegment puts an APP1 segment behind a JPEG's start.
func withSegment(jpegContent []byte, data string) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xFF, markerAPP1}, uint16(len(data)+2))
	return slices.Concat(jpegContent[:2], segment, []byte(data), jpegContent[2:])
}

func withEXIF(jpegContent []byte, orientation int) []byte {
	return withSegment(jpegContent, "Exif\x00\x00"+string(exifBlock(binary.BigEndian, orientation)))
}

// withChunk puts a chunk behind a PNG's header.
func withChunk(pngContent []byte, name string, data []byte) []byte {
	body := append([]byte(name), data...)
	made := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), body...)
	made = binary.BigEndian.AppendUint32(made, crc32.ChecksumIEEE(body))
	const headerBytes = 8 + 25
	return slices.Concat(pngContent[:headerBytes], made, pngContent[headerBytes:])
}

// claimingPNG is a well-formed PNG header for a picture of any size, with no picture behind it.
func claimingPNG(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), width), height)
	header = append(header, 8, 6, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(out, header...), crc32.ChecksumIEEE(header))
}

// tiffOutsideItsPalette is a TIFF whose colour map is shorter than its pixels need.
func tiffOutsideItsPalette(t testing.TB) []byte {
	palette := make(color.Palette, 256)
	for i := range palette {
		palette[i] = color.Gray{Y: uint8(i)}
	}
	img := image.NewPaletted(image.Rect(0, 0, 64, 64), palette)
	for i := range img.Pix {
		img.Pix[i] = 200
	}
	content := asTIFF(t, img)
	const tagColorMap, typeShort = 320, 3
	entry := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, tagColorMap), typeShort)
	at := bytes.Index(content, entry)
	if at < 0 {
		t.Fatal("make a fixture: the TIFF has no colour map")
	}
	binary.LittleEndian.PutUint32(content[at+4:], 3*4)
	return content
}
