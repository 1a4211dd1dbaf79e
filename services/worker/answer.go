package worker

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/interrupt"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/telemetry"
)

// answer tells the job's execution how it ended, and says whether the execution knows: it took the
// answer, or its token is gone (answered before, or the execution is over).
func (d delivery) answer(ctx context.Context, j claim.Job) bool {
	result, err := json.Marshal(j.WorkResult())
	if err != nil {
		d.tell(ctx, telemetry.AnswerUnwritable{Work: d.about, Error: err.Error()})
		return false
	}
	if j.Outcome == job.Completed {
		_, err := d.worker.tokens.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{
			TaskToken: aws.String(d.work.TaskToken), Output: aws.String(string(result)),
		})
		return d.known(ctx, err)
	}
	return d.fail(ctx, errorName(j.Outcome), string(result))
}

// fail answers the token with one of the error names that the state machine catches.
func (d delivery) fail(ctx context.Context, name, cause string) bool {
	_, err := d.worker.tokens.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{
		TaskToken: aws.String(d.work.TaskToken), Error: aws.String(name), Cause: aws.String(cause),
	})
	return d.known(ctx, err)
}

func (d delivery) known(ctx context.Context, err error) bool {
	if err == nil || interrupt.TokenGone(err) {
		return true
	}
	d.tell(ctx, telemetry.ExecutionUnanswered{Work: d.about, Error: err.Error()})
	return false
}

func errorName(o job.Outcome) string {
	switch o {
	case job.Interrupted:
		return job.ErrorPreempted
	case job.TimedOut:
		return job.ErrorTimedOut
	}
	return job.ErrorFailed
}
