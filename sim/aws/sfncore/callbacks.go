package sfncore

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

func (c *Core) sendTaskSuccess(in *sfn.SendTaskSuccessInput) (any, error) {
	if in.Output == nil {
		return nil, required("output")
	}
	if len(*in.Output) > maxDataBytes {
		return nil, tooLong("output", maxDataBytes)
	}
	t, err := c.openTask(in.TaskToken)
	if err != nil {
		return nil, err
	}
	value, err := asl.Decode([]byte(*in.Output))
	if err != nil {
		return nil, &types.InvalidOutput{Message: text(fmt.Sprintf("Invalid Output: '%v'", err))}
	}
	c.succeed(t, value)
	c.run(t.branch.execution)
	return &sfn.SendTaskSuccessOutput{}, nil
}

func (c *Core) sendTaskFailure(in *sfn.SendTaskFailureInput) (any, error) {
	if err := validFailure(in.Error, in.Cause); err != nil {
		return nil, err
	}
	t, err := c.openTask(in.TaskToken)
	if err != nil {
		return nil, err
	}
	c.failTask(t, taskFailed, failure{name: copyText(in.Error), cause: copyText(in.Cause)})
	c.run(t.branch.execution)
	return &sfn.SendTaskFailureOutput{}, nil
}

func (c *Core) sendTaskHeartbeat(in *sfn.SendTaskHeartbeatInput) (any, error) {
	t, err := c.openTask(in.TaskToken)
	if err != nil {
		return nil, err
	}
	c.awaitHeartbeat(t)
	return &sfn.SendTaskHeartbeatOutput{}, nil
}

// openTask finds the task that waits for the token. A token that was given out and is dead is a
// TaskTimedOut; anything else is an InvalidToken.
func (c *Core) openTask(token *string) (*task, error) {
	if t, open := c.tokens[aws.ToString(token)]; open {
		return t, nil
	}
	if wellFormedToken(aws.ToString(token)) {
		return nil, &types.TaskTimedOut{Message: text("Task Timed Out: 'Provided task does not exist anymore'")}
	}
	return nil, &types.InvalidToken{Message: text("Invalid Token: 'Invalid token'")}
}
