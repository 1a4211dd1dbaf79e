package asl

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestEncodeKeepsNumbersAndEscapesOnlyWhatJSONRequires(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `1.0`, `-0`, `1e400`, `12345678901234567890`, `"<&>é😀"`, `"\"\\\n\r\t\u0001"`, `[]`, `{}`, `{"a":[1,{"b":null}]}`,
	} {
		if got := string(Encode(decode(t, text))); got != text {
			t.Errorf("%s becomes %s", text, got)
		}
	}
}

func TestDecodeTakesExactlyOneValue(t *testing.T) {
	for _, text := range []string{"", " ", "{", "1 2", "nul", "{\"a\":1}}", "'a'"} {
		if value, err := Decode([]byte(text)); err == nil {
			t.Errorf("%q is taken for %s", text, Encode(value))
		}
	}
}

func TestExceedsBytesIsExact(t *testing.T) {
	value := map[string]any{"k": strings.Repeat("x", 100) + "\n"}
	size := len(Encode(value))
	if ExceedsBytes(value, size) || !ExceedsBytes(value, size-1) {
		t.Errorf("%d bytes are not counted as %d", size, size)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,2.5,"x\u2028",null]}`)
	f.Add("\"\xff\\ud800\"")
	f.Fuzz(func(t *testing.T, text string) {
		value, err := Decode([]byte(text))
		if (err == nil) != json.Valid([]byte(text)) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		encoded := Encode(value)
		again, err := Decode(encoded)
		if err != nil || !bytes.Equal(Encode(again), encoded) || !equalJSON(value, again) {
			t.Fatalf("%q becomes %s and then %s, %v", text, encoded, Encode(again), err)
		}
		if len(encoded) > upperBound(value) {
			t.Fatalf("%q takes %d bytes, more than the bound %d", text, len(encoded), upperBound(value))
		}
	})
}
