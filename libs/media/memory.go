package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"math"
)

// decodingBytes is the memory that decoding a picture takes at its peak: the pixels, what the
// decoder holds beside them, and the smaller copy that is made of them. It is measured from the
// header, and rather too much than too little.
func decodingBytes(content []byte, mediaType string, config image.Config) int64 {
	pixels := int64(config.Width) * int64(config.Height)
	perPixel := pixelBytes(config.ColorModel)
	switch mediaType {
	case "image/jpeg":
		perPixel = jpegPixelBytes(content)
	case "image/png", "image/apng":
		const interlaceAt = 28 // in the header, which comes first
		if len(content) > interlaceAt && content[interlaceAt] != 0 {
			perPixel *= 1.5 // the last pass holds half of the pixels
		}
	case "image/gif":
		perPixel += 4 // the canvas
	case "image/webp":
		perPixel = 8 // lossless, or with an alpha channel, which is written so
		if bytes.HasPrefix(content[min(12, len(content)):], []byte("VP8 ")) {
			perPixel = 2
		}
	case "image/tiff":
		// A block is unpacked whole, to at most 8 bytes a pixel, in a buffer that doubles while the
		// old one still exists.
		const blockPixelBytes = 24
		return int64(float64(pixels)*(perPixel+halvedPixelBytes)) + saturated(blockPixelBytes, tiffBlockPixels(content, config))
	}
	return int64(float64(pixels) * (perPixel + halvedPixelBytes))
}

// halvedPixelBytes are those of the copy of half the width and height, of 4 bytes a pixel.
const halvedPixelBytes = 1

func pixelBytes(model color.Model) float64 {
	switch model {
	case color.GrayModel, color.AlphaModel:
		return 1
	case color.Gray16Model, color.Alpha16Model:
		return 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	if _, ok := model.(color.Palette); ok {
		return 1
	}
	return 4
}

// jpegPixelBytes reads the frame header (ITU-T T.81, B.2.2). A component's plane has a byte for
// each of its samples; a progressive picture has its coefficients too, of 4 bytes each. Four
// components are made into CMYK, and those that are red, green and blue into RGBA, beside the
// planes.
func jpegPixelBytes(content []byte) float64 {
	const most = 4*5 + 8
	isRGB := false
	for rest := content[min(2, len(content)):]; len(rest) >= 4 && rest[0] == 0xFF; {
		marker := rest[1]
		if marker == 0xFF { // a fill byte
			rest = rest[1:]
			continue
		}
		length := int(binary.BigEndian.Uint16(rest[2:]))
		if length < 2 || 2+length > len(rest) {
			return most
		}
		data := rest[4 : 2+length]
		switch {
		case marker == markerAPP14 && len(data) >= 12 && bytes.HasPrefix(data, []byte("Adobe")):
			isRGB = data[11] == 0 // no transform
		case marker >= markerBaseline && marker <= markerProgressive:
			return frameBytes(data, marker == markerProgressive, isRGB)
		}
		rest = rest[2+length:]
	}
	return most
}

func frameBytes(frame []byte, progressive, isRGB bool) float64 {
	const headBytes, componentBytes = 6, 3
	if len(frame) < headBytes {
		return 0 // nothing decodes it
	}
	var samples, widest, highest float64
	var ids []byte
	for rest := frame[headBytes:]; len(rest) >= componentBytes; rest = rest[componentBytes:] {
		width, height := float64(rest[1]>>4), float64(rest[1]&15)
		samples += width * height
		widest, highest = max(widest, width), max(highest, height)
		ids = append(ids, rest[0])
	}
	if samples == 0 {
		return 0
	}
	perPixel := samples / (widest * highest)
	if len(ids) == 1 {
		perPixel = 1 // factors mean nothing where there is only one
	}
	if progressive {
		perPixel *= 5
	}
	if len(ids) == 3 && (isRGB || string(ids) == "RGB") || len(ids) == 4 {
		perPixel += 4
	}
	return perPixel
}

// tiffBlockPixels are the pixels of a strip or tile, the unit that is unpacked at once.
func tiffBlockPixels(content []byte, config image.Config) int64 {
	const tagRowsPerStrip, tagTileWidth, tagTileLength = 278, 322, 323
	if width := tiffTag(content, tagTileWidth); width > 0 {
		return saturated(int64(width), int64(tiffTag(content, tagTileLength)))
	}
	rows := int64(tiffTag(content, tagRowsPerStrip))
	if rows == 0 || rows > int64(config.Height) {
		rows = int64(config.Height)
	}
	return rows * int64(config.Width)
}

// saturated multiplies without overflow.
func saturated(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64/4/b {
		return math.MaxInt64 / 4
	}
	return a * b
}
