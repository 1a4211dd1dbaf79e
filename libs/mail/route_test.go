package mail

import (
	"errors"
	"strings"
	"testing"
)

const routesForTest = `{
  "domains": ["example.com", "eu.example.com"],
  "routes": [
    {"address": "Help@example.org", "project": "Amelia", "user": "Scott"},
    {"address": "*@amelia.example", "project": "amelia"},
    {"address": "*@old.example", "project": "amelia", "user": "scott"},
    {"address": "boss@amelia.example.com", "project": "override", "user": "jean"}
  ]
}`

func readRoutes(t testing.TB) Routes {
	routes, err := ReadRoutes(strings.NewReader(routesForTest))
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

func TestRouteAddress(t *testing.T) {
	routes := readRoutes(t)
	for _, c := range []struct {
		address string
		want    string // project#user, or a part of the reason
	}{
		{"scott@amelia.example.com", "amelia#scott"},
		{"Scott@AMELIA.Example.com", "amelia#scott"},
		{"amelia+scott@example.com", "amelia#scott"},
		{"scott@amelia.eu.example.com", "amelia#scott"},
		{"amelia+scott@eu.example.com", "amelia#scott"},
		{"help@example.org", "amelia#scott"},
		{"jean.grey@amelia.example", "amelia#jean.grey"},
		{"anyone at all@old.example", "amelia#scott"},
		{"boss@amelia.example.com", "override#jean"},
		{"scott@example.com", "write to project+user@example.com or user@project.example.com"},
		{"scott@elsewhere.example", `the domain "elsewhere.example" is not one of ours`},
		{"scott@notexample.com", `the domain "notexample.com" is not one of ours`},
		{"scott+tag@amelia.example.com", `user name "scott+tag"`},
		{"a+b+c@example.com", `user name "b+c"`},
		{"sc#ott@amelia.example.com", "user name"},
		{".scott@amelia.example.com", "user name"},
		{"+scott@example.com", "project name"},
		{"scött@amelia.example.com", "user name"},
		{strings.Repeat("x", 65) + "@amelia.example.com", "user name"},
		{"../../x@amelia.example", "user name"},
		{"no address", "is not an address"},
		{"", "is not an address"},
	} {
		target, err := routes.Address(c.address)
		if err == nil {
			if got := target.Project + "#" + target.User; got != c.want || string(target.Key) != got || target.Recipient != c.address || target.Rule == "" {
				t.Errorf("%q: %+v, want %s", c.address, target, c.want)
			}
			continue
		}
		var unroutable *UnroutableError
		if !errors.As(err, &unroutable) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.address, err, c.want)
		}
	}
}

func TestAMessageIsRoutedToEachKeyThatItAddresses(t *testing.T) {
	routes := readRoutes(t)
	m := Message{Recipients: []Recipient{
		{"blind@elsewhere.example", "envelope"}, {"scott@amelia.example.com", "delivered-to"}, {"info@example.com", "to"},
		{"Scott@amelia.example.com", "to"}, {"jean@phoenix.example.com", "to"}, {"amelia+scott@example.com", "cc"}, {"INFO@example.com", "cc"}}}
	targets, refused, err := routes.Message(m)
	if err != nil || len(targets) != 2 || targets[0].Key != "amelia#scott" || targets[0].Recipient != "scott@amelia.example.com" || targets[1].Key != "phoenix#jean" {
		t.Errorf("%+v, %v", targets, err)
	}
	if len(refused) != 1 || refused[0].Address != "info@example.com" || !strings.Contains(refused[0].Reason, "write to project+user@example.com") {
		t.Errorf("refused %+v, want the one that is ours", refused)
	}
}

func TestAKeyThatIsTooLongForAMessageGroupIsNoRoute(t *testing.T) {
	routes := readRoutes(t)
	longest, user := strings.Repeat("p", 64), strings.Repeat("u", 63)
	if target, err := routes.Address(longest + "+" + user + "@example.com"); err != nil || len(target.Key) != 128 {
		t.Errorf("%+v, %v", target, err)
	}
	if target, err := routes.Address(longest + "+" + user + "u@example.com"); err == nil || !strings.Contains(err.Error(), "message group of 128") {
		t.Errorf("%+v, %v", target, err)
	}
	file := `{"routes": [{"address": "a@b.example", "project": "` + longest + `", "user": "` + user + `u"}]}`
	if _, err := ReadRoutes(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), "message group of 128") {
		t.Errorf("error %v", err)
	}
}

func TestAnUnroutableMessageSaysWhyForEachRecipient(t *testing.T) {
	routes := readRoutes(t)
	_, _, err := routes.Message(Message{Recipients: []Recipient{{"a@x.example", "to"}, {"b@example.com", "cc"}}})
	var unroutable *UnroutableError
	if !errors.As(err, &unroutable) || len(unroutable.Tried) != 2 {
		t.Fatalf("error %v", err)
	}
	if _, _, err = routes.Message(Message{}); !errors.As(err, &unroutable) || !strings.Contains(err.Error(), "names no recipient") {
		t.Errorf("error %v", err)
	}
}

func TestReadRoutesRefuses(t *testing.T) {
	for what, file := range map[string]string{
		"an unknown field":                `{"domain": ["example.com"]}`,
		"text after the value":            `{} {}`,
		"no JSON":                         `domains: example.com`,
		"a bad domain":                    `{"domains": ["@example.com"]}`,
		"no address":                      `{"routes": [{"address": "scott", "project": "a", "user": "b"}]}`,
		"an unsafe project":               `{"routes": [{"address": "a@b.example", "project": "../a", "user": "b"}]}`,
		"a missing user":                  `{"routes": [{"address": "a@b.example", "project": "a"}]}`,
		"two entries for one address":     `{"routes": [{"address": "a@b.example", "project": "a", "user": "b"}, {"address": "A@B.example", "project": "c", "user": "d"}]}`,
		"two entries for a whole domain":  `{"routes": [{"address": "*@b.example", "project": "a"}, {"address": "*@b.example", "project": "c"}]}`,
		"an unsafe user for whole domain": `{"routes": [{"address": "*@b.example", "project": "a", "user": "#"}]}`,
	} {
		if routes, err := ReadRoutes(strings.NewReader(file)); err == nil {
			t.Errorf("%s: accepted as %+v", what, routes)
		}
	}
}
