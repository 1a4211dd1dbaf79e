package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/webordinary/hephaestus/libs/job"
)

func FuzzParse(f *testing.F) {
	fixtures, err := filepath.Glob(filepath.Join("testdata", "*.eml"))
	if err != nil || len(fixtures) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, fixture := range fixtures {
		raw, err := os.ReadFile(fixture)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(nested(20, false)))
	f.Add([]byte(siblings(1200)))
	limits := DefaultLimits()
	limits.WallClock = 0
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Parse(raw, limits)
		var limit *LimitError
		var unreadable *UnreadableError
		if errors.As(err, &unreadable) && len(raw) > 100 && m.Subject != "" {
			t.Fatalf("a decoder failed: %v", err)
		}
		if err != nil && !errors.As(err, &limit) && unreadable == nil {
			t.Fatalf("an untyped error: %v", err)
		}
		checkMessage(t, m, limits)
		if again, _ := Parse(raw, limits); !reflect.DeepEqual(m, again) {
			t.Fatal("the same bytes give another message")
		}
		if evidence := ThreadEvidence(m); evidence[len(evidence)-1].Kind != EvidenceRoot {
			t.Fatalf("evidence without a root: %v", evidence)
		}
	})
}

// FuzzQuotedPrintable checks that what an encoder wrote is read as it was, and that nothing makes
// the decoder fail.
func FuzzQuotedPrintable(f *testing.F) {
	for _, body := range []string{"caf=C3=A9 =\r\nau lait\n", "a=\n", "a \r\nb", "=", "=4", "=c3=\t\n", "a=\r\n\r\nb\r\n", "\rb", "=0D=0A", "x=3D=\n=3D"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if decoded, _ := decodeQuotedPrintable(content); len(decoded) > len(content) {
			t.Fatalf("%q: grows to %q", content, decoded)
		}
		var encoded bytes.Buffer
		w := quotedprintable.NewWriter(&encoded)
		w.Binary = true
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if decoded, notes := decodeQuotedPrintable(encoded.Bytes()); !bytes.Equal(decoded, content) || notes != nil {
			t.Fatalf("%q: %q, notes %q", encoded.Bytes(), decoded, notes)
		}
	})
}

// FuzzBase64 checks the same of base64, whose lines end anywhere and whose padding may be missing.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("plants"), 5, true)
	f.Add([]byte{0, 1, 2, 3, 4}, 1, false)
	f.Fuzz(func(t *testing.T, content []byte, lineLength int, padded bool) {
		decodeBase64(content)
		encoding := base64.RawStdEncoding
		if padded {
			encoding = base64.StdEncoding
		}
		encoded := encoding.EncodeToString(content)
		if lineLength > 0 && lineLength < len(encoded) {
			encoded = encoded[:lineLength] + "\r\n" + encoded[lineLength:]
		}
		if decoded, notes := decodeBase64([]byte(encoded)); !bytes.Equal(decoded, content) || notes != nil {
			t.Fatalf("%q: %q, notes %q; want %q", encoded, decoded, notes, content)
		}
	})
}

func FuzzRoute(f *testing.F) {
	for _, address := range []string{"scott@amelia.example.com", "amelia+scott@example.com", "help@example.org", "x@amelia.example", "a@b", "@", "ſ@example.com"} {
		f.Add(address)
	}
	routes := readRoutes(f)
	f.Fuzz(func(t *testing.T, address string) {
		target, err := routes.Address(address)
		if err != nil {
			var unroutable *UnroutableError
			if !errors.As(err, &unroutable) {
				t.Fatalf("an untyped error: %v", err)
			}
			return
		}
		if key, err := job.NewKey(target.Project, target.User); err != nil || key != target.Key {
			t.Fatalf("unsafe names: %+v", target)
		}
	})
}
