package media

import (
	"bytes"
	"encoding/binary"
	"image"
)

// JPEG markers (ITU-T T.81, table B.1).
const (
	markerBaseline    = 0xC0
	markerProgressive = 0xC2
	markerStartOfScan = 0xDA
	markerAPP1        = 0xE1
	markerAPP14       = 0xEE
)

// upright is EXIF's orientation 1: row 0 is the top, column 0 the left.
const upright = 1

// orientation is the EXIF orientation (1 to 8) of a picture, or upright if it has none that can be
// read.
func orientation(content []byte, mediaType string) int {
	switch mediaType {
	case "image/jpeg":
		return exifOrientation(jpegEXIF(content))
	case "image/png", "image/apng":
		return exifOrientation(chunk(content, 8, pngChunk, "eXIf"))
	case "image/webp":
		return exifOrientation(bytes.TrimPrefix(chunk(content, 12, webpChunk, "EXIF"), exifPrefix))
	case "image/tiff":
		return exifOrientation(content)
	}
	return upright
}

// orient turns img so that it stands upright (EXIF 2.3, 4.6.4, tag 274).
func orient(img *image.RGBA, orientation int) *image.RGBA {
	if orientation == upright {
		return img
	}
	size := img.Bounds().Size()
	swapped := orientation >= 5 // the stored rows are columns
	if swapped {
		size = image.Pt(size.Y, size.X)
	}
	turned := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			from := image.Pt(x, y)
			switch orientation {
			case 2, 3, 6, 7:
				from.X = size.X - 1 - x
			}
			switch orientation {
			case 3, 4, 7, 8:
				from.Y = size.Y - 1 - y
			}
			if swapped {
				from.X, from.Y = from.Y, from.X
			}
			turned.SetRGBA(x, y, img.RGBAAt(from.X, from.Y))
		}
	}
	return turned
}

var exifPrefix = []byte("Exif\x00\x00")

// jpegEXIF is the TIFF block in a JPEG's EXIF segment, or nil.
func jpegEXIF(content []byte) []byte {
	for rest := content[min(2, len(content)):]; len(rest) >= 4 && rest[0] == 0xFF; {
		marker := rest[1]
		if marker == 0xFF { // a fill byte
			rest = rest[1:]
			continue
		}
		length := int(binary.BigEndian.Uint16(rest[2:])) // counts itself, not the marker
		if marker == markerStartOfScan || length < 2 || 2+length > len(rest) {
			return nil
		}
		if data := rest[4 : 2+length]; marker == markerAPP1 && bytes.HasPrefix(data, exifPrefix) {
			return data[len(exifPrefix):]
		}
		rest = rest[2+length:]
	}
	return nil
}

// chunkHeaderBytes is the size of a chunk's header, in PNG and in RIFF: a name and a size.
const chunkHeaderBytes = 8

// A chunkHeader reads a chunk's name, the size of its data, and how many bytes follow the data.
type chunkHeader func(header []byte) (name string, size, trailer uint64)

func pngChunk(header []byte) (name string, size, trailer uint64) {
	const checksumBytes = 4
	return string(header[4:8]), uint64(binary.BigEndian.Uint32(header)), checksumBytes
}

func webpChunk(header []byte) (name string, size, trailer uint64) {
	size = uint64(binary.LittleEndian.Uint32(header[4:]))
	return string(header[:4]), size, size % 2 // padded to even
}

// chunk is the data of the first chunk named name after the file's header, or nil.
func chunk(content []byte, fileHeaderBytes int, read chunkHeader, name string) []byte {
	rest := content[min(fileHeaderBytes, len(content)):]
	for len(rest) >= chunkHeaderBytes {
		found, size, trailer := read(rest[:chunkHeaderBytes])
		rest = rest[chunkHeaderBytes:]
		if size > uint64(len(rest)) {
			return nil
		}
		if found == name {
			return rest[:size]
		}
		rest = rest[min(size+trailer, uint64(len(rest))):]
	}
	return nil
}

// exifOrientation reads tag 274 of a TIFF block's first directory.
func exifOrientation(block []byte) int {
	const tagOrientation = 274
	if value := tiffTag(block, tagOrientation); value >= 1 && value <= 8 {
		return int(value)
	}
	return upright
}

// tiffTag is the value of a tag of one number in a TIFF block's first directory (TIFF 6.0, section
// 2), or 0.
func tiffTag(block []byte, tag uint16) uint32 {
	if len(block) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(block[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	const typeShort, typeLong, entryBytes = 3, 4, 12
	offset := uint64(order.Uint32(block[4:]))
	if offset+2 > uint64(len(block)) {
		return 0
	}
	entries := block[offset+2:]
	for range order.Uint16(block[offset:]) {
		if len(entries) < entryBytes {
			return 0
		}
		if order.Uint16(entries) == tag {
			switch order.Uint16(entries[2:]) {
			case typeShort:
				return uint32(order.Uint16(entries[8:]))
			case typeLong:
				return order.Uint32(entries[8:])
			}
			return 0
		}
		entries = entries[entryBytes:]
	}
	return 0
}
