package scenario

import (
	"fmt"
	"strings"

	"github.com/webordinary/hephaestus/libs/mail"
)

// Author is who wrote a mail, and what SES finds out about that.
type Author int

// The authors.
const (
	Unchecked Author = iota // a customer; SES looked at nothing
	Customer                // one whose domain is vouched for, and whom the routes name
	Stranger                // one whose domain is vouched for, and whom no route names
	Forger                  // one who writes as the customer, from a domain of his own
)

// Routes are the routes of every world.
const Routes = `{"domains": ["example.com"], "senders": ["*@customer.example"]}`

// Holds says whether the mail must not begin before a person has released it.
func (s *Scenario) Holds(m Mail) bool {
	switch s.Senders {
	case mail.SendersAuthenticated:
		return m.Author == Unchecked || m.Author == Forger
	case mail.SendersListed:
		return m.Author != Customer
	}
	return false
}

// from is the From of the mail.
func (m Mail) from() string {
	if m.Author == Stranger {
		return "someone@elsewhere.example"
	}
	return "someone@customer.example"
}

// found is what SES writes on top of the mail: every domain has its own SPF and DKIM, and no DMARC
// policy.
func (m Mail) found() []string {
	if m.Author == Unchecked {
		return nil
	}
	_, of, _ := strings.Cut(m.from(), "@")
	if m.Author == Forger {
		of = "forger.example"
	}
	return []string{
		"Return-Path: <bounces@" + of + ">",
		fmt.Sprintf("Received: from mx.%s (mx.%s [192.0.2.1]) by inbound-smtp.us-east-1.amazonaws.com with SMTP id %s for %s; Thu, 1 Jan 2026 00:00:00 +0000 (UTC)", of, of, m.ID, m.to()),
		fmt.Sprintf("Authentication-Results: amazonses.com; spf=pass (spfCheck: domain of %s designates 192.0.2.1 as permitted sender) client-ip=192.0.2.1; envelope-from=bounces@%s; helo=mx.%s; dkim=pass header.i=@%s; dmarc=none header.from=x;", of, of, of, of),
		"X-SES-DKIM-SIGNATURE: a=rsa-sha256; d=amazonses.com",
	}
}
