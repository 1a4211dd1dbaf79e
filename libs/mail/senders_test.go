package mail

import (
	"strings"
	"testing"
)

func senderList(t testing.TB, list ...string) SenderList {
	t.Helper()
	senders, err := ParseSenders(list...)
	if err != nil {
		t.Fatal(err)
	}
	return senders
}

func TestWhomAListOfSendersNames(t *testing.T) {
	senders := senderList(t, "Scott@Shop.example", "*@garden.example", "*@*.corp.example", "*@gärtner.example", "dana+plants@farm.example")
	for address, want := range map[string]bool{
		"scott@shop.example": true, "SCOTT@SHOP.EXAMPLE": true, " scott@shop.example. ": true,
		"scott+tag@shop.example": false, // an address of its own
		"jean@shop.example":      false, "scott@mail.shop.example": false,
		"anyone@garden.example": true, "x@mail.garden.example": false, "x@evilgarden.example": false,
		"x@a.corp.example": true, "x@a.b.corp.example": true, "x@corp.example": false, "x@evilcorp.example": false,
		"x@gärtner.example": true, "x@GÄRTNER.example": true, "x@xn--grtner-bua.example": true, "x@gartner.example": false,
		"dana+plants@farm.example": true, "dana@farm.example": false,
		"\u017fcott@shop.example": false, // a long s
		"sc\u03bftt@shop.example": false, // a Greek o
		"scott":                   false, "": false, "@shop.example": false, "scott@shop.example@evil.example": false, "*@shop.example": false,
	} {
		if got := senders.Names(address); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
	if (SenderList{}).Names("scott@shop.example") {
		t.Error("the empty list names somebody")
	}
}

func TestAListOfSendersRefuses(t *testing.T) {
	for _, entry := range []string{"", "*", "shop.example", "*@*", "*@", "@shop.example", "s*@shop.example", "scott@*.shop.example", "*@*.*.shop.example",
		"*@*.com", "*@*.co.uk", "*@*.github.io", "*@shop", "*@[192.0.2.1]", "scott@shop.example, *@x.example"} {
		if senders, err := ParseSenders(entry); err == nil {
			t.Errorf("%q: accepted as %+v", entry, senders)
		}
	}
}

func TestRoutesNameTheirSenders(t *testing.T) {
	routes, err := ReadRoutes(strings.NewReader(`{
	  "domains": ["example.com"],
	  "senders": ["*@customer.example"],
	  "routes": [
	    {"address": "help@example.org", "project": "amelia", "user": "scott"},
	    {"address": "*@amelia.example", "project": "amelia", "senders": ["dana@shop.example"]},
	    {"address": "closed@amelia.example", "project": "amelia", "user": "scott", "senders": []}
	  ]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{ // who may write, of two
		"scott@amelia.example.com": "a@customer.example", "amelia+scott@example.com": "a@customer.example", "help@example.org": "a@customer.example",
		"x@amelia.example": "dana@shop.example", "closed@amelia.example": "",
	} {
		target, err := routes.Address(address)
		if err != nil {
			t.Fatal(err)
		}
		for _, sender := range []string{"a@customer.example", "dana@shop.example"} {
			if got := target.Senders.Names(sender); got != (sender == want) {
				t.Errorf("%s may write to %s: %v", sender, address, got)
			}
		}
	}
	for _, file := range []string{`{"senders": ["*@*"]}`, `{"routes": [{"address": "a@b.example", "project": "a", "user": "b", "senders": ["x"]}]}`} {
		if routes, err := ReadRoutes(strings.NewReader(file)); err == nil {
			t.Errorf("%s: accepted as %+v", file, routes)
		}
	}
}

func TestWhichMailIsHeld(t *testing.T) {
	const (
		own    = "spf=pass; dkim=pass header.i=@shop.example; dmarc=pass header.from=shop.example"
		forged = "spf=fail; dkim=fail header.i=@shop.example; dmarc=none header.from=shop.example"
		from   = "From: scott@shop.example"
	)
	listed := Target{Rule: "user@project.example.com", Senders: senderList(t, "scott@shop.example")}
	others := Target{Rule: "user@project.example.com", Senders: senderList(t, "*@garden.example")}
	for _, c := range []struct {
		what, results, header string
		policy                SenderPolicy
		target                Target
		reason                string // part of it; empty: not held
	}{
		{"open, forged", forged, from, SendersOpen, others, ""},
		{"open, DMARC fails", "dmarc=fail header.from=shop.example", from, SendersOpen, others, "fails DMARC: fail"},
		{"open, an automatic reply perhaps", own, from + "\nSubject: Automatic reply: Hi", SendersOpen, listed, "may be of a program"},
		{"authenticated, vouched for", own, from, SendersAuthenticated, others, ""},
		{"authenticated, forged", forged, from, SendersAuthenticated, listed, "nobody vouches for its sender: it has no DMARC policy"},
		{"authenticated, DMARC fails", "dmarc=fail header.from=shop.example", from, SendersAuthenticated, listed, "fails DMARC: fail"},
		{"listed, vouched for", own, from, SendersListed, listed, ""},
		{"listed, of another", own, from, SendersListed, others, "scott@shop.example is not among the senders of user@project.example.com"},
		{"listed, forged", forged, from, SendersListed, listed, "nobody vouches"},
		{"listed, one author of two", own, from + ", jean@shop.example\nSender: scott@shop.example", SendersListed, listed, "jean@shop.example is not among"},
		{"listed, by a name", "dmarc=pass header.from=evil.example", "From: scott@shop.example <m@evil.example>", SendersListed, listed, "m@evil.example is not among"},
		{"no such policy", own, from, "", others, "is not among"},
	} {
		t.Run(c.what, func(t *testing.T) {
			reason := c.policy.Hold(fromSES(t, "scott@shop.example", sesResults+c.results, c.header), c.target)
			if (reason == "") != (c.reason == "") || !strings.Contains(reason, c.reason) {
				t.Errorf("held because %q, want %q", reason, c.reason)
			}
		})
	}
}

func TestMailThatNobodySpeaksOfIsHeldUnlessAllMayWrite(t *testing.T) {
	m, err := Parse([]byte("From: scott@shop.example\n\nText.\n"), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if reason := SendersOpen.Hold(m, Target{}); reason != "" {
		t.Errorf("open: %s", reason)
	}
	if reason := SendersAuthenticated.Hold(m, Target{}); !strings.Contains(reason, "no field of SES") {
		t.Errorf("authenticated: %q", reason)
	}
}

func FuzzSenders(f *testing.F) {
	f.Add("*@*.shop.example", "x@a.shop.example")
	f.Add("scott@gärtner.example", "SCOTT@xn--grtner-bua.example")
	f.Fuzz(func(t *testing.T, entry, address string) {
		senders, err := ParseSenders(entry)
		if err != nil {
			return
		}
		if senders.Names(address) != senders.Names(lowerASCII(address)) {
			t.Fatalf("%q names %q or not, by its case", entry, address)
		}
		if !senders.Names(address) {
			return
		}
		_, named, _ := splitSender(entry)
		_, domain, _ := splitSender(address)
		named, _ = asciiDomain(strings.TrimPrefix(named, "*."))
		if domain, ok := asciiDomain(domain); !ok || !aligned(domain, named) {
			t.Fatalf("%q names %q of another organisation", entry, address)
		}
	})
}

func TestSenderPoliciesAreReadByName(t *testing.T) {
	for _, p := range []SenderPolicy{SendersOpen, SendersAuthenticated, SendersListed} {
		if got, err := ParseSenderPolicy(string(p)); got != p || err != nil {
			t.Errorf("%s: %q, %v", p, got, err)
		}
	}
	if p, err := ParseSenderPolicy("Open "); err == nil {
		t.Errorf("read %q", p)
	}
}
