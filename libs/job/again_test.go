package job_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/webordinary/hephaestus/libs/job"
)

func TestAMessageIsDoneAgainAsOneOtherMessage(t *testing.T) {
	form := regexp.MustCompile(`^[a-z2-7]{32}-again$`)
	seen := map[string]bool{}
	for _, id := range []string{"m1", "m2", "msg-0011", "a b/ö", job.AgainID("m1"), job.AgainID(job.AgainID("m1"))} {
		again := job.AgainID(id)
		if again != job.AgainID(id) || !form.MatchString(again) || seen[again[:9]] {
			t.Errorf("%q is done again as %q", id, again)
		}
		seen[again[:9]] = true
	}
}

func TestCommandsOfALetterAreOfAnyShell(t *testing.T) {
	got := job.LookInto("it's; rm -rf *", job.ObjectRef{Bucket: "b", Key: "emails/it's; rm -rf *"})
	want := []string{
		`heph status --message 'it'\''s; rm -rf *'`, `aws s3 cp 's3://b/emails/it'\''s; rm -rf *' -`,
		`heph again 'it'\''s; rm -rf *'`, `heph dismiss 'it'\''s; rm -rf *' --because TEXT`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := job.LookInto("m1", job.ObjectRef{Bucket: "b", Key: "emails/m1"}); got[1] != "aws s3 cp s3://b/emails/m1 -" {
		t.Errorf("%q", got)
	}
}
