package sfncore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// machine is a state machine with its executions, oldest first.
type machine struct {
	arn, name  string
	created    time.Time
	current    *revision
	executions []*execution
	forgotten  int  // of executions: those that no list shows any more. Invariant: 2*forgotten <= len(executions)
	running    int  // Invariant: the number of executions that run
	deleting   bool // gone once running is 0. Invariant: 0 < running if so
}

// revision is one version of a machine's definition. It never changes: an execution keeps the one
// that it began with.
type revision struct {
	id         string // empty for the first
	definition string
	roleArn    string
	updated    time.Time
	logging    *types.LoggingConfiguration
	tracing    *types.TracingConfiguration
	asl        *asl.Machine
}

func (c *Core) machineARN(name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:stateMachine:%s", c.options.Region, c.options.Account, name)
}

func (c *Core) createStateMachine(in *sfn.CreateStateMachineInput) (any, error) {
	name := aws.ToString(in.Name)
	if err := validName(name); err != nil {
		return nil, err
	}
	switch {
	case in.Type != "" && in.Type != types.StateMachineTypeStandard:
		return nil, &types.StateMachineTypeNotSupported{Message: text("State Machine Type Not Supported: '" + string(in.Type) + "'")}
	case in.Publish || in.VersionDescription != nil:
		return nil, refused("Publish")
	case in.EncryptionConfiguration != nil:
		return nil, refused("EncryptionConfiguration")
	case aws.ToString(in.RoleArn) == "":
		return nil, required("roleArn")
	}
	loaded, err := c.load(aws.ToString(in.Definition))
	if err != nil {
		return nil, err
	}
	arn := c.machineARN(name)
	if m, exists := c.machines[arn]; exists {
		if m.deleting {
			return nil, &types.StateMachineDeleting{Message: text("State Machine is being deleted: '" + arn + "'")}
		}
		if m.current.definition != *in.Definition {
			return nil, &types.StateMachineAlreadyExists{Message: text("State Machine Already Exists: '" + arn + "'")}
		}
		return &sfn.CreateStateMachineOutput{CreationDate: aws.Time(m.created), StateMachineArn: text(arn)}, nil
	}
	m := &machine{arn: arn, name: name, created: c.now, current: &revision{
		definition: *in.Definition, roleArn: *in.RoleArn, updated: c.now, asl: loaded,
		logging: copyLogging(in.LoggingConfiguration), tracing: copyTracing(in.TracingConfiguration),
	}}
	c.machines[arn] = m
	return &sfn.CreateStateMachineOutput{CreationDate: aws.Time(m.created), StateMachineArn: text(arn)}, nil
}

func (c *Core) updateStateMachine(in *sfn.UpdateStateMachineInput) (any, error) {
	m, err := c.machine(in.StateMachineArn)
	switch {
	case err != nil:
		return nil, err
	case m.deleting:
		return nil, &types.StateMachineDeleting{Message: text("State Machine is being deleted: '" + m.arn + "'")}
	case in.Publish || in.VersionDescription != nil:
		return nil, refused("Publish")
	case in.EncryptionConfiguration != nil:
		return nil, refused("EncryptionConfiguration")
	case in.Definition == nil && in.RoleArn == nil && in.LoggingConfiguration == nil && in.TracingConfiguration == nil:
		return nil, &types.MissingRequiredParameter{
			Message: text("Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"),
		}
	}
	next := *m.current
	if in.Definition != nil {
		if next.asl, err = c.load(*in.Definition); err != nil {
			return nil, err
		}
		next.definition = *in.Definition
	}
	if in.RoleArn != nil {
		next.roleArn = *in.RoleArn
	}
	if in.LoggingConfiguration != nil {
		next.logging = copyLogging(in.LoggingConfiguration)
	}
	if in.TracingConfiguration != nil {
		next.tracing = copyTracing(in.TracingConfiguration)
	}
	next.id, next.updated = c.newID(), c.now
	m.current = &next
	return &sfn.UpdateStateMachineOutput{RevisionId: text(next.id), UpdateDate: aws.Time(c.now)}, nil
}

func (c *Core) describeStateMachine(in *sfn.DescribeStateMachineInput) (any, error) {
	m, err := c.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	status := types.StateMachineStatusActive
	if m.deleting {
		status = types.StateMachineStatusDeleting
	}
	r := m.current
	return &sfn.DescribeStateMachineOutput{
		CreationDate: aws.Time(m.created), Definition: text(r.definition), Name: text(m.name), RoleArn: text(r.roleArn),
		StateMachineArn: text(m.arn), Type: types.StateMachineTypeStandard, Status: status, RevisionId: r.revisionID(),
		LoggingConfiguration: r.loggingOrDefault(), TracingConfiguration: r.tracingOrDefault(),
	}, nil
}

func (c *Core) describeStateMachineForExecution(in *sfn.DescribeStateMachineForExecutionInput) (any, error) {
	x, err := c.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	r := x.revision
	return &sfn.DescribeStateMachineForExecutionOutput{
		Definition: text(r.definition), Name: text(x.machine.name), RoleArn: text(r.roleArn), StateMachineArn: text(x.machine.arn),
		UpdateDate: aws.Time(r.updated), RevisionId: r.revisionID(),
		LoggingConfiguration: r.loggingOrDefault(), TracingConfiguration: r.tracingOrDefault(),
	}, nil
}

func (c *Core) listStateMachines(in *sfn.ListStateMachinesInput) (any, error) {
	arns := slices.Sorted(maps.Keys(c.machines))
	from, to, next, err := page(in.NextToken, in.MaxResults, len(arns))
	if err != nil {
		return nil, err
	}
	out := &sfn.ListStateMachinesOutput{StateMachines: []types.StateMachineListItem{}, NextToken: next}
	for _, arn := range arns[from:to] {
		m := c.machines[arn]
		out.StateMachines = append(out.StateMachines, types.StateMachineListItem{
			CreationDate: aws.Time(m.created), Name: text(m.name), StateMachineArn: text(m.arn), Type: types.StateMachineTypeStandard,
		})
	}
	return out, nil
}

// deleteStateMachine removes the machine once its running executions have ended. To delete an
// absent machine succeeds.
func (c *Core) deleteStateMachine(in *sfn.DeleteStateMachineInput) (any, error) {
	if err := validARN(in.StateMachineArn, "stateMachine"); err != nil {
		return nil, err
	}
	if m, exists := c.machines[*in.StateMachineArn]; exists {
		m.deleting = true
		if m.running == 0 {
			delete(c.machines, m.arn)
		}
	}
	return &sfn.DeleteStateMachineOutput{}, nil
}

func (c *Core) validateDefinition(in *sfn.ValidateStateMachineDefinitionInput) (any, error) {
	if in.Type != "" && in.Type != types.StateMachineTypeStandard {
		return nil, refused("Type " + string(in.Type))
	}
	limit := int(in.MaxResults)
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	out := &sfn.ValidateStateMachineDefinitionOutput{
		Result: types.ValidateStateMachineDefinitionResultCodeOk, Diagnostics: []types.ValidateStateMachineDefinitionDiagnostic{},
		Truncated: aws.Bool(false),
	}
	_, problems := asl.Load(aws.ToString(in.Definition))
	for i, p := range problems {
		out.Result = types.ValidateStateMachineDefinitionResultCodeFail
		if i == limit {
			out.Truncated = aws.Bool(true)
			break
		}
		d := types.ValidateStateMachineDefinitionDiagnostic{
			Code: text(p.Code), Message: text(p.Message), Severity: types.ValidateStateMachineDefinitionSeverityError,
		}
		if p.Location != "" {
			d.Location = text(p.Location)
		}
		out.Diagnostics = append(out.Diagnostics, d)
	}
	return out, nil
}

func (c *Core) load(definition string) (*asl.Machine, error) {
	if known, ok := c.options.Definitions[definition]; ok {
		return known, nil
	}
	loaded, problems := asl.Load(definition)
	if len(problems) == 0 {
		if c.options.Definitions != nil {
			c.options.Definitions[definition] = loaded
		}
		return loaded, nil
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.String()
	}
	return nil, &types.InvalidDefinition{Message: text("Invalid State Machine Definition: '" + strings.Join(texts, ", ") + "'")}
}

func (c *Core) machine(arn *string) (*machine, error) {
	if err := validARN(arn, "stateMachine"); err != nil {
		return nil, err
	}
	m, exists := c.machines[*arn]
	if !exists {
		return nil, &types.StateMachineDoesNotExist{Message: text("State Machine Does Not Exist: '" + *arn + "'")}
	}
	return m, nil
}

func (r *revision) revisionID() *string {
	if r.id == "" {
		return nil
	}
	return text(r.id)
}

func (r *revision) loggingOrDefault() *types.LoggingConfiguration {
	if r.logging == nil {
		return &types.LoggingConfiguration{Level: types.LogLevelOff}
	}
	return copyLogging(r.logging)
}

func (r *revision) tracingOrDefault() *types.TracingConfiguration {
	if r.tracing == nil {
		return &types.TracingConfiguration{}
	}
	return copyTracing(r.tracing)
}

func copyLogging(in *types.LoggingConfiguration) *types.LoggingConfiguration {
	if in == nil {
		return nil
	}
	out := *in
	out.Destinations = nil
	for _, d := range in.Destinations {
		if d.CloudWatchLogsLogGroup != nil {
			group := *d.CloudWatchLogsLogGroup
			d.CloudWatchLogsLogGroup = &group
		}
		out.Destinations = append(out.Destinations, d)
	}
	return &out
}

func copyTracing(in *types.TracingConfiguration) *types.TracingConfiguration {
	if in == nil {
		return nil
	}
	out := *in
	return &out
}
