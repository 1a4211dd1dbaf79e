package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"strings"
	"testing"

	"golang.org/x/image/tiff"
)

// claimingJPEG is the beginning of a JPEG of any size: its frame header, with the sampling factors
// of its components, and no picture behind it.
func claimingJPEG(marker byte, width, height uint16, adobe bool, factors ...byte) []byte {
	out := []byte{0xFF, 0xD8}
	if adobe {
		out = append(out, "\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00\x00"...)
	}
	out = append(out, 0xFF, marker)
	out = binary.BigEndian.AppendUint16(out, uint16(8+3*len(factors)))
	out = append(out, 8)
	out = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(out, height), width)
	out = append(out, byte(len(factors)))
	for i, factor := range factors {
		out = append(out, byte(i+1), factor, 0)
	}
	return append(out, "\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00"...)
}

// claimingTIFF is a TIFF of 16 bits a colour, deflated in one strip, that says it is larger.
func claimingTIFF(t testing.TB, side, rowsPerStrip uint32) []byte {
	content := encoded(t, func(b *bytes.Buffer) error {
		return tiff.Encode(b, image.NewNRGBA64(image.Rect(0, 0, 64, 64)), &tiff.Options{Compression: tiff.Deflate})
	})
	claims := map[uint16]uint32{256: side, 257: side, 278: rowsPerStrip}
	for entry := content[binary.LittleEndian.Uint32(content[4:])+2:]; len(entry) >= 12; entry = entry[12:] {
		if value, ok := claims[binary.LittleEndian.Uint16(entry)]; ok {
			copy(entry[2:], "\x04\x00\x01\x00\x00\x00") // one long
			binary.LittleEndian.PutUint32(entry[8:], value)
		}
	}
	return content
}

func TestDeriveRefusesWhatWouldTakeTooMuchMemory(t *testing.T) {
	for name, content := range map[string][]byte{
		"a progressive CMYK JPEG":      claimingJPEG(markerProgressive, 7071, 7071, true, 0x11, 0x11, 0x11, 0x11),
		"a progressive JPEG":           claimingJPEG(markerProgressive, 7071, 7071, false, 0x22, 0x11, 0x11),
		"a 16-bit TIFF":                claimingTIFF(t, 7071, 7071),
		"a 16-bit TIFF of many strips": claimingTIFF(t, 7071, 8),
		"a lossless WebP":              claimingWebP("VP8L"),
	} {
		made, err := Derive(content, DefaultLimits())
		var hostile *HostileError
		if !errors.As(err, &hostile) || !strings.Contains(hostile.Reason, "bytes of memory, over the limit of 268435456") || made != (Derivatives{}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheMemoryThatDecodingTakes(t *testing.T) {
	const side, pixels = 1000, 1_000_000
	for name, test := range map[string]struct {
		content []byte
		want    int64 // bytes a pixel
	}{
		"a grey JPEG":             {claimingJPEG(markerBaseline, side, side, false, 0x22), 2},
		"a JPEG of full colour":   {claimingJPEG(markerBaseline, side, side, false, 0x11, 0x11, 0x11), 4},
		"a JPEG, red green blue":  {claimingJPEG(markerBaseline, side, side, true, 0x11, 0x11, 0x11), 8},
		"a progressive JPEG":      {claimingJPEG(markerProgressive, side, side, false, 0x11, 0x11, 0x11), 16},
		"a CMYK JPEG":             {claimingJPEG(markerBaseline, side, side, true, 0x11, 0x11, 0x11, 0x11), 9},
		"a progressive CMYK JPEG": {claimingJPEG(markerProgressive, side, side, true, 0x11, 0x11, 0x11, 0x11), 25},
		"a PNG":                   {claimingPNG(side, side), 5},
		"a 16-bit TIFF":           {claimingTIFF(t, side, side), 33},
	} {
		mediaType := Inspect(test.content).Type
		config, err := formats[mediaType].config(bytes.NewReader(test.content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := decodingBytes(test.content, mediaType, config); got != test.want*pixels {
			t.Errorf("%s: %d bytes for %d pixels, want %d a pixel", name, got, pixels, test.want)
		}
	}
}

func TestAPhotoOf48MillionPixelsIsWithinTheLimits(t *testing.T) {
	content := claimingJPEG(markerBaseline, 8064, 6048, false, 0x22, 0x11, 0x11)
	if _, err := measure(content, "image/jpeg", formats["image/jpeg"], DefaultLimits()); err != nil {
		t.Error(err)
	}
}

// claimingWebP is a WebP header of 7071 x 7071 pixels.
func claimingWebP(kind string) []byte {
	bits := uint32(7070) | 7070<<14
	data := binary.LittleEndian.AppendUint32([]byte{0x2F}, bits)
	data = append(data, make([]byte, 11)...)
	out := "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(12+len(data)))) + "WEBP" + kind
	return append(binary.LittleEndian.AppendUint32([]byte(out), uint32(len(data))), data...)
}
