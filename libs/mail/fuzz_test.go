package mail

import (
	"bytes"
	"errors"
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

// FuzzPlainQuotedPrintable checks that plainQuotedPrintable reads what it takes as the repairing
// decoder does.
func FuzzPlainQuotedPrintable(f *testing.F) {
	for _, body := range []string{"caf=C3=A9 =\r\nau lait\n", "a=\n", "a \r\nb", "=", "=4", "=c3=\t\n", "a=\r\n\r\nb\r\n", "\rb", "=0D=0A", "x=3D=\n=3D"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := plainQuotedPrintable(body)
		if !ok {
			return
		}
		repaired, err := decodePart("Content-Type: application/octet-stream\nContent-Transfer-Encoding: quoted-printable\n\n", body)
		if err != nil || !bytes.Equal(got, repaired.Content) {
			t.Fatalf("%q: %q, the repairing decoder says %q, %v", body, got, repaired.Content, err)
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
