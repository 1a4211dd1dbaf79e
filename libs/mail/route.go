package mail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/webordinary/hephaestus/libs/job"
)

// Routes say which project and user an address stands for: by an entry for the address, else by one
// for its whole domain, else by the rule of the domains. By that rule, for a domain example.com,
// both user@project.example.com and project+user@example.com stand for that user of that project.
//
// The zero value routes nothing.
type Routes struct {
	domains   []string          // lower case, longest first
	addresses map[string]Target // by address, lower case
	wildcards map[string]Target // by domain, lower case
	senders   SenderList        // of the domains, and of entries that name none
}

// Target is the project and user that a message is for. Both names are lower case.
type Target struct {
	Project   string  `json:"project"`
	User      string  `json:"user"`
	Key       job.Key `json:"key"`
	Recipient string  `json:"recipient"` // the address that decided
	Rule      string  `json:"rule"`      // the rule that decided, for people

	Senders SenderList `json:"-"` // who may write to it, under SendersListed
}

// UnroutableError says for each recipient of a message why it has no route, and what to do about
// it.
type UnroutableError struct {
	Tried []Refusal
}

// Refusal is one address that is not routed.
type Refusal struct {
	Address string
	Reason  string
	Ours    bool // the address is in a domain of ours, so its sender expects somebody behind it
}

func (e *UnroutableError) Error() string {
	if len(e.Tried) == 0 {
		return "mail: unroutable: the message names no recipient; look at what delivered it without an envelope recipient"
	}
	return "mail: unroutable: " + Reasons(e.Tried)
}

// Reasons says of each address why it is not routed.
func Reasons(refused []Refusal) string {
	reasons := make([]string, len(refused))
	for i, r := range refused {
		reasons[i] = fmt.Sprintf("%q: %s", r.Address, r.Reason)
	}
	return strings.Join(reasons, "; ")
}

// routesFile is the form of the routes file:
//
//	{
//	  "domains": ["example.com"],
//	  "senders": ["*@customer.example"],
//	  "routes": [
//	    {"address": "help@example.org", "project": "amelia", "user": "scott"},
//	    {"address": "*@amelia.example", "project": "amelia", "senders": ["dana@shop.example", "*@*.amelia.example"]}
//	  ]
//	}
//
// Only an entry for a whole domain may leave out the user: then the local part of the address is
// the user. An entry's senders may write to it, under SendersListed; if it has no such list, those
// of the file may, as they may write to the domains.
type routesFile struct {
	Domains []string `json:"domains"`
	Senders []string `json:"senders"`
	Routes  []struct {
		Address string    `json:"address"`
		Project string    `json:"project"`
		User    string    `json:"user"`
		Senders *[]string `json:"senders"`
	} `json:"routes"`
}

// ReadRoutes reads a routes file and refuses one that has an unknown field, an unsafe name or two
// entries for one address.
func ReadRoutes(file io.Reader) (Routes, error) {
	raw, err := io.ReadAll(file)
	if err != nil {
		return Routes{}, fmt.Errorf("mail: routes file: %w", err)
	}
	var parsed routesFile
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&parsed); err != nil {
		return Routes{}, fmt.Errorf("mail: routes file: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Routes{}, errors.New("mail: routes file: more than one JSON value")
	}
	routes, err := NewRoutes(parsed.Domains...)
	if err != nil {
		return Routes{}, fmt.Errorf("mail: routes file: %w", err)
	}
	if routes.senders, err = ParseSenders(parsed.Senders...); err != nil {
		return Routes{}, fmt.Errorf("mail: routes file: %w", err)
	}
	for _, entry := range parsed.Routes {
		senders := routes.senders
		if entry.Senders != nil {
			if senders, err = ParseSenders(*entry.Senders...); err != nil {
				return Routes{}, fmt.Errorf("mail: routes file: %q: %w", entry.Address, err)
			}
		}
		if err := routes.add(entry.Address, Target{Project: entry.Project, User: entry.User, Senders: senders}); err != nil {
			return Routes{}, fmt.Errorf("mail: routes file: %q: %w", entry.Address, err)
		}
	}
	return routes, nil
}

// NewRoutes are the rules of some domains, without further entries.
func NewRoutes(domains ...string) (Routes, error) {
	routes := Routes{addresses: map[string]Target{}, wildcards: map[string]Target{}}
	for _, domain := range domains {
		domain = strings.ToLower(strings.TrimSpace(domain))
		if domain == "" || strings.ContainsAny(domain, "@* ") {
			return Routes{}, fmt.Errorf("%q is not a domain", domain)
		}
		routes.domains = append(routes.domains, domain)
	}
	sort.Slice(routes.domains, func(i, j int) bool {
		a, b := routes.domains[i], routes.domains[j]
		return len(a) > len(b) || len(a) == len(b) && a < b
	})
	return routes, nil
}

// NameSenders says whether any route names senders.
func (r Routes) NameSenders() bool {
	names := func(t Target) bool { return len(t.Senders.patterns) > 0 }
	return names(Target{Senders: r.senders}) || slices.ContainsFunc(slices.Collect(maps.Values(r.addresses)), names) ||
		slices.ContainsFunc(slices.Collect(maps.Values(r.wildcards)), names)
}

func (r Routes) add(address string, target Target) error {
	local, domain, err := splitAddress(address)
	if err != nil {
		return err
	}
	target.Project, target.User = strings.ToLower(target.Project), strings.ToLower(target.User)
	if err := job.CheckName("project", target.Project); err != nil {
		return err
	}
	entries, key := r.addresses, local+"@"+domain
	if local == "*" {
		entries, key = r.wildcards, domain
	}
	if local != "*" || target.User != "" {
		if _, err := job.NewKey(target.Project, target.User); err != nil {
			return err
		}
	}
	if _, twice := entries[key]; twice {
		return errors.New("has two entries")
	}
	entries[key] = target
	return nil
}

// Message routes a message to each key that one of its recipients stands for, in the order of the
// recipients. refused are those of its other recipients that are ours. If no recipient stands for a
// key, the error is an *UnroutableError.
func (r Routes) Message(m Message) (targets []Target, refused []Refusal, err error) {
	var tried []Refusal
	seen := map[string]bool{} // keys and addresses
	for _, recipient := range m.Recipients {
		address := strings.ToLower(recipient.Address)
		if seen[address] {
			continue
		}
		seen[address] = true
		target, refusal := r.address(recipient.Address)
		switch {
		case refusal != nil:
			tried = append(tried, *refusal)
		case !seen[string(target.Key)]:
			seen[string(target.Key)] = true
			targets = append(targets, target)
		}
	}
	if len(targets) == 0 {
		return nil, nil, &UnroutableError{Tried: tried}
	}
	return targets, slices.DeleteFunc(tried, func(r Refusal) bool { return !r.Ours }), nil
}

// Address routes one address. The error is an *UnroutableError.
func (r Routes) Address(address string) (Target, error) {
	target, refusal := r.address(address)
	if refusal != nil {
		return Target{}, &UnroutableError{Tried: []Refusal{*refusal}}
	}
	return target, nil
}

func (r Routes) address(address string) (Target, *Refusal) {
	target, ours, err := r.route(address)
	if err == nil {
		target.Key, err = job.NewKey(target.Project, target.User)
	}
	if err != nil {
		return Target{}, &Refusal{Address: address, Reason: err.Error(), Ours: ours}
	}
	target.Recipient = address
	return target, nil
}

// route finds the rule for an address. ours says that there is one, or that the domain is ours.
func (r Routes) route(address string) (target Target, ours bool, err error) {
	local, domain, err := splitAddress(address)
	if err != nil {
		return Target{}, false, err
	}
	if target, ok := r.addresses[local+"@"+domain]; ok {
		target.Rule = "routes file: " + local + "@" + domain
		return target, true, nil
	}
	if target, ok := r.wildcards[domain]; ok {
		target.Rule = "routes file: *@" + domain
		if target.User == "" {
			target.User = local
		}
		return target, true, nil
	}
	for _, base := range r.domains {
		if domain == base {
			project, user, ok := strings.Cut(local, "+")
			if !ok {
				return Target{}, true, fmt.Errorf("write to project+user@%s or user@project.%s, or add the address to the routes file", base, base)
			}
			return Target{Project: project, User: user, Rule: "project+user@" + base, Senders: r.senders}, true, nil
		}
		if project, ok := strings.CutSuffix(domain, "."+base); ok {
			return Target{Project: project, User: local, Rule: "user@project." + base, Senders: r.senders}, true, nil
		}
	}
	return Target{}, false, fmt.Errorf("the domain %q is not one of ours; add it, or the address, to the routes file", domain)
}

// splitAddress returns both sides of an address in lower case.
func splitAddress(address string) (local, domain string, err error) {
	local, domain, err = splitSender(address)
	return strings.ToLower(local), strings.ToLower(domain), err
}
