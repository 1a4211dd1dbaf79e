package mail

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheAddressIsWhatStandsInTheAngleBrackets(t *testing.T) {
	for value, c := range map[string]struct {
		want  []Address
		exact bool
	}{
		"a@x.example":                                          {[]Address{{"", "a@x.example"}}, true},
		"Ada <a@x.example>":                                    {[]Address{{"Ada", "a@x.example"}}, true},
		"<a@x.example>, B <b@x.example>":                       {[]Address{{"", "a@x.example"}, {"B", "b@x.example"}}, true},
		"ceo@bank.example <m@evil.example>":                    {[]Address{{"ceo@bank.example", "m@evil.example"}}, false},
		`"ceo@bank.example" <m@evil.example>`:                  {[]Address{{"ceo@bank.example", "m@evil.example"}}, true},
		`"<ceo@bank.example>," <m@evil.example>`:               {[]Address{{"<ceo@bank.example>,", "m@evil.example"}}, true},
		`"a \"b\" <ceo@bank.example>" <m@evil.example>`:        {[]Address{{`a "b" <ceo@bank.example>`, "m@evil.example"}}, true},
		"(<ceo@bank.example>) m@evil.example":                  {[]Address{{"<ceo@bank.example>", "m@evil.example"}}, true},
		"m@evil.example (ceo@bank.example)":                    {[]Address{{"ceo@bank.example", "m@evil.example"}}, true},
		"=?utf-8?q?ceo=40bank.example?= <m@evil.example>":      {[]Address{{"ceo@bank.example", "m@evil.example"}}, true},
		"=?utf-8?q?<ceo=40bank.example>,?= <m@evil.example>":   {[]Address{{"<ceo@bank.example>,", "m@evil.example"}}, true},
		"ceo@bank.example via Garden <list@garden.example>":    {[]Address{{"ceo@bank.example via Garden", "list@garden.example"}}, false},
		"a@x.example <a@x.example>":                            {[]Address{{"a@x.example", "a@x.example"}}, false},
		"<ceo@bank.example> <m@evil.example>":                  {[]Address{{"", "ceo@bank.example"}, {"", "m@evil.example"}}, false},
		"ceo@bank.example, M <m@evil.example>":                 {[]Address{{"", "ceo@bank.example"}, {"M", "m@evil.example"}}, true},
		`Pete(A \) chap) <pete(his account)@silly(.).example>`: {[]Address{{"Pete", "pete@silly.example"}}, true},
		"Doe, Jane <jane@x.example>, b@x.example":              {[]Address{{"Doe, Jane", "jane@x.example"}, {"", "b@x.example"}}, false},
		"a@x.example; b@x.example":                             {[]Address{{"", "a@x.example"}, {"", "b@x.example"}}, true},
		"undisclosed-recipients:;":                             {nil, true},
		"Gardeners: a@x.example, B <b@x.example>; c@x.example": {
			[]Address{{"", "a@x.example"}, {"B", "b@x.example"}, {"", "c@x.example"}}, true},
		`"john doe"@x.example`:                    {[]Address{{"", "john doe@x.example"}}, true},
		`J <"john doe"@x.example>`:                {[]Address{{"J", "john doe@x.example"}}, true},
		`"Foo" ceo@bank.example`:                  {[]Address{{"", "ceo@bank.example"}}, false},
		"<@relay.example,@b.example:a@x.example>": {[]Address{{"", "a@x.example"}}, true},
		"mail a@x.example <x>":                    {[]Address{{"", "a@x.example"}}, false},
		"Ada <a@x.example":                        {[]Address{{"Ada", "a@x.example"}}, false},
		`Ada "the <a@x.example>`:                  {[]Address{{`Ada "the`, "a@x.example"}}, false},
		"Ada (the <a@x.example>":                  {[]Address{{"Ada (the", "a@x.example"}}, false},
		"Ada Field":                               {[]Address{{"Ada Field", ""}}, false},
		"Doe, Jane":                               {[]Address{{"Doe", ""}, {"Jane", ""}}, false},
		" ":                                       {nil, true},
	} {
		list, exact := header{{name: "from", value: value}}.addresses("from")
		if !slices.Equal(list, c.want) || exact != c.exact {
			t.Errorf("%s: %q, exact %v; want %q, %v", value, list, exact, c.want, c.exact)
		}
	}
}

func TestAForgedAddressNeitherWritesNorRoutes(t *testing.T) {
	m, err := Parse([]byte("From: ceo@bank.example <mallory@evil.example>\nReply-To: boss@bank.example <mallory@evil.example>\n"+
		"To: roses+eve@example.com <plants+ada@example.com>\n\nText.\n"), DefaultLimits())
	if err != nil || len(m.From) != 1 || m.From[0].Address != "mallory@evil.example" {
		t.Errorf("From %q (%v)", m.From, err)
	}
	if len(m.ReplyTo) != 1 || m.ReplyTo[0].Address != "mallory@evil.example" {
		t.Errorf("Reply-To %q", m.ReplyTo)
	}
	if want := []Recipient{{"plants+ada@example.com", "to"}}; !slices.Equal(m.Recipients, want) {
		t.Errorf("recipients %q, want %q", m.Recipients, want)
	}
}

func TestReadingHostileAddressesTakesLinearTime(t *testing.T) {
	const repeats = 120_000
	for what, value := range map[string]string{
		"commas":   strings.Repeat("a,", repeats) + "a@b",
		"colons":   strings.Repeat("a", repeats) + "@" + strings.Repeat(":", repeats),
		"brackets": strings.Repeat("<(", repeats),
		"quotes":   strings.Repeat(`\"`, repeats),
		"comments": strings.Repeat("(", 2*repeats),
	} {
		start := time.Now()
		header{{name: "from", value: value}}.addresses("from")
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: %v", what, took)
		}
	}
}
