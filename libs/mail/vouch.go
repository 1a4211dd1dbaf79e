package mail

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// vouch says whether SES vouches for the domain of a message's authors.
type vouch struct {
	by      string // what vouches, for people: "DMARC", "DKIM of shop.example"; empty if nothing does
	against string // why nothing does; empty if something does
}

func unvouched(format string, args ...any) vouch {
	return vouch{against: fmt.Sprintf(format, args...)}
}

// vouchFor judges the authors by SES's own fields: DMARC passes for their domain, or their domain
// has no DMARC policy and an aligned SPF or DKIM result passes. What is missing, or could be the
// sender's own words, vouches for nobody.
func vouchFor(ses header, found bool, m Message) vouch {
	if !found {
		return unvouched("no field of SES says who sent it")
	}
	domains, err := authorDomains(m)
	if err != nil {
		return unvouched("%v", err)
	}
	results, err := readResults(ses)
	if err != nil {
		return unvouched("%v", err)
	}
	switch results.dmarc {
	case "pass":
		if slices.ContainsFunc(domains, func(d string) bool { return d != results.dmarcDomain }) {
			return unvouched("DMARC passes for %q, and not for %s", results.dmarcDomain, strings.Join(domains, ", "))
		}
		return vouch{by: "DMARC"}
	case "", "none":
	default:
		return unvouched("DMARC: %s", results.dmarc)
	}
	for _, passed := range results.passed {
		if !slices.ContainsFunc(domains, func(d string) bool { return !aligned(d, passed.domain) }) {
			return vouch{by: passed.method + " of " + passed.domain}
		}
	}
	return unvouched("it has no DMARC policy, and neither SPF nor DKIM passes for %s", strings.Join(domains, ", "))
}

// authorDomains are the domains that somebody must vouch for. Of several authors a Sender must say
// who sent the message (RFC 5322 section 3.6.2), and then its domain is one of them.
func authorDomains(m Message) ([]string, error) {
	mailboxes := m.From
	if len(m.From) == 0 {
		return nil, fmt.Errorf("it has no From")
	}
	if len(m.From) > 1 {
		sender, _ := m.header.addresses("sender")
		if len(sender) != 1 {
			return nil, fmt.Errorf("there are %d authors in From, and Sender does not name the one who sent it", len(m.From))
		}
		mailboxes = append(slices.Clip(mailboxes), sender...)
	}
	var domains []string
	for _, mailbox := range mailboxes {
		_, domain, err := splitAddress(mailbox.Address)
		if err != nil {
			return nil, fmt.Errorf("%q in From %w", mailbox.Address, err)
		}
		ascii, ok := asciiDomain(domain)
		if !ok {
			return nil, fmt.Errorf("%q in From is no domain", domain)
		}
		if !slices.Contains(domains, ascii) {
			domains = append(domains, ascii)
		}
	}
	return domains, nil
}

// authResults are the results that SES found.
type authResults struct {
	dmarc, dmarcDomain string   // the latter is the domain of From, as SES read it
	passed             []passed // DKIM first: it survives forwarding
}

// passed is a domain that SPF or DKIM passed for.
type passed struct{ method, domain string }

// readResults reads SES's Authentication-Results. The field quotes words of the sender: the
// envelope address, the host's name, a signature's identity. So it is read strictly, and the error
// says what is not as SES writes it.
func readResults(ses header) (authResults, error) {
	fields := ses.all("authentication-results")
	if len(fields) != 1 {
		return authResults{}, fmt.Errorf("there are %d fields Authentication-Results of SES", len(fields))
	}
	if word := smuggled(ses); word != "" {
		return authResults{}, fmt.Errorf("its sender may have written the results: %s", word)
	}
	clauses := strings.Split(withoutComments(fields[0]), ";")
	if !strings.EqualFold(strings.TrimSpace(clauses[0]), "amazonses.com") {
		return authResults{}, fmt.Errorf("the field Authentication-Results is not of SES")
	}
	r, spf, seen := authResults{}, "", map[string]bool{}
	envelope := returnPathDomain(ses)
	for _, clause := range clauses[1:] {
		words := strings.Fields(clause)
		if len(words) == 0 {
			continue
		}
		name, value, ok := strings.Cut(strings.ToLower(words[0]), "=")
		if !ok || !slices.Contains([]string{"spf", "dkim", "dmarc", "client-ip", "envelope-from", "helo"}, name) || seen[name] && name != "dkim" {
			return authResults{}, fmt.Errorf("the results of SES have %q, which SES does not write", words[0])
		}
		seen[name] = true
		properties := clauseProperties(words[1:])
		switch name {
		case "spf":
			spf = value
		case "dkim":
			if domain, ok := signer(properties); ok && value == "pass" {
				r.passed = append(r.passed, passed{"DKIM", domain})
			}
		case "dmarc":
			r.dmarc = value
			r.dmarcDomain, _ = asciiDomain(properties["header.from"])
		}
	}
	said := strings.Fields(strings.ToLower(ses.get("received-spf")))
	if contradicted := len(said) > 0 && said[0] != spf; spf == "pass" && envelope != "" && !contradicted {
		r.passed = append(r.passed, passed{"SPF", envelope})
	}
	return r, nil
}

func clauseProperties(words []string) map[string]string {
	properties := map[string]string{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		properties[strings.ToLower(name)] = value
	}
	return properties
}

// signer is the domain whose signature it is: header.d, or the domain of header.i, which is that or
// one below it (RFC 6376 section 3.5).
func signer(properties map[string]string) (domain string, ok bool) {
	_, of, found := strings.Cut(properties["header.i"], "@")
	identity, ok := asciiDomain(of)
	if d := properties["header.d"]; d != "" {
		domain, valid := asciiDomain(d)
		return domain, valid && (!found || ok && (identity == domain || strings.HasSuffix(identity, "."+domain)))
	}
	return identity, ok
}

// smuggled returns the words of the sender in SES's fields with which it could end a result and
// write another; empty if there are none.
func smuggled(ses header) string {
	received, _, _ := strings.Cut(ses.get("received"), " by inbound-smtp.")
	for _, word := range []string{received, ses.get("return-path")} {
		if strings.ContainsAny(word, ";=\"\\") {
			return word
		}
	}
	for _, name := range []string{"authentication-results", "received-spf"} {
		if value := ses.get(name); strings.ContainsAny(value, "\"\\") || strings.Count(value, "(") != strings.Count(value, ")") {
			return value
		}
	}
	return ""
}

func withoutComments(value string) string {
	var rest strings.Builder
	for value != "" {
		if length := commentLength(value); value[0] == '(' && length > 0 {
			value = value[length:]
			rest.WriteByte(' ')
			continue
		}
		rest.WriteByte(value[0])
		value = value[1:]
	}
	return rest.String()
}

// returnPathDomain is the domain of the envelope's sender, for which SPF answers; empty if there is
// none.
func returnPathDomain(ses header) string {
	paths := ses.all("return-path")
	if len(paths) == 0 {
		return ""
	}
	_, domain, err := splitAddress(strings.Trim(paths[0], "<> "))
	if err != nil {
		return ""
	}
	ascii, _ := asciiDomain(domain)
	return ascii
}

// aligned says whether both domains are of one organisation (RFC 7489 section 3.1, relaxed).
func aligned(a, b string) bool { return organisation(a) == organisation(b) }

// organisation is the part of a domain below its public suffix; a public suffix stands for itself.
func organisation(domain string) string {
	if below, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return below
	}
	return domain
}

// domainProfile reads domains as resolvers do, and takes those with two dashes anywhere.
var domainProfile = idna.New(
	idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.CheckHyphens(false),
)

// asciiDomain is the one form in which domains are compared: lower case, as DNS has it. ok is false
// if it is no domain of the Internet.
func asciiDomain(domain string) (ascii string, ok bool) {
	ascii, err := domainProfile.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || !strings.Contains(ascii, ".") || strings.Trim(ascii, "0123456789.") == "" {
		return "", false
	}
	return ascii, true
}
