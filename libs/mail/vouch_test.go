package mail

import (
	"fmt"
	"strings"
	"testing"
)

// fromSES is a mail as SES stores it, with its results; %s stands for what the envelope says.
func fromSES(t testing.TB, envelope, results, header string) Message {
	t.Helper()
	raw := "Return-Path: <" + envelope + ">\n" +
		"Received: from mx.sender.example (mx.sender.example [192.0.2.10]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for scott@amelia.example.com; date\n" +
		"X-SES-Spam-Verdict: PASS\nX-SES-Virus-Verdict: PASS\n" + results + "\nX-SES-DKIM-SIGNATURE: a=rsa-sha256; d=amazonses.com\n" + header + "\n\nText.\n"
	m, err := Parse([]byte(raw), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const sesResults = "Authentication-Results: amazonses.com; "

// spfOf is what SES writes of SPF.
func spfOf(result, envelope string) string {
	return fmt.Sprintf("spf=%s (spfCheck: domain of %s designates 192.0.2.10 as permitted sender) client-ip=192.0.2.10; envelope-from=%s; helo=mx.sender.example; ", result, envelope, envelope)
}

func TestWhoVouchesForASender(t *testing.T) {
	const ada = "From: Ada <ada@shop.example>"
	for _, c := range []struct {
		what, envelope, results, header string
		by                              string // empty: nobody
	}{
		{"DMARC", "ada@shop.example", spfOf("pass", "ada@shop.example") + "dkim=pass header.i=@shop.example; dmarc=pass header.from=shop.example;", ada, "DMARC"},
		{"DMARC, whatever SPF says", "list@lists.example", spfOf("fail", "list@lists.example") + "dkim=pass header.i=@shop.example; dmarc=pass header.from=shop.example", ada, "DMARC"},
		{"DMARC of another domain", "m@evil.example", spfOf("pass", "m@evil.example") + "dmarc=pass header.from=evil.example", ada, ""},
		{"DMARC of a subdomain", "ada@shop.example", spfOf("none", "ada@shop.example") + "dmarc=pass header.from=mail.shop.example", ada, ""},
		{"DMARC of no domain", "ada@shop.example", spfOf("pass", "ada@shop.example") + "dmarc=pass", ada, ""},
		{"a DMARC policy that fails", "ada@shop.example", spfOf("pass", "ada@shop.example") + "dkim=pass header.i=@shop.example; dmarc=fail header.from=shop.example", ada, ""},
		{"DMARC that could not be looked up", "ada@shop.example", spfOf("pass", "ada@shop.example") + "dmarc=temperror header.from=shop.example", ada, ""},
		{"SPF without a policy", "ada@shop.example", spfOf("pass", "ada@shop.example") + "dmarc=none header.from=shop.example", ada, "SPF of shop.example"},
		{"SPF of its organisation", "bounce@mail.shop.example", spfOf("pass", "bounce@mail.shop.example") + "dmarc=none", ada, "SPF of mail.shop.example"},
		{"SPF, nothing known of DMARC", "ada@shop.example", spfOf("pass", "ada@shop.example"), ada, "SPF of shop.example"},
		{"SPF of another's domain", "m@evil.example", spfOf("pass", "m@evil.example") + "dmarc=none", ada, ""},
		{"SPF that fails", "ada@shop.example", spfOf("fail", "ada@shop.example") + "dkim=fail header.i=@shop.example; dmarc=none", ada, ""},
		{"SPF that is soft", "ada@shop.example", spfOf("softfail", "ada@shop.example") + "dmarc=none", ada, ""},
		{"SPF of no envelope", "", "spf=pass; dmarc=none", ada, ""},
		{"SPF, and Received-SPF that says otherwise", "ada@shop.example", spfOf("pass", "ada@shop.example") + "dmarc=none\nReceived-SPF: fail (x)", ada, ""},
		{"DKIM without a policy", "b@esp.example", spfOf("pass", "b@esp.example") + "dkim=pass header.i=@shop.example; dmarc=none", ada, "DKIM of shop.example"},
		{"DKIM of a domain below", "b@esp.example", "dkim=pass header.i=@news.shop.example; dmarc=none", ada, "DKIM of news.shop.example"},
		{"one of many signatures", "b@esp.example", "dkim=permerror header.i=@shop.example; dkim=pass header.i=@esp.example; dkim=pass header.i=@shop.example; dmarc=none", ada, "DKIM of shop.example"},
		{"DKIM of another's domain", "b@esp.example", "dkim=pass header.i=@evil.example; dmarc=none", ada, ""},
		{"DKIM by header.d", "b@esp.example", "dkim=pass header.i=ada@x.shop.example header.d=shop.example; dmarc=none", ada, "DKIM of shop.example"},
		{"a DKIM identity outside of its domain", "b@esp.example", "dkim=pass header.i=@evil.example header.d=shop.example; dmarc=none", ada, ""},
		{"DKIM that fails", "b@esp.example", "dkim=fail (bad signature) header.i=@shop.example; dmarc=none", ada, ""},
		{"a neighbour under a public suffix", "b@evil.co.uk", spfOf("pass", "b@evil.co.uk") + "dmarc=none", "From: a@shop.co.uk", ""},
		{"a neighbour at a host of sites", "b@evil.github.io", spfOf("pass", "b@evil.github.io") + "dmarc=none", "From: a@shop.github.io", ""},
		{"a domain that ends alike", "b@evilshop.example", spfOf("pass", "b@evilshop.example") + "dmarc=none", ada, ""},
		{"case and a final dot", "b@SHOP.example", spfOf("pass", "b@SHOP.example") + "dkim=none; dmarc=none", "From: ADA@Shop.Example.", "SPF of shop.example"},
		{"a domain in letters", "b@xn--grtner-bua.example", spfOf("pass", "b@xn--grtner-bua.example") + "dmarc=pass header.from=xn--grtner-bua.example", "From: ada@gärtner.example", "DMARC"},
		{"a domain that looks alike", "b@xn--shp-fmc.example", spfOf("pass", "b@xn--shp-fmc.example") + "dmarc=none", ada, ""},
		{"a name that is another's address", "m@evil.example", spfOf("pass", "m@evil.example") + "dmarc=none", "From: ceo@shop.example <m@evil.example>", "SPF of evil.example"},
		{"an address without a domain", "m@evil.example", spfOf("pass", "m@evil.example"), "From: ceo", ""},
		{"an address at a machine", "m@evil.example", spfOf("pass", "m@evil.example"), "From: a@[192.0.2.1]", ""},
		{"no From", "m@evil.example", spfOf("pass", "m@evil.example"), "Subject: x", ""},
		{"several authors and no Sender", "ada@shop.example", spfOf("pass", "ada@shop.example") + "dmarc=pass header.from=shop.example", "From: ada@shop.example, bob@shop.example", ""},
		{"several authors, one the Sender", "ada@shop.example", spfOf("pass", "ada@shop.example") + "dmarc=pass header.from=shop.example", "From: ada@shop.example, bob@shop.example\nSender: ada@shop.example", "DMARC"},
		{"an author of elsewhere beside the Sender", "m@evil.example", spfOf("pass", "m@evil.example") + "dmarc=none", "From: ceo@shop.example, m@evil.example\nSender: m@evil.example", ""},
		{"a Sender of elsewhere", "m@evil.example", spfOf("pass", "m@evil.example") + "dmarc=pass header.from=shop.example", "From: a@shop.example, b@shop.example\nSender: m@evil.example", ""},
		{"two fields From", "m@evil.example", spfOf("pass", "m@evil.example") + "dmarc=none", "From: m@evil.example\nFrom: ceo@shop.example", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := fromSES(t, c.envelope, sesResults+c.results, c.header)
			if m.Verdicts.VouchedBy != c.by || (m.vouch.against == "") != (c.by != "") {
				t.Errorf("vouched for by %q, against it %q; want %q", m.Verdicts.VouchedBy, m.vouch.against, c.by)
			}
		})
	}
}

// The sender chooses the envelope address, the host's name and the identity of a signature, which
// SES quotes in its results.
func TestTheSendersOwnWordsVouchForNobody(t *testing.T) {
	const forged = "dkim=pass header.i=@bank.example; dmarc=pass header.from=bank.example"
	for what, results := range map[string]string{
		"an envelope address in quotes": sesResults + `spf=pass envelope-from="x; ` + forged + `; "@evil.example; helo=h`,
		"no results":                    "",
		"results of another":            "Authentication-Results: mx.evil.example; " + forged,
		"results of nobody":             "Authentication-Results: " + forged,
		"two fields":                    sesResults + "spf=fail\n" + sesResults + forged,
		"two results of one kind":       sesResults + "dmarc=fail header.from=bank.example; " + forged,
		"a word that SES does not know": sesResults + "helo=x; y@evil.example; " + forged,
		"two host names":                sesResults + "helo=x; helo=y; " + forged,
		"a comment that is not closed":  sesResults + "spf=fail (x; " + forged,
		"an identity of two":            sesResults + "dkim=pass header.i=@bank.example@evil.example; dmarc=none",
	} {
		t.Run(what, func(t *testing.T) {
			if m := fromSES(t, "x@evil.example", results, "From: ceo@bank.example"); m.Verdicts.VouchedBy != "" {
				t.Errorf("vouched for by %q", m.Verdicts.VouchedBy)
			}
		})
	}
	for what, top := range map[string]string{
		"no line of SES":            "Return-Path: <x@bank.example>\n" + sesResults + forged + "\n",
		"a host's name":             "Return-Path: <x@evil.example>\nReceived: from h; " + forged + " by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for a@b.example; date\n" + sesResults + "helo=h; " + forged + "\n",
		"an address with semicolon": "Return-Path: <x;dkim=pass@evil.example>\nReceived: from h by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for a@b.example; date\n" + sesResults + forged + "\n",
		"below the last field": "Received: from h by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for a@b.example; date\n" +
			"X-SES-DKIM-SIGNATURE: a=b\n" + sesResults + forged + "\n",
	} {
		t.Run(what, func(t *testing.T) {
			m, err := Parse([]byte(top+"From: ceo@bank.example\n\nText.\n"), DefaultLimits())
			if err != nil || m.Verdicts.VouchedBy != "" {
				t.Errorf("vouched for by %q (%v)", m.Verdicts.VouchedBy, err)
			}
		})
	}
}

// FuzzVouch lets the sender write an envelope address, a host's name and a From. SES's own results
// are of a stranger, so no domain of ours is vouched for.
func FuzzVouch(f *testing.F) {
	f.Add("m@evil.example", "mx.evil.example", "ceo@shop.example")
	f.Add(`"x; dmarc=pass header.from=shop.example; "@evil.example`, "h", "ceo@shop.example")
	f.Add("m@evil.example", "h; dkim=pass header.i=@shop.example", "ceo@shop.example <m@evil.example>")
	f.Add("m@evil.example", "h", "m@evil.example, ceo@shop.example")
	f.Add("m@evil.example", "h) dmarc=pass (", "ceo@SHOP.example.")
	oneLine := strings.NewReplacer("\n", " ", "\r", " ").Replace
	f.Fuzz(func(t *testing.T, envelope, host, from string) {
		envelope, host, from = oneLine(envelope)+"@evil.example", oneLine(host), oneLine(from)
		raw := "Return-Path: <" + envelope + ">\n" +
			"Received: from " + host + " (evil.example [192.0.2.66]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 1 for scott@amelia.example.com; date\n" +
			sesResults + "spf=pass (spfCheck: domain of evil.example designates 192.0.2.66 as permitted sender) client-ip=192.0.2.66; envelope-from=" + envelope +
			"; helo=" + host + "; dkim=pass header.i=@evil.example; dmarc=none header.from=x;\nX-SES-DKIM-SIGNATURE: a=b\nFrom: " + from + "\n\nText.\n"
		m, _ := Parse([]byte(raw), DefaultLimits())
		if m.Verdicts.VouchedBy == "" {
			return
		}
		for _, author := range m.From {
			_, domain, err := splitAddress(author.Address)
			ascii, ok := asciiDomain(domain)
			if err != nil || !ok || !aligned(ascii, "evil.example") {
				t.Fatalf("%s vouches for %q", m.Verdicts.VouchedBy, author.Address)
			}
		}
	})
}
