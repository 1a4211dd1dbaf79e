package mail

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBase64IsReadAsFarAsItGoes(t *testing.T) {
	const (
		broken = "broken base64; decoded as far as possible"
		footer = "text behind the base64 was left out"
		other  = "declared as base64, which it is not; left as it is"
	)
	for body, c := range map[string]struct{ text, note string }{
		"R3LDvMOfZQ==":                               {"Grüße", ""},
		"R3LDvMOfZQ":                                 {"Grüße", ""},
		"R3LDvMOfZQ====":                             {"Grüße", ""},
		"R3LD vMOf ZQ==\r\n":                         {"Grüße", ""},
		"R3LD vMOf\r\n ZQ==\r\n":                     {"Grüße", ""},
		"R3L\r\nDvM\r\nOfZ\r\nQ==":                   {"Grüße", ""},
		"R3LDvMOfZQ== ignored":                       {"Grüße", footer},
		"R3LDvMOfZQ==\n\n____\nGardeners\na@b.org\n": {"Grüße", footer},
		"R3LDvMOfZSEh\n\n____\nGardeners\na@b.org\n": {"Grüße!!", footer},
		"R3LDvMOfZSEh\n--\nsent by the list\n":       {"Grüße!!", footer},
		"R3LD!!vMOfZQ==":                             {"Grüße", broken},
		"The disk is full.":                          {"The disk is full.", other},
		"this disk died":                             {"this disk died", other},
		"The disk is full.\nR3LDvMOfZQ==\nBye now.":  {"The disk is full.\nR3LDvMOfZQ==\nBye now.", other},
	} {
		p := &part{header: header{{name: "content-transfer-encoding", value: "base64"}}, body: []byte(body)}
		content, notes := p.content()
		if string(content) != c.text || strings.Join(notes, "; ") != c.note {
			t.Errorf("%q: %q, notes %q; want %q, %q", body, content, notes, c.text, c.note)
		}
	}
}

func TestReadingHostileBase64TakesLinearTime(t *testing.T) {
	const size = 4 << 20
	for what, body := range map[string]string{
		"pieces":           strings.Repeat("QQ== ", size/5),
		"blanks":           "QQ==" + strings.Repeat(" ", size) + "x",
		"pieces in a line": strings.Repeat("QQ==", size/4),
		"other bytes":      strings.Repeat("!", size),
		"short lines":      strings.Repeat("Q\n", size/2),
	} {
		start := time.Now()
		decodeBase64([]byte(body))
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: %v", what, took)
		}
	}
}

func TestQuotedPrintableIsReadAsFarAsItGoes(t *testing.T) {
	const broken = "broken quoted-printable; decoded as far as possible"
	for body, c := range map[string]struct{ text, note string }{
		"plants and=\r\nbeds":     {"plants andbeds", ""},
		"plants and=  \r\nbeds":   {"plants andbeds", ""},
		"plants and =\t\nbeds":    {"plants and beds", ""},
		"plants and  \r\nbeds \t": {"plants and\r\nbeds", ""},
		"Gr=C3=BC=c3=9fe=":        {"Grüße", ""},
		"Grüße":                   {"Grüße", ""},
		"1 = 1, a=b, 50=":         {"1 = 1, a=b, 50", broken},
		"x=4":                     {"x=4", broken},
	} {
		content, notes := decodeQuotedPrintable([]byte(body))
		if string(content) != c.text || strings.Join(notes, "; ") != c.note {
			t.Errorf("%q: %q, notes %q; want %q, %q", body, content, notes, c.text, c.note)
		}
	}
}

func TestTextIsReadInTheCharsetThatItIsIn(t *testing.T) {
	const (
		flawed = "not everything is valid UTF-8; the rest is shown as \uFFFD"
		as1252 = "bytes outside the declared charset; read as windows-1252"
	)
	for _, c := range []struct{ label, content, text, note string }{
		{"utf-8", "Grüße", "Grüße", ""},
		{"", "Grüße", "Grüße", ""},
		{"us-ascii", "Grüße", "Grüße", ""},
		{"iso-8859-1", "\x93plants\x94 \x80", "“plants” €", ""},
		{"ISO-8859-9", "\xfd", "ı", ""},
		{"", "\x93plants\x94", "“plants”", as1252},
		{"", "Grüße \xe9 Größe", "Grüße \uFFFD Größe", flawed},
		{"us-ascii", "теплиц\xd0", "теплиц\uFFFD", flawed},
		{"utf-8", "Grüße \xe9\xe9\xe9\xe9\xe9\xe9 a", "Grüße \uFFFD a", flawed},
		{"", "\xa9\xe9\xe9 \xc3\xa9", "©éé Ã©", as1252},
		{"iso-8859-1", "Grüße", "Grüße", "declared as iso-8859-1; read as UTF-8, which it is"},
		{"iso-2022-jp", "植物", "植物", "declared as iso-2022-jp; read as UTF-8, which it is"},
		{"shift_jis", "植物に水を", "植物に水を", "declared as shift_jis; read as UTF-8, which it is"},
		{"utf-16", "plants", "plants", "declared as utf-16; read as UTF-8, which it is"},
		{"gb2312", "\xd2\xbb", "一", ""}, // also valid UTF-8
		{"utf-16", "\xff\xfep\x00l\x00", "pl", ""},
		{"", "\xfe\xff\x00p\x00l", "pl", ""},
		{"utf-16be", "\x00p\x00l", "pl", ""},
		{"iso-2022-jp", "\x1b$B?\"J*\x1b(B", "植物", ""},
		{"", "\x1b$B?\"J*\x1b(B", "植物", "no charset declared; read as ISO-2022-JP"},
		{"us-ascii", "\x1b$)C\x0e=D90\x0f", "식물", "no charset declared; read as ISO-2022-KR"},
		{"iso-2022-kr", "\x1b$)C\x0e=D90\x0f a\n", "식물 a\n", ""},
		{"cp949", "\x8cc\xb9\xe6\xb0\xa2\xc7\xcf", "똠방각하", ""},
		{"ks_c_5601-1987", "\x8cc", "똠", ""},
		{"gb2312", "\xbb\xa8\xd4\xb0\x95\x32\x82\x36", "花园𠀀", ""},
		{"gbk", "\x95\x32\x82\x36", "𠀀", ""},
		{"hz-gb-2312", "~{<:Ky2;~}", "己所不", ""},
		{"unicode-1-1-utf-7", "1 +- 1 Gr+APwA3w-e +AOQ", "1 + 1 Grüße ä", ""},
		{"cp850", "\x84", "ä", ""},
		{"x-mac-cyrillic", "\x80", "А", ""},
		{"koi8-r", "\xf2", "Р", ""},
		{"x-nobody", "na\xefve", "naïve", `unknown charset "x-nobody"; read as windows-1252`},
		{"x-nobody", "naïve", "naïve", `unknown charset "x-nobody"; read as UTF-8`},
		{"iso-2022-cn", "plants", "plants", `unknown charset "iso-2022-cn"; read as UTF-8`},
	} {
		if text, note := textFrom([]byte(c.content), c.label); text != c.text || note != c.note {
			t.Errorf("%s %q: %q, note %q; want %q, %q", c.label, c.content, text, note, c.text, c.note)
		}
	}
}

func TestAMetaElementNamesTheCharsetThatTheHeaderLeavesOpen(t *testing.T) {
	for _, c := range []struct{ contentType, html, want string }{
		{"text/html", "<meta charset=gb2312><p>\xbb\xa8\xd4\xb0", "花园"},
		{"text/html; charset=us-ascii", `<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">` + "\xcf\xee", "По"},
		{"text/html; charset=koi8-r", "<meta charset=windows-1251>\xf2", "Р"},
		{"text/html", "<meta charset=windows-1251>По", "По"}, // a server changed it to UTF-8 on the way
		{"text/plain", "<meta charset=windows-1251>\xcf", "<meta charset=windows-1251>Ï"},
	} {
		m, err := Parse([]byte("Content-Type: "+c.contentType+"\nContent-Transfer-Encoding: 8bit\n\n"+c.html), DefaultLimits())
		if err != nil || m.Text != c.want {
			t.Errorf("%s %q: text %q (%v), want %q", c.contentType, c.html, m.Text, err, c.want)
		}
	}
}

func TestEncodedWordsAreReadAsMailersWriteThem(t *testing.T) {
	for value, want := range map[string]string{
		"=?utf-8?q?Gr=C3=BC=C3=9Fe?= from =?utf-8?b?S8O2bG4=?=":                                                         "Grüße from Köln",
		"=?utf-8?q?a?= =?utf-8?q?b?=  c":                                                                                "ab  c",
		"=?utf-8?q?a?= =?iso-8859-1?q?=FC?=\t=?utf-8?q?b?=":                                                             "aüb",
		"=?utf-8*de?q?Gr=C3?==?UTF-8?B?vA==?=":                                                                          "Grü",
		"=?Shift_JIS?B?kEGVqII=?= =?Shift_JIS?B?yZCFgvCCrYK+grOCog==?=":                                                 "植物に水をください",
		"=?gb2312?B?u6jUsNDo0g==?= =?gb2312?B?qr29y67Byw==?=":                                                           "花园需要浇水了",
		"=?big5?Q?=AA=E1=B6=E9=BB?= =?big5?Q?=DD=AD=6E=BC=E5=A4=F4?=":                                                   "花園需要澆水",
		"=?iso-2022-jp?Q?=1B=24=42=3F=22=4A=2A=24=4B?= =?iso-2022-jp?Q?=3F=65=24=72=24=2F=24=40=24=35=24=24=1B=28=42?=": "植物に水をください",
		"=?UTF-8?B?R3LDvMOfZQ?=":                                                                                        "Grüße",
		"=?UTF-8?B?R3LDvMOfZSEh==?=":                                                                                    "Grüße!!",
		"=?iso-8859-1?Q?=93plants=94?=":                                                                                 "“plants”",
		"=?utf-8?q?two words and 50=?=":                                                                                 "two words and 50=",
		"=?utf-8?q?why=3F??= and":                                                                                       "why?? and",
		"a=?utf-8?q?b?=c":                                                                                               "abc",
		"=?utf-8?x?b?= =?utf-8?q? =? =??=":                                                                              "=?utf-8?x?b?=  =? =?",
		"=?":                                                                                                            "=?",
		"plain  text =? here":                                                                                           "plain  text =? here",
		"=?UTF-8?B?nnDusSNdG92w6Fuw61fMjAxOF8wMw==?=":                                                                   "=?UTF-8?B?nnDusSNdG92w6Fuw61fMjAxOF8wMw==?=", // garbage
		"=?utf-8?q?=0Aline?=":                                                                                           "line",
	} {
		if got := decodeWords(value); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

func TestDelSpJoinsWhatTheMailerBroke(t *testing.T) {
	const body = "https://garden.example/a/ \nb\n> quoted \n-- \nAda\n"
	for contentType, want := range map[string]string{
		"text/plain; format=flowed; delsp=yes": "https://garden.example/a/b\n> quoted \n-- \nAda\n",
		"text/plain; format=flowed":            body,
		"text/plain; delsp=yes":                body,
	} {
		m, err := Parse([]byte("Content-Type: "+contentType+"\n\n"+body), DefaultLimits())
		if err != nil || m.Text != want {
			t.Errorf("%s: %q (%v), want %q", contentType, m.Text, err, want)
		}
	}
}

func TestANoteSaysWhatWasGuessed(t *testing.T) {
	m, err := Parse([]byte("Content-Type: text/plain; charset=iso-8859-1\n\nGrüße\n"), DefaultLimits())
	if want := "declared as iso-8859-1; read as UTF-8, which it is"; err != nil || !slices.Contains(m.Notes, want) {
		t.Errorf("notes %q (%v), want %q", m.Notes, err, want)
	}
}
