package checkactivejob_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	checkactivejob "github.com/webordinary/hephaestus/services/check-active-job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var (
	older   = simtest.Message("m1", "A", 1)
	holder  = simtest.Message("m2", "B", 2)
	sibling = simtest.Message("m3", "B", 3)
	newer   = simtest.Message("m4", "C", 4)
)

func TestWhatAMessageMayDo(t *testing.T) {
	tests := []struct {
		name    string
		held    bool
		later   time.Duration
		m       job.Message
		want    string
		because string
	}{
		{"nobody has the key", false, 0, newer, checkactivejob.Proceed, "new"},
		{"the claim has expired", true, time.Hour + 6*time.Second, older, checkactivejob.Proceed, "new"},
		{"its own thread has the key", true, 0, sibling, checkactivejob.Proceed, "join"},
		{"it has claimed before", true, 0, holder, checkactivejob.Proceed, "again"},
		{"an older thread has the key", true, 0, newer, checkactivejob.Interrupt, "interrupt"},
		{"a newer thread has the key", true, 0, older, checkactivejob.Superseded, "superseded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := simtest.NewScene(t, holder)
			container := ""
			if test.held {
				container = s.Claims(holder).ContainerID
			}
			s.Advance(test.later)
			before := s.Row()
			out, err := checkactivejob.New(s.Protocol, s.Log()).Handle(context.Background(), checkactivejob.Input{Message: test.m})
			want := checkactivejob.Output{Decision: test.want, Because: test.because, ContainerID: container}
			if err != nil || out != want {
				t.Errorf("%+v, %v; want %+v", out, err, want)
			}
			if after := s.Row(); after != before {
				t.Errorf("a check wrote: %s", after)
			}
		})
	}
}

func TestAMessageThatHasToWaitForItsTurnIsToldWhenToLookAgain(t *testing.T) {
	settings := claim.DefaultSettings()
	settings.MaxJobs = 1
	s := simtest.NewSceneWith(t, settings, holder)
	container := s.Claims(holder).ContainerID
	out, err := checkactivejob.New(s.Protocol, s.Log()).Handle(context.Background(), checkactivejob.Input{Message: sibling})
	at, unreadable := time.Parse(time.RFC3339, out.RetryAt)
	want := checkactivejob.Output{Decision: checkactivejob.Later, Because: "later", ContainerID: container, RetryAt: out.RetryAt}
	if err != nil || out != want {
		t.Errorf("%+v, %v; want %+v", out, err, want)
	}
	if unreadable != nil || !at.After(s.Now()) {
		t.Errorf("it looks again at %q, it is %v", out.RetryAt, s.Now())
	}
}

func TestACheckThatCannotReadIsAnError(t *testing.T) {
	s := simtest.NewScene(t)
	s.Fail("GetItem", 0)
	_, err := checkactivejob.New(s.Protocol, s.Log()).Handle(context.Background(), checkactivejob.Input{Message: newer})
	if !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v", err)
	}
}

func TestAMessageThatIsNoneIsRefused(t *testing.T) {
	s := simtest.NewScene(t)
	if _, err := checkactivejob.New(s.Protocol, s.Log()).Handle(context.Background(), checkactivejob.Input{}); err == nil {
		t.Error("accepted")
	}
}
