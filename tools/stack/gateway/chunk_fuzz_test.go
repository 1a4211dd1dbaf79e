package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"testing"
)

// Whatever the chunks, the reader ends, gives no more than the body had, and reads its own framing
// back.
func FuzzChunkReader(f *testing.F) {
	f.Add([]byte("4;chunk-signature=ab\r\nbody\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"))
	f.Add([]byte("ffffffffffffffff\r\n"))
	f.Add([]byte("-1\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		content, err := io.ReadAll(&chunkReader{r: bufio.NewReader(bytes.NewReader(body))})
		if len(content) > len(body) {
			t.Fatalf("%d bytes came out of %d", len(content), len(body))
		}
		if err != nil {
			return
		}
		framed := fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", len(content), content)
		if len(content) == 0 {
			framed = []byte("0\r\n\r\n")
		}
		again, err := io.ReadAll(&chunkReader{r: bufio.NewReader(bytes.NewReader(framed))})
		if err != nil || !bytes.Equal(again, content) {
			t.Fatalf("%q came back as %q, %v", content, again, err)
		}
	})
}
