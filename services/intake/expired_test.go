package intake_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Step Functions keeps a name for 90 days, the jobs table a row for 30.
func TestMailThatIsPutAgainAfterItsRowHasExpiredHasAnExecutionOfItsOwn(t *testing.T) {
	for _, status := range []types.ExecutionStatus{types.ExecutionStatusSucceeded, types.ExecutionStatusRunning} {
		s := newScene(t)
		put := s.arrives("ses-1", letter{id: "one", body: "Hello"}.raw())
		s.handles(put)
		if status != types.ExecutionStatusRunning {
			s.Flow.Ends(s.Flow.Started()[0].Name, status)
		}
		s.Advance(31 * 24 * time.Hour)
		s.DeleteExpired()
		for range 2 {
			s.handles(put)
		}
		if started := s.Flow.Started(); len(started) != 2 || started[0].Name == started[1].Name {
			t.Errorf("started %+v", started)
		}
	}
}

// The execution may be over before its event comes again: the row, which is still open, is for the
// sweep.
func TestAnEventThatComesAgainStartsNothingASecondTime(t *testing.T) {
	s := newScene(t)
	put := s.arrives("ses-1", letter{id: "one", body: "Hello"}.raw())
	s.handles(put)
	s.Flow.Ends(s.Flow.Started()[0].Name, types.ExecutionStatusAborted)
	s.Advance(time.Minute)
	s.handles(put)
	if started := s.Flow.Started(); len(started) != 1 {
		t.Errorf("started %+v", started)
	}
}
