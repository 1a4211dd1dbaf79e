package gateway

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// decodeBody replaces a request's body by its content. It removes the framing of aws-chunked
// (Amazon S3 API Reference, "Signature calculations: transferring payload in multiple chunks") and
// checks the content against each checksum, which is a header or, behind the body, a trailer. It
// does not verify the signatures of chunks.
func decodeBody(r *http.Request) *s3Error {
	size, err := bodySize(r)
	if err != nil {
		return err
	}
	body := &checkedReader{body: r.Body}
	for name, values := range r.Header {
		body.expect(name, func() string { return values[0] })
	}
	if isChunked(r) {
		chunks := &chunkReader{r: bufio.NewReader(r.Body)}
		body.body = chunks
		trailer := r.Header.Get("X-Amz-Trailer")
		body.expect(trailer, func() string { return chunks.trailer.Get(trailer) })
		removeChunkedEncoding(r.Header)
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	r.ContentLength = size
	if size >= 0 {
		r.Header.Set("Content-Length", strconv.FormatInt(size, 10)) // gofakes3 reads the header
	}
	return nil
}

// bodySize is how many bytes of content the request announces, or -1 if it does not say.
func bodySize(r *http.Request) (int64, *s3Error) {
	size := r.ContentLength
	if isChunked(r) {
		var err error
		if size, err = strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err != nil || size < 0 {
			return 0, newS3Error(gofakes3.ErrMissingContentLength, "MissingContentLength", "You must provide the x-amz-decoded-content-length HTTP header.")
		}
	}
	if size > maxObjectBytes {
		return 0, newS3Error(gofakes3.ErrMetadataTooLarge, "EntityTooLarge",
			fmt.Sprintf("Your proposed upload exceeds the maximum allowed size: the local stack takes %d bytes", maxObjectBytes))
	}
	return size, nil
}

func isChunked(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") ||
		strings.Contains(r.Header.Get("Content-Encoding"), awsChunked)
}

const awsChunked = "aws-chunked"

// removeChunkedEncoding leaves the encodings that belong to the object itself.
func removeChunkedEncoding(h http.Header) {
	var kept []string
	for encoding := range strings.SplitSeq(h.Get("Content-Encoding"), ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && encoding != awsChunked {
			kept = append(kept, encoding)
		}
	}
	h.Del("Content-Encoding")
	if len(kept) > 0 {
		h.Set("Content-Encoding", strings.Join(kept, ","))
	}
}

// Headers that carry a checksum begin with checksumPrefix. So do Mode, Algorithm and Type, which
// only describe one.
const (
	checksumPrefix = "X-Amz-Checksum-"
	checksumCRC32  = checksumPrefix + "Crc32"
	checksumType   = checksumPrefix + "Type"
)

// checksum returns the hash behind a header like X-Amz-Checksum-Crc32, or nil (Amazon S3 User
// Guide, "Checking object integrity").
func checksum(header string) hash.Hash {
	switch http.CanonicalHeaderKey(header) {
	case checksumCRC32:
		return crc32.NewIEEE()
	case checksumPrefix + "Crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case checksumPrefix + "Crc64nvme":
		return crc64.New(crc64.MakeTable(nvmePolynomial))
	case checksumPrefix + "Sha1":
		return sha1.New()
	case checksumPrefix + "Sha256":
		return sha256.New()
	}
	return nil
}

// nvmePolynomial is the CRC-64 of the NVM Express specification in the reversed form that
// hash/crc64 takes.
const nvmePolynomial = 0x9a6c9329ac4bc9b5

func encodeChecksum(h hash.Hash, content []byte) string {
	h.Write(content)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// checkedReader bounds a body and, at its end, compares its checksums.
type checkedReader struct {
	body      io.Reader
	sums      []expectedSum
	readBytes int64
}

type expectedSum struct {
	hash.Hash
	name string
	want func() string // called at the end of the body, when trailers are known
}

// expect adds a checksum if the header carries one.
func (c *checkedReader) expect(header string, want func() string) {
	if sum := checksum(header); sum != nil {
		c.sums = append(c.sums, expectedSum{sum, strings.ToUpper(header[len(checksumPrefix):]), want})
	}
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	if c.readBytes += int64(n); c.readBytes > maxObjectBytes {
		return n, newS3Error(gofakes3.ErrMetadataTooLarge, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	for _, sum := range c.sums {
		sum.Write(p[:n])
	}
	if errors.Is(err, io.EOF) {
		if mismatch := c.verify(); mismatch != nil {
			return n, mismatch
		}
	}
	return n, err
}

func (c *checkedReader) verify() error {
	for _, sum := range c.sums {
		if base64.StdEncoding.EncodeToString(sum.Sum(nil)) != sum.want() {
			return newS3Error(gofakes3.ErrBadDigest, "BadDigest",
				"The "+sum.name+" you specified did not match the calculated checksum.")
		}
	}
	return nil
}

// chunkReader reads aws-chunked: each chunk is "SIZE-IN-HEX[;chunk-signature=…]\r\n" and its
// content with "\r\n"; the last has size 0, and trailers may follow it.
type chunkReader struct {
	r         *bufio.Reader
	remaining int64
	started   bool
	ended     bool
	trailer   textproto.MIMEHeader
}

func (c *chunkReader) Read(p []byte) (int, error) {
	if c.ended {
		return 0, io.EOF
	}
	if c.remaining == 0 {
		if err := c.nextChunk(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.remaining)])
	c.remaining -= int64(n)
	if errors.Is(err, io.EOF) {
		err = incompleteBody("it ends within a chunk")
	}
	return n, err
}

// nextChunk reads a chunk's header. After the last chunk it reads the trailers and returns io.EOF.
func (c *chunkReader) nextChunk() error {
	if c.started {
		if err := c.expectLineEnd(); err != nil {
			return err
		}
	}
	c.started = true
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return incompleteBody("a chunk has no size")
	}
	size, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(";"))
	if c.remaining, err = strconv.ParseInt(string(size), 16, 64); err != nil || c.remaining < 0 {
		return incompleteBody(fmt.Sprintf("%q is not the size of a chunk", size))
	}
	if c.remaining > 0 {
		return nil
	}
	c.ended = true
	c.trailer, err = textproto.NewReader(c.r).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return incompleteBody("bad trailer: " + err.Error())
	}
	return io.EOF
}

func (c *chunkReader) expectLineEnd() error {
	var end [2]byte
	if _, err := io.ReadFull(c.r, end[:]); err != nil || end != [2]byte{'\r', '\n'} {
		return incompleteBody("a chunk is longer than its size")
	}
	return nil
}

func incompleteBody(why string) error {
	return newS3Error(gofakes3.ErrIncompleteBody, "IncompleteBody", "The aws-chunked body is broken: "+why)
}
