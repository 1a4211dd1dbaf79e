package sfncore

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// startExecution answers a used name as AWS does: the same running execution for the same input,
// byte by byte; ExecutionAlreadyExists for another input, or once the execution has ended.
func (c *Core) startExecution(in *sfn.StartExecutionInput) (any, error) {
	m, err := c.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if m.deleting {
		return nil, &types.StateMachineDeleting{Message: text("State Machine is being deleted: '" + m.arn + "'")}
	}
	name := aws.ToString(in.Name)
	if in.Name == nil {
		name = c.newID()
	} else if err := validName(name); err != nil {
		return nil, err
	}
	input := "{}"
	if in.Input != nil {
		input = *in.Input
	}
	if len(input) > maxDataBytes {
		return nil, tooLong("input", maxDataBytes)
	}
	value, err := asl.Decode([]byte(input))
	if err != nil {
		return nil, &types.InvalidExecutionInput{Message: text(fmt.Sprintf("Invalid State Machine Execution Input: '%v'", err))}
	}
	arn := fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", c.options.Region, c.options.Account, m.name, name)
	if x, exists := c.executions[arn]; exists {
		if !x.running() || x.input != input {
			return nil, &types.ExecutionAlreadyExists{Message: text("Execution Already Exists: '" + arn + "'")}
		}
		return &sfn.StartExecutionOutput{ExecutionArn: text(arn), StartDate: aws.Time(x.start)}, nil
	}
	c.started++
	c.launch(&execution{
		number: c.started, arn: arn, name: name, machine: m, revision: m.current, input: input, traceHeader: aws.ToString(in.TraceHeader),
		status: types.ExecutionStatusRunning, start: c.now,
	}, value)
	return &sfn.StartExecutionOutput{ExecutionArn: text(arn), StartDate: aws.Time(c.now)}, nil
}

// stopExecution aborts a running execution; one that has ended keeps its status.
func (c *Core) stopExecution(in *sfn.StopExecutionInput) (any, error) {
	x, err := c.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if err := validFailure(in.Error, in.Cause); err != nil {
		return nil, err
	}
	c.end(x, types.ExecutionStatusAborted, event{
		kind: types.HistoryEventTypeExecutionAborted, failure: &failure{name: copyText(in.Error), cause: copyText(in.Cause)},
	})
	return &sfn.StopExecutionOutput{StopDate: aws.Time(x.stop)}, nil
}

func (c *Core) describeExecution(in *sfn.DescribeExecutionInput) (any, error) {
	x, err := c.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	out := &sfn.DescribeExecutionOutput{
		ExecutionArn: text(x.arn), Name: text(x.name), StateMachineArn: text(x.machine.arn), Status: x.status,
		StartDate: aws.Time(x.start), RedriveCount: aws.Int32(0),
	}
	if in.IncludedData != types.IncludedDataMetadataOnly {
		whole := func() *types.CloudWatchEventsExecutionDataDetails {
			return &types.CloudWatchEventsExecutionDataDetails{Included: true}
		}
		out.Input, out.InputDetails = text(x.input), whole()
		if x.status == types.ExecutionStatusSucceeded {
			out.Output, out.OutputDetails = text(x.output), whole()
		}
		out.Cause = copyText(x.failure.cause)
	}
	out.Error = copyText(x.failure.name)
	if x.traceHeader != "" {
		out.TraceHeader = text(x.traceHeader)
	}
	if !x.running() {
		out.StopDate = aws.Time(x.stop)
	}
	return out, nil
}

// listExecutions returns the latest first.
func (c *Core) listExecutions(in *sfn.ListExecutionsInput) (any, error) {
	if in.MapRunArn != nil {
		return nil, refused("MapRunArn")
	}
	if in.RedriveFilter != "" {
		return nil, refused("RedriveFilter")
	}
	m, err := c.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	var matching []*execution
	for i := len(m.executions) - 1; i >= 0; i-- {
		if x := m.executions[i]; !x.forgotten && (in.StatusFilter == "" || x.status == in.StatusFilter) {
			matching = append(matching, x)
		}
	}
	from, to, next, err := page(in.NextToken, in.MaxResults, len(matching))
	if err != nil {
		return nil, err
	}
	out := &sfn.ListExecutionsOutput{Executions: []types.ExecutionListItem{}, NextToken: next}
	for _, x := range matching[from:to] {
		item := types.ExecutionListItem{
			ExecutionArn: text(x.arn), Name: text(x.name), StateMachineArn: text(m.arn), Status: x.status, StartDate: aws.Time(x.start),
			RedriveCount: aws.Int32(0),
		}
		if !x.running() {
			item.StopDate = aws.Time(x.stop)
		}
		out.Executions = append(out.Executions, item)
	}
	return out, nil
}

func (c *Core) getExecutionHistory(in *sfn.GetExecutionHistoryInput) (any, error) {
	x, err := c.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if c.options.OmitHistory {
		return nil, refused("GetExecutionHistory (histories are omitted by Options.OmitHistory)")
	}
	from, to, next, err := page(in.NextToken, in.MaxResults, len(x.history))
	if err != nil {
		return nil, err
	}
	out := &sfn.GetExecutionHistoryOutput{Events: []types.HistoryEvent{}, NextToken: next}
	withData := in.IncludeExecutionData == nil || *in.IncludeExecutionData
	for i := from; i < to; i++ {
		id := int64(i + 1)
		if in.ReverseOrder {
			id = int64(len(x.history) - i)
		}
		out.Events = append(out.Events, c.historyEvent(x, id, withData))
	}
	return out, nil
}

func (c *Core) execution(arn *string) (*execution, error) {
	if err := validARN(arn, "execution"); err != nil {
		return nil, err
	}
	x, exists := c.executions[*arn]
	if !exists {
		return nil, &types.ExecutionDoesNotExist{Message: text("Execution Does Not Exist: '" + *arn + "'")}
	}
	return x, nil
}

// forget drops an ended execution after its retention. It sweeps the machine's list only once half
// of it is forgotten, so that each call takes constant time on average.
func (c *Core) forget(x *execution) {
	delete(c.executions, x.arn)
	m := x.machine
	x.forgotten = true
	m.forgotten++
	if 2*m.forgotten > len(m.executions) {
		m.executions = slices.DeleteFunc(m.executions, func(x *execution) bool { return x.forgotten })
		m.forgotten = 0
	}
}
