// Package media looks at the files that strangers send and derives pictures that are safe to show:
// a version for the web and a thumbnail. It is pure: bytes in, bytes out, no clock, no files.
//
// It promises that a picture is measured before it is decoded (Limits), that a derived picture
// stands upright and carries nothing but its pixels (no EXIF, no place, no embedded preview), and
// that no content makes it panic. It does not look for malware, unpack archives, rasterise SVG (a
// program, which may fetch) or keep colour profiles: a wide-gamut photo comes out a little paler.
package media

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/gabriel-vasile/mimetype"
)

// Info is what the bytes of a file say about it, whatever its sender says.
type Info struct {
	Type      string // media type by content, with charset for text; application/octet-stream if unknown
	SizeBytes int64
	SHA256    string // lower-case hex of the whole content
}

// Inspect reads type, size and hash of content.
func Inspect(content []byte) Info {
	sum := sha256.Sum256(content)
	return Info{
		Type:      mimetype.Detect(content).String(),
		SizeBytes: int64(len(content)),
		SHA256:    hex.EncodeToString(sum[:]),
	}
}

// Limits bound what a picture may cost, and say how large its derivatives are.
type Limits struct {
	MaxBytes            int64 // of the file
	MaxPixels           int64
	MaxDecodedBytes     int64 // of memory that decoding takes: 1 to 28 bytes a pixel, by the kind of picture
	MaxSidePixels       int
	MaxScans            int // of a JPEG: each may cost a pass over all pixels for a few bytes
	WebSidePixels       int // longest side of the web version
	ThumbnailSidePixels int // longest side of the thumbnail
	JPEGQuality         int // 1 to 100
}

// DefaultLimits are for a process with 512 MB of memory, of which the file itself may take 40 MB. A
// camera's photo of 48 million pixels is within them. The largest mail that SES stores is 40 MB
// (Amazon SES Developer Guide, quotas for email receiving). An encoder writes a progressive JPEG in
// about ten scans.
func DefaultLimits() Limits {
	return Limits{
		MaxBytes:            40 << 20,
		MaxPixels:           50_000_000,
		MaxDecodedBytes:     256 << 20,
		MaxSidePixels:       16_000,
		MaxScans:            100,
		WebSidePixels:       1200,
		ThumbnailSidePixels: 400,
		JPEGQuality:         80,
	}
}

// HostileError says that a picture was not decoded, because that would cost more than the limits
// allow.
type HostileError struct{ Reason string }

func (e *HostileError) Error() string { return "picture refused: " + e.Reason }

// BrokenError says that a picture cannot be decoded: it is truncated, damaged, or of a kind that
// the decoder for its type lacks.
type BrokenError struct {
	Type string // the picture's media type
	Err  error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("picture cannot be decoded as %s: %v", e.Type, e.Err)
}

func (e *BrokenError) Unwrap() error { return e.Err }
