package intake_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// row is a message's row.
func (s scene) row(messageID string) claim.Job {
	s.t.Helper()
	j, err := s.Protocol.ReadJob(ctx, messageID)
	if err != nil || j == nil {
		s.t.Fatalf("the row of %s: %+v, %v", messageID, j, err)
	}
	return *j
}

// again puts the mail of a message again, as heph again does.
func (s scene) again(of claim.Job, key job.Key) events.S3EventRecord {
	record := s.arrives(job.AgainID(of.MessageID), s.bucket.objects[of.Raw.Bucket+"/"+of.Raw.Key].content)
	name := s.Names.Emails() + "/" + record.S3.Object.URLDecodedKey
	o := s.bucket.objects[name]
	o.metadata = map[string]string{"again-of": strings.ReplaceAll(of.MessageID, "ü", "%C3%BC")}
	if key != "" {
		o.metadata["again-for"] = string(key)
	}
	s.bucket.objects[name] = o
	return record
}

func TestAMessageIsDoneAgainForItsKeyAlone(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("ses-1", letter{id: "one", to: twoKeys + ", info@mail.example", body: "Hello"}.raw()))
	first, other := s.inputs()[0].Message, s.inputs()[1].Message
	s.CleansUp(first, job.Failed)
	s.CleansUp(other, job.Failed)
	letters := len(s.Received(s.DeadLetterURL))

	record := s.again(s.row(first.MessageID), first.ProjectUserID)
	s.handles(record)
	s.handles(record)
	started := s.inputs()[len(s.inputs())-1].Message
	if len(s.inputs()) != 3 || started.MessageID != job.AgainID(first.MessageID) || started.ProjectUserID != first.ProjectUserID || started.ThreadID != first.ThreadID {
		t.Errorf("%d starts, the last of %+v", len(s.inputs()), started)
	}
	if again := s.row(started.MessageID); again.AgainOf != first.MessageID || again.Outcome != "" {
		t.Errorf("its row %+v", again)
	}
	if more := len(s.Received(s.DeadLetterURL)); letters != 1 || more != 0 {
		t.Errorf("%d letters, then %d: a person was told of its other recipients before", letters, more)
	}
}

func TestAMailForNobodyIsDoneAgainForAllWhomItAddressesNow(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("grün", letter{id: "one", to: "scott@amelia.elsewhere.example", body: "Hello"}.raw()))
	first := s.row("grün")
	mended := newSceneOf(t, "elsewhere.example")
	mended.bucket.objects = s.bucket.objects
	mended.handles(mended.again(first, ""))
	mended.wantStarted(job.AgainID(first.MessageID))
	if again := mended.row(job.AgainID(first.MessageID)); again.AgainOf != first.MessageID {
		t.Errorf("its row %+v", again)
	}
}

func TestAMessageIsNotDoneAgainForAKeyThatItDoesNotAddress(t *testing.T) {
	s := newScene(t)
	s.handles(s.arrives("ses-1", letter{id: "one", body: "Hello"}.raw()))
	s.CleansUp(s.inputs()[0].Message, job.Failed)
	s.handles(s.again(s.row("ses-1"), "atlas#dana"))
	s.wantStarted("ses-1")
	s.wantRejected(job.AgainID("ses-1"), "it is done again for atlas#dana, whom it does not address any more", 1)
}

func TestAMessageThatIsRejectedAfterItsKeyIsKnownIsSeenUnderIt(t *testing.T) {
	s := newScene(t)
	raw := letter{id: "one", body: "Hello"}.raw()
	s.handles(s.arrives("ses-1", raw), s.arrives("ses-2", raw))
	first, copied := s.row("ses-1"), s.row("ses-2")
	if copied.Outcome != job.Rejected || copied.Key != "amelia#scott" || copied.ThreadID != first.ThreadID || copied.DuplicateOf != "ses-1" {
		t.Errorf("the row of a copy %+v", copied)
	}
	s.handles(s.arrives("ses-3", letter{id: "three", header: withFile, body: files(900, "")}.raw()))
	if j := s.row("ses-3"); j.Outcome != job.Rejected || j.Key != "amelia#scott" || j.ThreadID == "" || j.DuplicateOf != "" {
		t.Errorf("the row of one that is too big %+v", j)
	}
}
