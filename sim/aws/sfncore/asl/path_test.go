package asl

import (
	"strings"
	"testing"
)

const library = `{"a":{"b":[1,2.50,3],"c":{"b":9}},"x-y":5,"é":1,"n":null,
	"o":[{"p":1,"q":"s"},{"p":2},{"q":null}],"z":{"k2":2,"k1":1},"big":9007199254740993}`

// TestPaths shows what a path finds (Developer Guide, Paths; lists and single values as in Jayway's
// JsonPath).
func TestPaths(t *testing.T) {
	for path, want := range map[string]string{
		"$.a.b":               `[1,2.50,3]`, // a number keeps its text
		"$['a']['b']":         `[1,2.50,3]`,
		`$["a"].b[0]`:         `1`,
		"$.a.b[-1]":           `3`,
		"$.x-y":               `5`,
		"$.é":                 `1`,
		"$.n":                 `null`, // a null is there
		"$.big":               `9007199254740993`,
		"$.a.b[0:2]":          `[1,2.50]`,
		"$.a.b[-2:]":          `[2.50,3]`,
		"$.a.b[0,2]":          `[1,3]`,
		"$['x-y','é']":        `[5,1]`,
		"$.z.*":               `[1,2]`, // members by name
		"$..b":                `[[1,2.50,3],9]`,
		"$.o[*].p":            `[1,2]`,
		"$.o[?(@.p==1)]":      `[{"p":1,"q":"s"}]`,
		"$.o[?(@.p>1)].p":     `[2]`,
		"$.o[?(@.q=='s')].p":  `[1]`,
		"$.o[?(@.p==9)]":      `[]`, // nothing found is an empty list, not an error
		"$.nowhere[*]":        `[]`,
		"$$.Execution.Name":   `"x"`,
		"$$.Task":             `{"Token":"tok"}`,
		"$$":                  `{"Execution":{"Name":"x"},"Task":{"Token":"tok"}}`,
		"$.o[?(@.p>=1)]['p']": `[1,2]`,
	} {
		p, err := ParsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		value, err := p.Lookup(decode(t, library), fixedEnv{})
		if got := string(Encode(value)); err != nil || got != want {
			t.Errorf("%s finds %s, %v; want %s", path, got, err, want)
		}
	}
}

// TestPathsThatFindNothing shows AWS's text for a definite path without a result.
func TestPathsThatFindNothing(t *testing.T) {
	for path, want := range map[string]string{
		"$.a.nope":       "Invalid path '$.a.nope' : No results for path: $['a']['nope']",
		"$.a.b[3]":       "Invalid path '$.a.b[3]' : No results for path: $['a']['b'][3]",
		"$.x-y.deeper":   "Invalid path '$.x-y.deeper' : No results for path: $['x-y']['deeper']",
		"$$.Map.Item":    "Invalid path '$$.Map.Item' : No results for path: $['Map']['Item']",
		"$.n.member":     "Invalid path '$.n.member' : No results for path: $['n']['member']",
		"$.a.b.notIndex": "Invalid path '$.a.b.notIndex' : No results for path: $['a']['b']['notIndex']",
	} {
		p, err := ParsePath(path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if _, err = p.Lookup(decode(t, library), fixedEnv{}); err == nil || err.Error() != want {
			t.Errorf("%s: error %q, want %q", path, err, want)
		}
	}
}

func TestTextsThatAreNoPaths(t *testing.T) {
	for _, text := range []string{
		"", "a", "@.a", "$a", "$name.b", "$.", "$..", "$.a.", "$.a[", "$.a b", "$.a.length()", "$.a$", "$.[0]", "$.b[(1)]", "$[?(@.x==$.y)]",
	} {
		if p, err := ParsePath(text); err == nil {
			t.Errorf("%q is taken for the path %+v", text, p)
		}
	}
}

// TestReferencePaths shows where ResultPath puts a result (Developer Guide, ResultPath).
func TestReferencePaths(t *testing.T) {
	for _, tc := range []struct{ path, input, want string }{
		{"$", `{"a":1}`, `"R"`},
		{"$.b", `{"a":1}`, `{"a":1,"b":"R"}`},
		{"$.a", `{"a":1}`, `{"a":"R"}`},
		{"$.b.c.d", `{"a":1}`, `{"a":1,"b":{"c":{"d":"R"}}}`},
		{"$['b c']", `{"a":1}`, `{"a":1,"b c":"R"}`},
		{"$.a[1].x", `{"a":[0,{}]}`, `{"a":[0,{"x":"R"}]}`},
	} {
		path, err := ParseReferencePath(tc.path)
		if err != nil {
			t.Fatalf("%s: %v", tc.path, err)
		}
		input := decode(t, tc.input)
		got, err := path.Put(input, "R")
		if err != nil || string(Encode(got)) != tc.want {
			t.Errorf("%s into %s gives %s, %v; want %s", tc.path, tc.input, Encode(got), err, tc.want)
		}
		if after := string(Encode(input)); after != tc.input {
			t.Errorf("%s changed its input to %s", tc.path, after)
		}
	}
	for _, tc := range []struct{ path, input string }{
		{"$.a.b", `{"a":1}`}, {"$.a", `[1]`}, {"$.a", `null`}, {"$.a[2]", `{"a":[0]}`}, {"$.a[0]", `{"a":{}}`},
	} {
		path, err := ParseReferencePath(tc.path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := path.Put(decode(t, tc.input), "R"); err == nil {
			t.Errorf("%s fits into %s: %s", tc.path, tc.input, Encode(got))
		}
	}
	for _, text := range []string{"", "a", "$$.a", "$.*", "$..a", "$.a[0:1]", "$.a[-1]", "$[?(@.a)]", "$.a[*]"} {
		if _, err := ParseReferencePath(text); err == nil {
			t.Errorf("%q is taken for a reference path", text)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"$.a.b[0]", "$..b", "$.o[?(@.p==1 && @.q=='s')].p", "$['a','x-y']", "$.a.b[1:2]", "$$.Task.Token", "$[?(@.a =~ /x/)]"} {
		f.Add(seed, library)
	}
	f.Fuzz(func(t *testing.T, text, document string) {
		input, err := Decode([]byte(document))
		if err != nil {
			return
		}
		before := string(Encode(input))
		if path, err := ParsePath(text); err == nil {
			first, _ := path.Get(input, fixedEnv{})
			again, _ := path.Get(input, fixedEnv{})
			if string(Encode(first)) != string(Encode(again)) {
				t.Fatalf("%q does not always find the same", text)
			}
		}
		if path, err := ParseReferencePath(text); err == nil {
			if out, err := path.Put(input, "R"); err == nil && !strings.Contains(string(Encode(out)), `"R"`) {
				t.Fatalf("%q lost the result in %s", text, Encode(out))
			}
		}
		if string(Encode(input)) != before {
			t.Fatalf("%q changed its input", text)
		}
	})
}
