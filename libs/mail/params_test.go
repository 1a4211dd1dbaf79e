package mail

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

func TestContentTypesAreReadAsMailersWriteThem(t *testing.T) {
	for value, want := range map[string]struct {
		mediaType string
		params    parameters
	}{
		"text/plain":                                 {"text/plain", nil},
		"Text/PLAIN; Charset=utf-8":                  {"text/plain", parameters{"charset": "utf-8"}},
		"text/plain; charset=utf-8 (the usual one)":  {"text/plain", parameters{"charset": "utf-8"}},
		"text/plain (comment; x=y); charset=utf-8;":  {"text/plain", parameters{"charset": "utf-8"}},
		"multipart/mixed boundary=\"b b\"":           {"multipart/mixed", parameters{"boundary": "b b"}},
		"text/plain; charset=utf-8 format=flowed":    {"text/plain", parameters{"charset": "utf-8", "format": "flowed"}},
		"text/plain; charset = \"utf-8\" ; x":        {"text/plain", parameters{"charset": "utf-8"}},
		"text/plain; charset=a; charset=b":           {"text/plain", parameters{"charset": "a"}},
		"text/plain; charset=\"utf-8; format=flowed": {"text/plain", parameters{"charset": "utf-8", "format": "flowed"}},
		"text/html;iso-8859-1":                       {"text/html", nil},
		"text":                                       {"text/plain", nil},
		"multipart; boundary=b":                      {"multipart/mixed", parameters{"boundary": "b"}},
		"application":                                {"application/octet-stream", nil},
		"\"text\"/html/x":                            {"text/html", nil},
		"charset=utf-8":                              {"", parameters{"charset": "utf-8"}},
		";":                                          {"", nil},
		"":                                           {"", nil},
	} {
		mediaType, params := contentType(value)
		if mediaType != want.mediaType || !maps.Equal(params, want.params) {
			t.Errorf("%s: %q %q, want %q %q", value, mediaType, params, want.mediaType, want.params)
		}
	}
}

func TestFileNamesAreReadAsMailersWriteThem(t *testing.T) {
	for disposition, want := range map[string]string{
		`attachment; filename=a.pdf`:                                    "a.pdf",
		`attachment; filename=my holiday (1).pdf; size=3`:               "my holiday (1).pdf",
		`attachment; filename="a;b.pdf"; size=3`:                        "a;b.pdf",
		`attachment; filename="a \"b\".pdf"`:                            `a "b".pdf`,
		`attachment; filename="C:\TEMP\x.pdf"`:                          `C:\TEMP\x.pdf`,
		`attachment; filename= "=?iso-8859-1?Q?G=E4rten.pdf?="; size=5`: "Gärten.pdf",
		"attachment; filename= \"=?iso-8859-1?Q?G=E4rten_2026.?= =?iso-8859-1?Q?pdf?=\"; size=6;\tcreation-date=\"Fri, 14 Mar 2014 08:48:19 GMT\"": "Gärten 2026.pdf",
		`attachment; filename==?utf-8?B?w5xiLnBkZg==?=`:                                   "Üb.pdf",
		`attachment; filename*=utf-8''Rabatt%2050%%20%C3%A4.pdf`:                          "Rabatt 50% ä.pdf",
		`attachment; filename*=iso-8859-1'de'Gr%FC%DFe.pdf`:                               "Grüße.pdf",
		`attachment; filename*="utf-8''Gr%C3%BC%C3%9Fe.pdf"`:                              "Grüße.pdf",
		`attachment; filename*0*=utf-8''Gr%C3; filename*1*=%BC%C3%9F; filename*2="e.pdf"`: "Grüße.pdf",
		`attachment; filename="x.pdf"; filename*=utf-8''%C3%BC.pdf`:                       "ü.pdf",
		`attachment; filename*=utf-8''100%`:                                               "100%",
		`attachment; name=a.pdf`:                                                          "a.pdf",
		`attachment`:                                                                      "type.pdf",
	} {
		head := header{{name: "content-type", value: "application/pdf; name=type.pdf"}, {name: "content-disposition", value: disposition}}
		if p := newPart(head, "text/plain"); p.fileName != want || p.disposition != "attachment" {
			t.Errorf("%s: %s named %q, want %q", disposition, p.disposition, p.fileName, want)
		}
	}
}

func TestANameCutInsideACharacterStaysReadable(t *testing.T) {
	m, err := Parse([]byte("Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"Чертёж теплиц\xd1\"\n\nx"), DefaultLimits())
	if err != nil || len(m.Attachments) != 1 || m.Attachments[0].FileName != "Чертёж теплиц" {
		t.Errorf("attachments %+v (%v)", m.Attachments, err)
	}
}

func TestEveryIDThatAFieldNamesIsRead(t *testing.T) {
	for head, want := range map[string]string{
		"References: <a@x.example> <b@x.example>":              "[a@x.example b@x.example]",
		"References: <a@x.example>\nReferences: <b@x.example>": "[a@x.example b@x.example]",
		"References: <a@x.example <b@x.example>":               "[a@x.example b@x.example]",
		"References: <a@x.example> <b@x.example":               "[a@x.example]",
		"References: a@x.example":                              "[a@x.example]",
	} {
		m, err := Parse([]byte(head+"\n\nText.\n"), DefaultLimits())
		if got := fmt.Sprint(m.References); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", head, got, err, want)
		}
	}
}

func TestReadingHostileParametersTakesLinearTime(t *testing.T) {
	for _, repeated := range []string{`a="`, `a="\";`, "(;", "a*0=b;", "=", "a=(b "} {
		value := "text/plain; " + strings.Repeat(repeated, maxParameterBytes)
		start := time.Now()
		for range 500 {
			contentType(value)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%q: %v", repeated, took)
		}
	}
}
