package simtest

import (
	"cmp"
	"fmt"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/libs/awsx"
)

// Flow is as much of Step Functions as the handlers see: tokens that wait for one answer each, and
// executions by their names. It runs no state machine.
type Flow struct {
	mu      sync.Mutex
	waiting map[string]bool
	answers []string
	started []Execution
	ended   map[string]types.ExecutionStatus // by the executions' names
}

// Execution is an execution that was started.
type Execution struct{ Name, Input string }

func newFlow() *Flow {
	return &Flow{waiting: map[string]bool{}, ended: map[string]types.ExecutionStatus{}}
}

// Issue makes tokens that wait for an answer. Any other token counts as timed out.
func (f *Flow) Issue(tokens ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, token := range tokens {
		f.waiting[token] = true
	}
}

// Answers are the accepted answers in their order, each as "token: output" or "token: !error
// cause".
func (f *Flow) Answers() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.answers...)
}

// Started are the executions in their order.
func (f *Flow) Started() []Execution {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Execution(nil), f.started...)
}

// Ends ends an execution, by its ARN.
func (f *Flow) Ends(executionARN string, status types.ExecutionStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended[awsx.ExecutionName(executionARN)] = status
}

func (f *Flow) status(name string) types.ExecutionStatus {
	return cmp.Or(f.ended[name], types.ExecutionStatusRunning)
}

func (f *Flow) describe(in *sfn.DescribeExecutionInput) (*sfn.DescribeExecutionOutput, error) {
	for _, e := range f.started {
		if e.Name == awsx.ExecutionName(aws.ToString(in.ExecutionArn)) {
			return &sfn.DescribeExecutionOutput{ExecutionArn: in.ExecutionArn, Name: aws.String(e.Name), Input: aws.String(e.Input), Status: f.status(e.Name)}, nil
		}
	}
	return nil, &types.ExecutionDoesNotExist{Message: aws.String("Execution Does Not Exist: '" + aws.ToString(in.ExecutionArn) + "'")}
}

// list is one page of the executions, which goes on at the number that NextToken is.
func (f *Flow) list(in *sfn.ListExecutionsInput) (*sfn.ListExecutionsOutput, error) {
	from, _ := strconv.Atoi(aws.ToString(in.NextToken)) // none is 0
	out := &sfn.ListExecutionsOutput{}
	for i, e := range f.started[from:] {
		if status := f.status(e.Name); status == in.StatusFilter {
			arn := awsx.ExecutionARN(aws.ToString(in.StateMachineArn), e.Name)
			out.Executions = append(out.Executions, types.ExecutionListItem{ExecutionArn: aws.String(arn), Name: aws.String(e.Name), Status: status})
		}
		if len(out.Executions) == int(in.MaxResults) {
			out.NextToken = aws.String(strconv.Itoa(from + i + 1))
			break
		}
	}
	return out, nil
}

func (f *Flow) do(input any) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch in := input.(type) {
	case *sfn.SendTaskSuccessInput:
		return &sfn.SendTaskSuccessOutput{}, f.answer(in.TaskToken, aws.ToString(in.Output))
	case *sfn.SendTaskFailureInput:
		return &sfn.SendTaskFailureOutput{}, f.answer(in.TaskToken, "!"+aws.ToString(in.Error)+" "+aws.ToString(in.Cause))
	case *sfn.StartExecutionInput:
		return f.start(in)
	case *sfn.DescribeExecutionInput:
		return f.describe(in)
	case *sfn.ListExecutionsInput:
		return f.list(in)
	}
	return nil, fmt.Errorf("simtest's Flow does not know %T", input)
}

func (f *Flow) answer(token *string, answer string) error {
	if !f.waiting[aws.ToString(token)] {
		return &types.TaskTimedOut{Message: aws.String("Task Timed Out: 'Provided task does not exist anymore'")}
	}
	delete(f.waiting, *token)
	f.answers = append(f.answers, *token+": "+answer)
	return nil
}

func (f *Flow) start(in *sfn.StartExecutionInput) (*sfn.StartExecutionOutput, error) {
	name := aws.ToString(in.Name)
	for _, e := range f.started {
		if e.Name == name && (e.Input != aws.ToString(in.Input) || f.ended[name] != "") {
			return nil, &types.ExecutionAlreadyExists{Message: aws.String("Execution Already Exists: '" + name + "'")}
		}
		if e.Name == name {
			return &sfn.StartExecutionOutput{}, nil
		}
	}
	f.started = append(f.started, Execution{Name: name, Input: aws.ToString(in.Input)})
	return &sfn.StartExecutionOutput{}, nil
}
