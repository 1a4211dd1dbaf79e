package oracle

import (
	"encoding/json"
	"slices"

	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/job"
)

// endings is the oracle of S6.
type endings struct {
	broken  broken
	started map[string]bool // messages with an execution that was judged
}

func watchEndings(_ *Panel, broken broken) hooks {
	o := endings{broken: broken, started: map[string]bool{}}
	return hooks{job: o.jobChanged, end: func(*Ending) { clear(o.started) }, execution: o.executionAgrees}
}

// jobChanged: an outcome is written once.
func (o endings) jobChanged(c Change) {
	if c.JobBefore != nil && c.JobBefore.Outcome != "" && c.JobBefore.Outcome != c.Job.Outcome {
		o.broken("the outcome of %s was %s and becomes %s", c.Job.MessageID, c.JobBefore.Outcome, c.Job.Outcome)
	}
}

// executionAgrees: an execution ended as its job did, and no message has two.
func (o endings) executionAgrees(e *Ending, x Execution) {
	var input job.ExecutionInput
	if err := json.Unmarshal([]byte(x.Input), &input); err != nil || o.started[input.Message.MessageID] {
		o.broken("%s is a second execution of %s", x.Message, input.Message.MessageID)
	}
	o.started[input.Message.MessageID] = true
	j := e.Jobs[x.Message]
	if j == nil {
		return
	}
	said, ok := map[string][]job.Outcome{
		"SUCCEEDED": {job.Completed, job.Interrupted, job.Superseded},
		"TIMED_OUT": {job.TimedOut}, "FAILED": {job.Failed},
	}[x.says()]
	if ok && !slices.Contains(said, j.Outcome) {
		o.broken("%s is %s, its execution is %s (%s)", x.Message, j.Outcome, x.Status, x.Error)
	}
}

// says is how an execution says that its job went: by its status, or by the error of the Fail state
// in which it ended. An execution that runs, was aborted, or ended with a handler's error says
// nothing.
func (x Execution) says() string {
	if x.Status == sfntypes.ExecutionStatusFailed {
		return x.Error
	}
	return string(x.Status)
}
