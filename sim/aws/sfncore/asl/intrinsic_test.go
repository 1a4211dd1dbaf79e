package asl

import (
	"strings"
	"testing"
)

const ground = `{"name":"Ann","n":7,"list":[1,2,3,1.0,"a","a"],"object":{"a":{"x":1},"b":2},"json":"{\"k\":[1]}",
	"template":"Hi \\{{}\\}","words":"a.b,,c","text":"Data to encode"}`

// TestIntrinsicFunctions has an example for each function (Developer Guide, Intrinsic functions).
func TestIntrinsicFunctions(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{`States.Format('Hello {}, you are {} {}', $.name, 4.50, true)`, `"Hello Ann, you are 4.50 true"`},
		{`States.Format('\{{}\} it\'s \\', $.name)`, `"{Ann} it's \\"`},
		{`States.Format($.template, null)`, `"Hi {null}"`},
		{`States.Format('')`, `""`},
		{`States.StringToJson($.json)`, `{"k":[1]}`},
		{`States.JsonToString($.object)`, `"{\"a\":{\"x\":1},\"b\":2}"`},
		{`States.Array()`, `[]`},
		{`States.Array($.n, 'x', null, States.Array(1))`, `[7,"x",null,[1]]`},
		{`States.ArrayPartition($.list, 4)`, `[[1,2,3,1.0],["a","a"]]`},
		{`States.ArrayPartition(States.Array(), 4)`, `[]`},
		{`States.ArrayContains($.list, 3.0)`, `true`},
		{`States.ArrayContains($.list, '3')`, `false`},
		{`States.ArrayRange(1, 9, 2)`, `[1,3,5,7,9]`},
		{`States.ArrayRange(3, 1, -1)`, `[3,2,1]`},
		{`States.ArrayRange(1, 0, 1)`, `[]`},
		{`States.ArrayGetItem($.list, 1)`, `2`},
		{`States.ArrayLength($.list)`, `6`},
		{`States.ArrayUnique($.list)`, `[1,2,3,"a"]`},
		{`States.Base64Encode($.text)`, `"RGF0YSB0byBlbmNvZGU="`},
		{`States.Base64Decode('RGF0YSB0byBlbmNvZGU=')`, `"Data to encode"`},
		{`States.Hash('input data', 'MD5')`, `"812f45842bc6d66ee14572ce20db8e86"`},
		{`States.Hash('input data', 'SHA-1')`, `"aaff4a450a104cd177d28d18d74485e8cae074b7"`},
		{`States.Hash('', 'SHA-256')`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
		{`States.JsonMerge($.object, States.StringToJson('{"a":{"y":2}}'), false)`, `{"a":{"y":2},"b":2}`},
		{`States.MathRandom(1, 999)`, `998`},
		{`States.MathAdd($.n, -10)`, `-3`},
		{`States.StringSplit($.words, '.,')`, `["a","b","c"]`},
		{`States.UUID()`, `"an-id"`},
		{`States.Format('{}', $$.Execution.Name)`, `"x"`},
		{`States.ArrayGetItem( $['list'] , States.MathAdd( 1 , 1 ) )`, `3`},
		{`States.ArrayLength($.list[?(@ == 1)])`, `2`},
	} {
		expr, err := ParseExpr(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		value, err := expr.Eval("v.$", decode(t, ground), fixedEnv{})
		if got := string(Encode(value)); err != nil || got != tc.want {
			t.Errorf("%s gives %s, %v; want %s", tc.text, got, err, tc.want)
		}
	}
}

// TestIntrinsicFunctionsThatFail shows the text of a failure, which AWS reports as States.Runtime,
// for each kind of argument.
func TestIntrinsicFunctionsThatFail(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{`States.Format('{}', $.nope)`, `The JsonPath argument for the field '$.nope' could not be found in the input`},
		{`States.Format('{}')`, "more {}"},
		{`States.Format('', 1)`, "fewer {}"},
		{`States.Format('{', 1)`, "escaped"},
		{`States.Format('{}', $.list)`, "an array cannot be formatted"},
		{`States.StringToJson('{')`, "unexpected"},
		{`States.StringToJson($.n)`, "a string"},
		{`States.ArrayPartition($.list, 0)`, "positive"},
		{`States.ArrayRange(0, 5, 0)`, "step"},
		{`States.ArrayRange(0, 1000, 1)`, "more than 1000"},
		{`States.ArrayRange(-9007199254740992, 9007199254740992, 1)`, "more than 1000"},
		{`States.ArrayGetItem($.list, 6)`, "outside"},
		{`States.ArrayGetItem($.list, -1)`, "outside"},
		{`States.ArrayLength($.name)`, "an array"},
		{`States.Base64Decode('%')`, "Base64"},
		{`States.Hash('x', 'CRC')`, "hash algorithm"},
		{`States.JsonMerge($.object, $.object, true)`, "shallow"},
		{`States.JsonMerge($.object, 1, false)`, "objects"},
		{`States.MathRandom(5, 5)`, "start below end"},
		{`States.MathRandom(1, 5, 3)`, "seed is not supported"},
		{`States.MathAdd(1, 1.5)`, "integers"},
		{`States.StringSplit('a', 1)`, "argument 2"},
	} {
		expr, err := ParseExpr(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		value, err := expr.Eval("v.$", decode(t, ground), fixedEnv{})
		prefix := "The function '" + tc.text + "' had the following error: "
		if err == nil || !strings.HasPrefix(err.Error(), prefix) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s gives %s, %v; want an error about %q", tc.text, Encode(value), err, tc.want)
		}
	}
}

func TestTextsThatAreNoIntrinsicFunctions(t *testing.T) {
	for _, text := range []string{
		"States", "States.", "States.Nope()", "States.UUID", "States.UUID(1)", "States.UUID() x", "States.Hash('a')", "States.Format()",
		"States.Format('a)", `States.Format('\x')`, `States.Format("a")`, "States.Array(1 2)", "States.Array(,)", "States.Array(x)",
		"States.Array({})", "States.Array($.a", "States.Array($a)", "'text'",
		strings.Repeat("States.Array(", 11) + strings.Repeat(")", 11),
	} {
		if _, err := ParseExpr(text); err == nil {
			t.Errorf("%q is taken for an expression", text)
		}
	}
}

// TestPayloadTemplates shows what Parameters builds (Developer Guide, Parameters).
func TestPayloadTemplates(t *testing.T) {
	for _, tc := range []struct{ template, want string }{
		{`{"a":1,"b.$":"$.n"}`, `{"a":1,"b":7}`},
		{`{"a":{"b":[{"c.$":"$.name"},2]}}`, `{"a":{"b":[{"c":"Ann"},2]}}`},
		{`{"a.$":"States.Format('{}!', $.name)","t.$":"$$.Task.Token"}`, `{"a":"Ann!","t":"tok"}`},
		{`{"a":"$.n"}`, `{"a":"$.n"}`},
		{`[]`, `[]`},
		{`"text"`, `"text"`},
	} {
		template, errs := CompileTemplate(decode(t, tc.template))
		if len(errs) > 0 {
			t.Errorf("%s: %v", tc.template, errs)
			continue
		}
		value, err := template.Eval(decode(t, ground), fixedEnv{})
		if got := string(Encode(value)); err != nil || got != tc.want {
			t.Errorf("%s gives %s, %v; want %s", tc.template, got, err, tc.want)
		}
	}
	for _, text := range []string{`{"a.$":1}`, `{"a.$":"b"}`, `{"a":[{"b.$":"States.X()"}]}`, `{"a":1,"a.$":"$.n"}`} {
		if _, errs := CompileTemplate(decode(t, text)); len(errs) == 0 {
			t.Errorf("%s is taken for a template", text)
		}
	}
	template, _ := CompileTemplate(decode(t, `{"v":{"w.$":"$.nope"}}`))
	_, err := template.Eval(decode(t, `{"b":1}`), fixedEnv{})
	if want := `The JSONPath '$.nope' specified for the field 'w.$' could not be found in the input '{"b":1}'`; err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func FuzzIntrinsic(f *testing.F) {
	for name := range intrinsics {
		f.Add(name+"($.list, 2, 'x')", ground)
		f.Add(name+"($.name, 'MD5')", ground)
	}
	f.Add(`States.Format('\{{}\}', States.Array($.list[?(@ == 1)], -1.5e3))`, ground)
	f.Fuzz(func(t *testing.T, text, document string) {
		input, err := Decode([]byte(document))
		if err != nil {
			return
		}
		expr, err := ParseExpr(text)
		if err != nil {
			return
		}
		if value, err := expr.Eval("v.$", input, fixedEnv{}); err == nil {
			if _, err := Decode(Encode(value)); err != nil {
				t.Fatalf("%q gives what is not JSON: %s", text, Encode(value))
			}
		}
	})
}
