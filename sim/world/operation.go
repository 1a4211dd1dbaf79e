package world

import (
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
)

// Operation is one step of the protocol, as its caller saw it. Called and Returned are places in
// the one order of all calls and returns of the run. If a call of the step loses its answer, or
// takes effect after its caller has given it up, the history has the operation once more, as
// Unknown, for what that call may have done.
type Operation struct {
	Who    string
	Key    job.Key
	In     any // ToAdmit, ToCheck, …
	Out    any // the step's answer, a type of package claim; nil if Unknown
	Err    error
	Nows   []time.Time // what the caller's clock showed when the step read it
	IDs    []string    // that it made
	Called int

	Returned int
	Unknown  bool // its caller does not know whether it took effect
}

// The steps of the protocol, with their arguments.
type (
	ToAdmit     struct{ Message job.Message }
	ToCheck     struct{ Message job.Message }
	ToClaim     struct{ Message job.Message }
	ToInterrupt struct {
		Message job.Message
		Token   string
	}
	ToCleanUp struct{ claim.CleanUp }
	ToStart   struct {
		Work     job.Work
		WorkerID string
	}
	ToDecline struct {
		Work     job.Work
		WorkerID string
	}
	ToBeat   struct{ claim.Lease }
	ToFinish struct {
		Lease claim.Lease
		End   claim.End
	}
	ToHandBack  struct{ claim.Lease }
	ToExpire    struct{}                   // DynamoDB deletes the key's row
	ToExpireJob struct{ MessageID string } // DynamoDB deletes the row of a message's job
)

// saw notes what the caller's clock shows.
func (op *Operation) saw(now time.Time) {
	if n := len(op.Nows); n == 0 || !op.Nows[n-1].Equal(now) {
		op.Nows = append(op.Nows, now)
	}
}
