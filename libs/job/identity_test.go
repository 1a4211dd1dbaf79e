package job_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/webordinary/hephaestus/libs/job"
)

func TestAnObjectUnderEmailsForOneKeyGivesItsName(t *testing.T) {
	const key = job.Key("amelia#scott")
	for object, want := range map[string]string{
		"emails/o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1": "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1",
		"emails/a b+c(ü)":                    "a b+c(ü)",
		"emails/" + strings.Repeat("x", 256): strings.Repeat("x", 256),
		"emails/" + strings.Repeat("x", 257): "",
		"emails/a/ID":                        "",
		"emails//ID":                         "",
		"other/ID":                           "",
		"emails/msg-1":                       "",
		"emails/.":                           "",
		"emails/..":                          "",
		"emails/a\nb":                        "",
		"emails/a\x00b":                      "",
		"emails/\xff":                        "",
		"emails/":                            "",
	} {
		got := job.MessageID(object, key, true)
		if derived := strings.HasPrefix(got, "msg-") && len(got) == 44; want == "" && !derived || want != "" && got != want {
			t.Errorf("%q: %q, want %q", object, got, want)
		}
		if again := job.MessageID(object, key, true); again != got {
			t.Errorf("%q: %q, then %q", object, got, again)
		}
		if several := job.MessageID(object, key, false); !strings.HasPrefix(several, "msg-") {
			t.Errorf("%q for several keys: %q", object, several)
		}
	}
}

func TestNoTwoMessagesShareAnIDOrAnExecution(t *testing.T) {
	type message struct {
		object string
		key    job.Key
	}
	names := rapid.SampledFrom([]string{"ID", "a b", "msg-1", "", "a", "b", "mail-" + strings.Repeat("0", 32), "a#b", "\x00"})
	objects := rapid.Custom(func(t *rapid.T) string {
		folder := rapid.SampledFrom([]string{"emails/", "emails/a/", "emails/b/", "other/"}).Draw(t, "folder")
		return folder + names.Draw(t, "name")
	})
	rapid.Check(t, func(t *rapid.T) {
		ids, executions := map[string]message{}, map[string]string{}
		for range 20 {
			object := objects.Draw(t, "object")
			keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]job.Key{"", "a#b", "a#c", "b#a"}), 1, 3, rapid.ID).Draw(t, "keys")
			for _, key := range keys {
				m := message{object, key}
				id := job.MessageID(object, key, len(keys) == 1)
				if other, taken := ids[id]; taken && other != m && !(len(keys) == 1 && other.object == object) {
					t.Fatalf("%q is %+v and %+v", id, other, m)
				}
				ids[id] = m
				name := job.SafeName(id)
				if other, taken := executions[name]; taken && other != id {
					t.Fatalf("the execution %q is of %q and %q", name, other, id)
				}
				executions[name] = id
			}
		}
	})
}

func TestAKeyFitsIntoAMessageGroup(t *testing.T) {
	name := func(n int) string { return strings.Repeat("x", n) }
	for _, parts := range [][2]int{{64, 63}, {63, 64}, {1, 1}} {
		if key, err := job.NewKey(name(parts[0]), name(parts[1])); err != nil || len(key) > 128 {
			t.Errorf("%v: %q, %v", parts, key, err)
		}
	}
	if key, err := job.NewKey(name(64), name(64)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("may have %d together", 127)) {
		t.Errorf("%q, %v", key, err)
	}
}

func TestSafeName(t *testing.T) {
	for id, want := range map[string]string{
		"o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1": "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1",
		"a.b_c-D9":                         "a.b_c-D9",
		strings.Repeat("x", 64):            strings.Repeat("x", 64),
		strings.Repeat("x", 65):            "mail-",
		"with space":                       "mail-",
		"ümlaut":                           "mail-",
		"a*":                               "mail-",
		"mail-1":                           "mail-1",
		"mail-" + strings.Repeat("0a", 16): "mail-", // else it could be the name of another's execution
		"":                                 "mail-",
	} {
		got := job.SafeName(id)
		if want == "mail-" && (len(got) != len("mail-")+32 || !strings.HasPrefix(got, want)) || want != "mail-" && got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
	hashed := job.SafeName("a b")
	for _, other := range []string{"a  b", hashed, job.SafeName(hashed)} {
		if job.SafeName(other) == hashed {
			t.Errorf("%q and \"a b\" share a name", other)
		}
	}
}

func TestTheExecutionOfEachRowOfAMessageHasANameOfItsOwn(t *testing.T) {
	if got := job.ExecutionName("m1", 1_900_000_000_000); got != "m1-1900000000000" {
		t.Errorf("%q", got)
	}
	longest := strings.Repeat("x", 64)
	if a, b := job.ExecutionName(longest, 1_900_000_000_000), job.ExecutionName(longest, 1_900_000_000_001); a == b || len(a) > 80 {
		t.Errorf("%q and %q", a, b)
	}
}
