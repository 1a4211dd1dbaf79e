package media

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// Picture is an encoded picture.
type Picture struct {
	Content      []byte
	ContentType  string // image/jpeg or image/png
	WidthPixels  int
	HeightPixels int
}

// Derivatives are the pictures made from one file; both are nil, or neither.
type Derivatives struct {
	Web       *Picture
	Thumbnail *Picture
}

type format struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// formats are the decoders by sniffed type. Of an animation they give the first frame. Derive makes
// nothing of other types (SVG, HEIC, AVIF, files that are no pictures).
var formats = map[string]format{
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"image/png":  {png.DecodeConfig, png.Decode},
	"image/apng": {png.DecodeConfig, png.Decode},
	"image/gif":  {gif.DecodeConfig, gif.Decode},
	"image/webp": {webp.DecodeConfig, webp.Decode},
	"image/bmp":  {bmp.DecodeConfig, bmp.Decode},
	"image/tiff": {tiff.DecodeConfig, tiff.Decode},
}

// Derivable says whether Derive makes pictures of a media type as Inspect reports it.
func Derivable(mediaType string) bool {
	_, ok := formats[mediaType]
	return ok
}

// Derive makes the web version and the thumbnail of a picture: upright, never larger than the
// picture itself, re-encoded from its pixels alone. If the file is of another type (see Derivable),
// both are nil and err is nil. err is a *HostileError or a *BrokenError.
//
// The same content and limits give the same bytes within one build.
func Derive(content []byte, limits Limits) (Derivatives, error) {
	mediaType := mimetype.Detect(content).String()
	form, ok := formats[mediaType]
	if !ok {
		return Derivatives{}, nil
	}
	return derive(content, mediaType, form, limits)
}

func derive(content []byte, mediaType string, form format, limits Limits) (made Derivatives, err error) {
	// Decoders have panicked on crafted files, and one bad picture must not end the process. The
	// decoder's state is local to this call, so a panic leaves nothing half-done.
	defer func() {
		if reason := recover(); reason != nil {
			made, err = Derivatives{}, &BrokenError{Type: mediaType, Err: fmt.Errorf("the decoder panicked: %v", reason)}
		}
	}()
	size, err := measure(content, mediaType, form, limits)
	if err != nil {
		return Derivatives{}, err
	}
	img, err := form.decode(bytes.NewReader(content))
	if err != nil {
		return Derivatives{}, &BrokenError{Type: mediaType, Err: err}
	}
	photo := prefersJPEG(img, mediaType)
	web := orient(fit(onCanvas(img, size), limits.WebSidePixels), orientation(content, mediaType))
	if made.Web, err = encode(web, photo, limits.JPEGQuality); err != nil {
		return Derivatives{}, &BrokenError{Type: mediaType, Err: fmt.Errorf("encode the web version: %w", err)}
	}
	thumbnail := fit(web, limits.ThumbnailSidePixels)
	if made.Thumbnail, err = encode(thumbnail, photo, limits.JPEGQuality); err != nil {
		return Derivatives{}, &BrokenError{Type: mediaType, Err: fmt.Errorf("encode the thumbnail: %w", err)}
	}
	return made, nil
}

// measure refuses a picture that would be too expensive to decode. It decodes only the file's
// header.
func measure(content []byte, mediaType string, form format, limits Limits) (image.Point, error) {
	if int64(len(content)) > limits.MaxBytes {
		return image.Point{}, &HostileError{Reason: fmt.Sprintf("%d bytes, over the limit of %d", len(content), limits.MaxBytes)}
	}
	config, err := form.config(bytes.NewReader(content))
	if err != nil {
		return image.Point{}, &BrokenError{Type: mediaType, Err: err}
	}
	width, height := config.Width, config.Height
	if width < 1 || height < 1 {
		return image.Point{}, &BrokenError{Type: mediaType, Err: fmt.Errorf("%d x %d pixels", width, height)}
	}
	if max(width, height) > limits.MaxSidePixels {
		return image.Point{}, &HostileError{Reason: fmt.Sprintf("%d x %d pixels, over the limit of %d a side", width, height, limits.MaxSidePixels)}
	}
	if int64(width)*int64(height) > limits.MaxPixels {
		return image.Point{}, &HostileError{Reason: fmt.Sprintf("%d x %d pixels, over the limit of %d in all", width, height, limits.MaxPixels)}
	}
	if needed := decodingBytes(content, mediaType, config); needed > limits.MaxDecodedBytes {
		return image.Point{}, &HostileError{Reason: fmt.Sprintf("%d x %d pixels that take %d bytes of memory, over the limit of %d", width, height, needed, limits.MaxDecodedBytes)}
	}
	if scans := bytes.Count(content, []byte{0xFF, markerStartOfScan}); mediaType == "image/jpeg" && scans > limits.MaxScans {
		return image.Point{}, &HostileError{Reason: fmt.Sprintf("%d JPEG scans, over the limit of %d", scans, limits.MaxScans)}
	}
	return image.Pt(width, height), nil
}

// onCanvas puts a GIF's first frame where it belongs on the picture, which may be larger.
func onCanvas(img image.Image, size image.Point) image.Image {
	canvas := image.Rectangle{Max: size}
	if img.Bounds() == canvas {
		return img
	}
	whole := image.NewRGBA(canvas)
	draw.Draw(whole, img.Bounds(), img, img.Bounds().Min, draw.Src)
	return whole
}

// smallPixels is the size up to which PNG's sharp edges are worth more than JPEG's fewer bytes.
const smallPixels = 256 * 256

// prefersJPEG is true for photos: every JPEG, and opaque true-colour pictures. A picture with
// transparency, a palette or few pixels is more likely drawn, and is kept without loss.
func prefersJPEG(img image.Image, mediaType string) bool {
	if mediaType == "image/jpeg" {
		return true
	}
	if _, drawn := img.ColorModel().(color.Palette); drawn {
		return false
	}
	opaque, ok := img.(interface{ Opaque() bool })
	size := img.Bounds().Size()
	return ok && opaque.Opaque() && size.X*size.Y > smallPixels
}

// fit scales img down until its longest side is at most side; it never enlarges.
//
// A good filter over all pixels of a photo costs more than decoding it. So fit first halves the
// picture while it is at least twice too large; for that, bilinear sampling is the mean of four
// pixels. The filter does the rest.
func fit(img image.Image, side int) *image.RGBA {
	size := img.Bounds().Size()
	target := fitted(size, side)
	for size.X >= 2*target.X && size.Y >= 2*target.Y {
		size = image.Pt((size.X+1)/2, (size.Y+1)/2)
		img = scaled(img, size, draw.ApproxBiLinear)
	}
	if plain, ok := img.(*image.RGBA); ok && size == target {
		return plain
	}
	if size == target {
		return scaled(img, size, draw.ApproxBiLinear)
	}
	return scaled(img, target, draw.CatmullRom)
}

func scaled(img image.Image, size image.Point, filter draw.Scaler) *image.RGBA {
	smaller := image.NewRGBA(image.Rectangle{Max: size})
	filter.Scale(smaller, smaller.Bounds(), img, img.Bounds(), draw.Src, nil)
	return smaller
}

// fitted is size scaled down to a longest side of at most side, each side at least one pixel.
func fitted(size image.Point, side int) image.Point {
	longest := max(size.X, size.Y)
	if longest <= side {
		return size
	}
	shrink := func(pixels int) int { return max(1, (pixels*side+longest/2)/longest) }
	return image.Pt(shrink(size.X), shrink(size.Y))
}

func encode(img image.Image, photo bool, quality int) (picture *Picture, err error) {
	var content bytes.Buffer
	contentType := "image/png"
	if photo {
		contentType = "image/jpeg"
		err = jpeg.Encode(&content, img, &jpeg.Options{Quality: quality})
	} else {
		err = png.Encode(&content, img)
	}
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	return &Picture{Content: content.Bytes(), ContentType: contentType, WidthPixels: size.X, HeightPixels: size.Y}, nil
}
