package mail

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// SenderPolicy says what is asked of a message's authors.
type SenderPolicy string

// The policies, by what SENDERS may be.
const (
	SendersOpen          SenderPolicy = "open"          // nothing
	SendersAuthenticated SenderPolicy = "authenticated" // that their domain is vouched for
	SendersListed        SenderPolicy = "listed"        // that besides, the route names them
)

// ParseSenderPolicy reads a policy.
func ParseSenderPolicy(value string) (SenderPolicy, error) {
	p := SenderPolicy(value)
	if !slices.Contains([]SenderPolicy{SendersOpen, SendersAuthenticated, SendersListed}, p) {
		return "", fmt.Errorf("%q: want %s, %s or %s", value, SendersOpen, SendersAuthenticated, SendersListed)
	}
	return p, nil
}

// Hold says why a person must release the message before it may become a job of the target; empty
// if it may at once. SES's doubts, and a class that is in doubt, count under every policy.
func (p SenderPolicy) Hold(m Message, t Target) string {
	if failed := m.Verdicts.Failed(); len(failed) > 0 {
		return "SES found that it fails " + strings.Join(failed, ", ")
	}
	if m.Class == ClassDoubtful {
		return "it may be of a program that wants no answer: " + strings.Join(m.ClassReasons, "; ")
	}
	if p == SendersOpen {
		return ""
	}
	if m.vouch.by == "" {
		return "nobody vouches for its sender: " + m.vouch.against
	}
	if p == SendersAuthenticated {
		return ""
	}
	for _, author := range m.From {
		if !t.Senders.Names(author.Address) {
			return fmt.Sprintf("%s is not among the senders of %s", author.Address, t.Rule)
		}
	}
	return ""
}

// SenderList names senders: scott@shop.example one address, *@shop.example all of a domain, and
// *@*.shop.example all of the domains below it. The zero list names nobody.
type SenderList struct{ patterns []senderPattern }

type senderPattern struct {
	local  string // "*": any
	domain string
	below  bool // of any domain below domain, and not of domain itself
}

// ParseSenders reads a list of senders. It refuses one that would name senders of no single
// organisation.
func ParseSenders(list ...string) (SenderList, error) {
	var senders SenderList
	for _, entry := range list {
		p, err := parseSender(entry)
		if err != nil {
			return SenderList{}, fmt.Errorf("sender %q: %w", entry, err)
		}
		senders.patterns = append(senders.patterns, p)
	}
	return senders, nil
}

func parseSender(entry string) (senderPattern, error) {
	local, domain, err := splitSender(entry)
	if err != nil {
		return senderPattern{}, err
	}
	p := senderPattern{local: local}
	domain, p.below = strings.CutPrefix(domain, "*.")
	ascii, ok := asciiDomain(domain)
	switch {
	case local != "*" && (strings.Contains(local, "*") || p.below), !ok:
		return p, errors.New("want local@domain, *@domain or *@*.domain")
	case p.below && isPublicSuffix(ascii):
		return p, fmt.Errorf("anybody may have a domain below %s", ascii)
	}
	p.domain = ascii
	return p, nil
}

func isPublicSuffix(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}

// Names says whether the list names the address. Case does not count, a subaddress (scott+plants@…)
// is an address of its own, and a domain is the same in both of its forms.
func (l SenderList) Names(address string) bool {
	local, domain, err := splitSender(address)
	if err != nil {
		return false
	}
	ascii, ok := asciiDomain(domain)
	return ok && slices.ContainsFunc(l.patterns, func(p senderPattern) bool {
		if p.below && !strings.HasSuffix(ascii, "."+p.domain) || !p.below && ascii != p.domain {
			return false
		}
		return p.local == "*" || p.local == local
	})
}

// splitSender returns both sides of an address. Only ASCII letters of the local part lose their
// case: others may have letters that look like theirs.
func splitSender(address string) (local, domain string, err error) {
	address = strings.TrimSpace(address)
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 {
		return "", "", errors.New("is not an address (local@domain)")
	}
	return lowerASCII(address[:at]), address[at+1:], nil
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}
