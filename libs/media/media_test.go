package media

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"
)

func TestInspectTrustsOnlyTheContent(t *testing.T) {
	tests := map[string]struct {
		content []byte
		want    Info
	}{
		"nothing": {nil, Info{"text/plain", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
		"text":    {[]byte("abc"), Info{"text/plain; charset=utf-8", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}},
		"a picture's first bytes": {[]byte("\x89PNG\r\n\x1a\n"),
			Info{"image/png", 8, "4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Inspect(test.content); got != test.want {
				t.Errorf("Inspect = %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestDeriveMakesSmallerPicturesAndNeverLargerOnes(t *testing.T) {
	white, black := color.Gray{Y: 255}, color.Gray{}
	seeThrough := quarters(1600, 800)
	draw.Draw(seeThrough, image.Rect(0, 0, 800, 400), image.Transparent, image.Point{}, draw.Src)
	tests := map[string]struct {
		content        []byte
		contentType    string
		web, thumbnail image.Point
	}{
		"a photo":                   {asJPEG(t, photo(2725, 2225)), "image/jpeg", image.Pt(1200, 980), image.Pt(400, 327)},
		"a tall photo":              {asJPEG(t, photo(700, 2100)), "image/jpeg", image.Pt(400, 1200), image.Pt(133, 400)},
		"a grey photo":              {asJPEG(t, image.NewGray(image.Rect(0, 0, 1500, 1000))), "image/jpeg", image.Pt(1200, 800), image.Pt(400, 267)},
		"a photo already small":     {asJPEG(t, photo(300, 200)), "image/jpeg", image.Pt(300, 200), image.Pt(300, 200)},
		"a photo exactly as large":  {asJPEG(t, photo(1200, 900)), "image/jpeg", image.Pt(1200, 900), image.Pt(400, 300)},
		"a hair":                    {asPNG(t, quarters(5000, 2)), "image/png", image.Pt(1200, 1), image.Pt(400, 1)},
		"a large opaque PNG":        {asPNG(t, photo(1300, 650)), "image/jpeg", image.Pt(1200, 600), image.Pt(400, 200)},
		"a small opaque PNG":        {asPNG(t, quarters(32, 32)), "image/png", image.Pt(32, 32), image.Pt(32, 32)},
		"a PNG with transparency":   {asPNG(t, seeThrough), "image/png", image.Pt(1200, 600), image.Pt(400, 200)},
		"a PNG with a palette":      {asPNG(t, paletted(quarters(1600, 800), red, green, blue, yellow)), "image/png", image.Pt(1200, 600), image.Pt(400, 200)},
		"a PNG of 16 bits a colour": {asPNG(t, image.NewNRGBA64(image.Rect(0, 0, 1300, 650))), "image/png", image.Pt(1200, 600), image.Pt(400, 200)},
		"a GIF":                     {asGIF(t, image.Pt(800, 400), paletted(quarters(800, 400), white, black)), "image/png", image.Pt(800, 400), image.Pt(400, 200)},
		"a bitmap":                  {asBMP(t, photo(1300, 650)), "image/jpeg", image.Pt(1200, 600), image.Pt(400, 200)},
		"a TIFF":                    {asTIFF(t, photo(1300, 650)), "image/jpeg", image.Pt(1200, 600), image.Pt(400, 200)},
		"a WebP":                    {tinyWebP(t), "image/png", image.Pt(1, 1), image.Pt(1, 1)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			made := mustDerive(t, test.content)
			for which, want := range map[string]struct {
				picture *Picture
				size    image.Point
			}{"web": {made.Web, test.web}, "thumbnail": {made.Thumbnail, test.thumbnail}} {
				said := image.Pt(want.picture.WidthPixels, want.picture.HeightPixels)
				if got := decoded(t, want.picture).Bounds().Size(); got != want.size || said != want.size {
					t.Errorf("%s is %v and says %v, want %v", which, got, said, want.size)
				}
				if got := Inspect(want.picture.Content).Type; got != test.contentType || want.picture.ContentType != test.contentType {
					t.Errorf("%s is %s and says %s, want %s", which, got, want.picture.ContentType, test.contentType)
				}
			}
		})
	}
}

func TestDeriveTurnsPicturesUpright(t *testing.T) {
	// The corners of the stored picture are red, green / blue, yellow (quarters).
	upright := map[int][4]color.NRGBA{ // top left, top right, bottom left, bottom right
		0: {red, green, blue, yellow}, // no such orientation
		1: {red, green, blue, yellow},
		2: {green, red, yellow, blue},
		3: {yellow, blue, green, red},
		4: {blue, yellow, red, green},
		5: {red, blue, green, yellow},
		6: {blue, red, yellow, green},
		7: {yellow, green, blue, red},
		8: {green, yellow, red, blue},
		9: {red, green, blue, yellow}, // no such orientation
	}
	for orientation, corners := range upright {
		size := image.Pt(160, 80)
		if orientation >= 5 && orientation <= 8 {
			size = image.Pt(80, 160)
		}
		littleEndian := exifBlock(binary.LittleEndian, orientation)
		stored := asJPEG(t, quarters(160, 80))
		for name, content := range map[string][]byte{
			"JPEG":                withEXIF(stored, orientation),
			"JPEG with XMP first": withSegment(withEXIF(stored, orientation), "http://ns.adobe.com/xap/1.0/\x00<x/>"),
			"PNG":                 withChunk(asPNG(t, quarters(160, 80)), "eXIf", littleEndian),
		} {
			made := mustDerive(t, content)
			for _, picture := range []*Picture{made.Web, made.Thumbnail} {
				img := decoded(t, picture)
				if img.Bounds().Size() != size {
					t.Errorf("%s, orientation %d: size %v, want %v", name, orientation, img.Bounds().Size(), size)
				}
				for i, want := range corners {
					at := image.Pt(10+(i%2)*(size.X-20), 10+(i/2)*(size.Y-20))
					if got := img.At(at.X, at.Y); !near(got, want) {
						t.Errorf("%s, orientation %d: corner %d is %v, want %v", name, orientation, i, got, want)
					}
				}
			}
		}
	}
}

func TestOrientationIsFoundWhereEachFormatKeepsIt(t *testing.T) {
	block := exifBlock(binary.LittleEndian, 6)
	riff := func(chunks ...string) []byte { return []byte("RIFF\x00\x00\x00\x00WEBP" + strings.Join(chunks, "")) }
	exif := "EXIF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(block)))) + string(block)
	tests := map[string]struct {
		content   []byte
		mediaType string
		want      int
	}{
		"TIFF":                        {block, "image/tiff", 6},
		"TIFF, big-endian":            {exifBlock(binary.BigEndian, 8), "image/tiff", 8},
		"WebP":                        {riff("VP8X\x03\x00\x00\x00abc\x00", exif), "image/webp", 6},
		"WebP without":                {riff("VP8X\x02\x00\x00\x00ab"), "image/webp", upright},
		"WebP cut in the chunk":       {riff(exif[:20]), "image/webp", upright},
		"JPEG with fill bytes":        {[]byte("\xFF\xD8\xFF\xFF\xE1\x00\x36Exif\x00\x00" + string(exifBlock(binary.BigEndian, 3))), "image/jpeg", 3},
		"JPEG, EXIF behind the scan":  {[]byte("\xFF\xD8\xFF\xDA\x00\x02\xFF\xE1\x00\x36Exif\x00\x00" + string(block)), "image/jpeg", upright},
		"a directory beyond the file": {[]byte("II*\x00\xFF\xFF\xFF\xFF\x01\x00"), "image/tiff", upright},
		"a directory cut short":       {block[:20], "image/tiff", upright},
		"no TIFF at all":              {[]byte("XX*\x00\x08\x00\x00\x00\x01\x00"), "image/tiff", upright},
		"nothing":                     {nil, "image/jpeg", upright},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := orientation(test.content, test.mediaType); got != test.want {
				t.Errorf("orientation = %d, want %d", got, test.want)
			}
		})
	}
}

func TestDeriveStripsMetadata(t *testing.T) {
	const secret = "taken at my home"
	for name, content := range map[string][]byte{
		"JPEG, turned":     withEXIF(asJPEG(t, quarters(160, 80)), 6),
		"JPEG, as it came": withEXIF(asJPEG(t, quarters(160, 80)), 1),
		"PNG":              withChunk(asPNG(t, quarters(160, 80)), "tEXt", []byte("Comment\x00"+secret)),
	} {
		if !bytes.Contains(content, []byte(secret)) {
			t.Fatalf("%s: the fixture has nothing to strip", name)
		}
		made := mustDerive(t, content)
		for which, picture := range map[string]*Picture{"web": made.Web, "thumbnail": made.Thumbnail} {
			if bytes.Contains(picture.Content, []byte(secret)) || bytes.Contains(picture.Content, []byte("Exif")) {
				t.Errorf("%s: the %s version still has metadata", name, which)
			}
		}
	}
}

func TestDeriveKeepsTransparency(t *testing.T) {
	img := quarters(1600, 800)
	draw.Draw(img, image.Rect(0, 0, 800, 400), image.Transparent, image.Point{}, draw.Src)
	made := mustDerive(t, asPNG(t, img))
	for _, picture := range []*Picture{made.Web, made.Thumbnail} {
		got := decoded(t, picture)
		if !near(got.At(10, 10), none) || !near(got.At(picture.WidthPixels-10, 10), green) {
			t.Errorf("corners are %v and %v, want transparent and green", got.At(10, 10), got.At(picture.WidthPixels-10, 10))
		}
	}
}

func TestDeriveShowsAnAnimationsFirstFrame(t *testing.T) {
	solid := func(bounds image.Rectangle, c color.Color) *image.Paletted {
		return image.NewPaletted(bounds, color.Palette{c})
	}
	t.Run("the frame fills the picture", func(t *testing.T) {
		all := image.Rect(0, 0, 60, 40)
		made := mustDerive(t, asGIF(t, all.Max, solid(all, red), solid(all, green), solid(all, blue)))
		if got := decoded(t, made.Web).At(30, 20); !near(got, red) {
			t.Errorf("the middle is %v, want red", got)
		}
	})
	t.Run("the frame is a part of the picture", func(t *testing.T) {
		made := mustDerive(t, asGIF(t, image.Pt(60, 40), solid(image.Rect(30, 20, 60, 40), red)))
		img := decoded(t, made.Web)
		if img.Bounds().Size() != image.Pt(60, 40) || !near(img.At(10, 10), none) || !near(img.At(50, 30), red) {
			t.Errorf("size %v, %v and %v, want 60x40, transparent and red", img.Bounds().Size(), img.At(10, 10), img.At(50, 30))
		}
	})
}

func TestDeriveRefusesWhatWouldCostTooMuch(t *testing.T) {
	manyScans := asJPEG(t, quarters(16, 16))
	manyScans = append(manyScans, bytes.Repeat([]byte("\xFF\xDA\x00\x08"), 101)...)
	tight := DefaultLimits()
	tight.MaxBytes = 100
	tests := map[string]struct {
		content []byte
		limits  Limits
		reason  string
	}{
		"a bomb":           {claimingPNG(60_000, 60_000), DefaultLimits(), "60000 x 60000 pixels, over the limit of 16000 a side"},
		"a side":           {claimingPNG(16_001, 1), DefaultLimits(), "16001 x 1 pixels, over the limit of 16000 a side"},
		"the area":         {claimingPNG(10_000, 5_001), DefaultLimits(), "10000 x 5001 pixels, over the limit of 50000000 in all"},
		"the file":         {asPNG(t, photo(64, 64)), tight, "over the limit of 100"},
		"the JPEG's scans": {manyScans, DefaultLimits(), "102 JPEG scans, over the limit of 100"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			made, err := Derive(test.content, test.limits)
			var hostile *HostileError
			if !errors.As(err, &hostile) || !strings.Contains(hostile.Reason, test.reason) {
				t.Errorf("error %v, want a HostileError with %q", err, test.reason)
			}
			if made != (Derivatives{}) {
				t.Errorf("made %+v, want nothing", made)
			}
		})
	}
}

func TestDeriveSaysWhatIsBroken(t *testing.T) {
	jpegContent, pngContent := asJPEG(t, photo(640, 480)), asPNG(t, photo(640, 480))
	tests := map[string]struct {
		content []byte
		reason  string
	}{
		"a truncated JPEG":             {jpegContent[:len(jpegContent)/2], "as image/jpeg: invalid JPEG format"},
		"a JPEG cut in its header":     {jpegContent[:30], "unexpected EOF"},
		"a truncated PNG":              {pngContent[:len(pngContent)/2], "not enough pixel data"},
		"a PNG with a damaged byte":    {slices.Concat(pngContent[:100], []byte{^pngContent[100]}, pngContent[101:]), "corrupt input"},
		"a PNG of no size":             {claimingPNG(0, 10), "non-positive dimension"},
		"a colour outside its palette": {tiffOutsideItsPalette(t), "invalid color index"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			made, err := Derive(test.content, DefaultLimits())
			var broken *BrokenError
			if !errors.As(err, &broken) || !strings.Contains(broken.Error(), test.reason) {
				t.Errorf("error %v, want a BrokenError with %q", err, test.reason)
			}
			if made != (Derivatives{}) {
				t.Errorf("made %+v, want nothing", made)
			}
		})
	}
}

func TestDeriveOutlivesADecodersPanic(t *testing.T) {
	panics := format{
		config: func(io.Reader) (image.Config, error) { return image.Config{Width: 1, Height: 1}, nil },
		decode: func(io.Reader) (image.Image, error) { panic("index out of range") },
	}
	outside := panics // of its palette: the panic comes when the picture is read, after decoding
	outside.decode = func(io.Reader) (image.Image, error) {
		return &image.Paletted{Pix: []byte{7}, Stride: 1, Rect: image.Rect(0, 0, 1, 1), Palette: color.Palette{red}}, nil
	}
	for name, form := range map[string]format{"while decoding": panics, "while reading the picture": outside} {
		t.Run(name, func(t *testing.T) {
			made, err := derive(nil, "image/png", form, DefaultLimits())
			var broken *BrokenError
			if !errors.As(err, &broken) || !strings.Contains(err.Error(), "the decoder panicked: ") || made != (Derivatives{}) {
				t.Errorf("made %+v, error %v, want a BrokenError that tells of the panic", made, err)
			}
		})
	}
}

func TestDerivePassesOtherFilesThrough(t *testing.T) {
	for name, content := range map[string]string{
		"text":    "Dear Scott,",
		"SVG":     `<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>`,
		"HEIC":    "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
		"PDF":     "%PDF-1.7\n",
		"nothing": "",
	} {
		made, err := Derive([]byte(content), DefaultLimits())
		if err != nil || made != (Derivatives{}) {
			t.Errorf("%s: made %+v, error %v, want neither", name, made, err)
		}
		if mediaType := Inspect([]byte(content)).Type; Derivable(mediaType) {
			t.Errorf("%s: %s is called derivable", name, mediaType)
		}
	}
}

func TestDeriveGivesTheSameBytesAgain(t *testing.T) {
	content := withEXIF(asJPEG(t, photo(1500, 1000)), 6)
	first, second := mustDerive(t, content), mustDerive(t, content)
	if !bytes.Equal(first.Web.Content, second.Web.Content) || !bytes.Equal(first.Thumbnail.Content, second.Thumbnail.Content) {
		t.Error("the same file gave other bytes the second time")
	}
}

func FuzzDerive(f *testing.F) {
	for _, content := range [][]byte{
		withEXIF(asJPEG(f, quarters(24, 16)), 6), asPNG(f, quarters(16, 16)), asBMP(f, quarters(16, 16)), asTIFF(f, quarters(16, 16)),
		asGIF(f, image.Pt(16, 16), paletted(quarters(8, 8), red, blue)), tinyWebP(f), tiffOutsideItsPalette(f), claimingPNG(60_000, 60_000),
		withChunk(asPNG(f, quarters(16, 16)), "eXIf", exifBlock(binary.LittleEndian, 5)), []byte("<svg/>"),
	} {
		f.Add(content)
	}
	limits := DefaultLimits()
	limits.MaxPixels, limits.WebSidePixels, limits.ThumbnailSidePixels = 1<<16, 64, 16
	f.Fuzz(func(t *testing.T, content []byte) {
		made, err := Derive(content, limits)
		var hostile *HostileError
		var broken *BrokenError
		switch {
		case err != nil && !errors.As(err, &hostile) && !errors.As(err, &broken):
			t.Fatalf("error %v of type %T", err, err)
		case (made.Web == nil) != (made.Thumbnail == nil):
			t.Fatalf("made one picture of two: %+v", made)
		case err != nil && made.Web != nil:
			t.Fatalf("made a picture and failed: %v", err)
		case made.Web != nil && max(made.Web.WidthPixels, made.Web.HeightPixels) > limits.WebSidePixels:
			t.Fatalf("web version of %d x %d", made.Web.WidthPixels, made.Web.HeightPixels)
		case made.Web != nil && decoded(t, made.Thumbnail).Bounds().Empty():
			t.Fatal("an empty thumbnail")
		}
	})
}

func BenchmarkDerivePhoto(b *testing.B) {
	content := asJPEG(b, photo(2725, 2225))
	for b.Loop() {
		if _, err := Derive(content, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}

func mustDerive(t testing.TB, content []byte) Derivatives {
	t.Helper()
	made, err := Derive(content, DefaultLimits())
	if err != nil {
		t.Fatalf("Derive: %v", err)
	}
	if made.Web == nil || made.Thumbnail == nil {
		t.Fatalf("Derive made %+v, want two pictures", made)
	}
	return made
}

func decoded(t testing.TB, picture *Picture) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(picture.Content))
	if err != nil {
		t.Fatalf("decode a %s of ours: %v", picture.ContentType, err)
	}
	return img
}

// near forgives what JPEG does to a colour.
func near(got color.Color, want color.NRGBA) bool {
	g := color.NRGBAModel.Convert(got).(color.NRGBA)
	if want.A == 0 {
		return g.A == 0
	}
	close := func(a, b uint8) bool { return max(a, b)-min(a, b) < 40 }
	return close(g.R, want.R) && close(g.G, want.G) && close(g.B, want.B) && close(g.A, want.A)
}

// tinyWebP is a lossless WebP of one pixel.
func tinyWebP(t testing.TB) []byte {
	content, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	return content
}
