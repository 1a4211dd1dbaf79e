package mail

import (
	"regexp"
	"strings"
)

// sesReceived recognises SES's Received line: "from HOST by inbound-smtp.REGION.amazonaws.com with
// SMTP id ID for RCPT; DATE".
var sesReceived = regexp.MustCompile(`(?i)\bby inbound-smtp\.[a-z0-9.-]+`)

var receivedFor = regexp.MustCompile(`(?i)\sfor <?([^\s<>;]+@[^\s<>;]+)>?`)

// sesFields returns the fields that SES put on top of a message: its Received line and the X-SES-,
// Received-SPF, Authentication-Results and Return-Path fields around it, up to the first other
// field (RFC 8601 section 5: fields further down may be forged). found is false if SES's Received
// line is not among them; then no field is trusted.
func sesFields(h header) (ses header, found bool) {
	for _, f := range h {
		switch {
		case f.name == "received":
			if found || !sesReceived.MatchString(f.value) {
				return ses, found
			}
			found = true
		case f.name == "return-path", f.name == "received-spf", f.name == "authentication-results":
		case strings.HasPrefix(f.name, "x-ses-"):
		default:
			return ses, found
		}
		ses = append(ses, f)
		if f.name == "x-ses-dkim-signature" && found {
			return ses, true // SES's last field: a field with such a name below it is the sender's
		}
	}
	return ses, found
}

func verdictsFrom(ses header) Verdicts {
	v := Verdicts{
		Spam:  oneLine(ses.get("x-ses-spam-verdict")),
		Virus: oneLine(ses.get("x-ses-virus-verdict")),
	}
	results := ses.get("authentication-results")
	server, _, _ := strings.Cut(results, ";")
	if !strings.EqualFold(strings.TrimSpace(server), "amazonses.com") {
		return v // not SES's own
	}
	v.AuthenticationResults = oneLine(results)
	v.SPF = onlyResult(results, "spf")
	v.DKIM = dkimResult(results)
	v.DMARC = onlyResult(results, "dmarc")
	return v
}

// ConflictingResult is the result of an authentication method that has two different results. The
// sender may have written one of them, because the field quotes the envelope address and the host
// name.
const ConflictingResult = "conflicting"

func onlyResult(results, method string) string {
	only := ""
	for _, result := range methodResults(results, method) {
		if only != "" && result != only {
			return ConflictingResult
		}
		only = result
	}
	return only
}

// dkimResult returns pass if any signature of the message passes.
func dkimResult(results string) string {
	all := methodResults(results, "dkim")
	for _, result := range all {
		if result == "pass" {
			return result
		}
	}
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// methodResults finds "method=result" at the beginning of each clause of an Authentication-Results
// value.
func methodResults(results, method string) []string {
	var found []string
	for _, clause := range strings.Split(results, ";") {
		name, rest, ok := strings.Cut(clause, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), method) {
			continue
		}
		if words := strings.Fields(rest); len(words) > 0 {
			found = append(found, strings.ToLower(words[0]))
		}
	}
	return found
}

// recipients lists the addresses that a message was sent to, that of the envelope first: To and Cc
// are only what the sender wrote, and do not show a blind copy.
func recipients(h, ses header, m Message) []Recipient {
	var list []Recipient
	seen := map[string]bool{}
	add := func(source, address string) {
		key := source + " " + strings.ToLower(address)
		if address != "" && !seen[key] {
			seen[key] = true
			list = append(list, Recipient{Address: address, Source: source})
		}
	}
	if match := receivedFor.FindStringSubmatch(ses.get("received")); match != nil {
		add("envelope", oneLine(match[1]))
	}
	for _, name := range []string{"delivered-to", "x-original-to"} {
		addresses, _ := h.addresses(name)
		for _, a := range addresses {
			add(name, a.Address)
		}
	}
	for _, a := range m.To {
		add("to", a.Address)
	}
	for _, a := range m.Cc {
		add("cc", a.Address)
	}
	return list
}
