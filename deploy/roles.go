package deploy

import (
	"fmt"
	"slices"
	"strings"
)

// Permission is one thing that a role allows: an action on the resources that a pattern matches.
type Permission struct{ Role, Action, Resource string }

// String says it as a person reads it.
func (p Permission) String() string {
	return fmt.Sprintf("%s: %s on %s", p.Role[strings.LastIndexByte(p.Role, '/')+1:], p.Action, p.Resource)
}

// Permissions are all that the roles allow.
func (s *Stack) Permissions() (list []Permission) {
	for _, r := range s.Roles {
		for _, statement := range r.Statements {
			for _, action := range statement.Actions {
				for _, resource := range statement.Resources {
					list = append(list, Permission{r.ARN, action, resource})
				}
			}
		}
	}
	return list
}

// Covers says whether the permission is on the resource, an ARN too.
func (p Permission) Covers(resource string) bool { return matches(p.Resource, resource) }

// matches says whether the text is as the pattern, in which * stands for any text.
func matches(pattern, text string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, before)
	for ; ok; rest = rest[1:] {
		if matches(after, rest) {
			return true
		}
		if rest == "" {
			return false
		}
	}
	return false
}

// Without is the stack with one permission less.
func (s *Stack) Without(lacks Permission) *Stack {
	less := *s
	less.Roles = nil
	for _, r := range s.Roles {
		kept := Role{ARN: r.ARN}
		for _, p := range (&Stack{Roles: []Role{r}}).Permissions() {
			if p != lacks {
				kept.Statements = append(kept.Statements, Statement{Actions: []string{p.Action}, Resources: []string{p.Resource}})
			}
		}
		less.Roles = append(less.Roles, kept)
	}
	return &less
}

// WorkerRole is the role of workers.
func (s *Stack) WorkerRole() string { return s.workerRole }

// Wired are the permissions by which AWS itself does what the stack wires, without a call of any
// function's code: Lambda reads queues for mappings and sends what came to nothing, the state
// machine calls functions and sends work, and each function writes its log (Lambda Developer Guide,
// with-sqs and invocation-async; Step Functions Developer Guide, connect-to-resource).
func (s *Stack) Wired() []Permission {
	var list []Permission
	need := func(role, resource string, actions ...string) {
		for _, action := range actions {
			list = append(list, Permission{role, action, resource})
		}
	}
	for _, m := range s.Mappings {
		f, _ := s.Function(m.Function)
		q, _ := s.Queue(m.Queue)
		need(f.RoleARN, q.ARN, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	}
	for _, f := range s.Functions {
		for _, arn := range []string{f.DeadLetterQueueARN, f.OnFailureARN} {
			if arn != "" {
				need(f.RoleARN, arn, "sqs:SendMessage")
			}
		}
		need(f.RoleARN, f.LogGroupARN, "logs:CreateLogStream", "logs:PutLogEvents")
		if slices.Contains(s.StateMachine.Calls, f.Name) {
			need(s.StateMachine.RoleARN, f.ARN, "lambda:InvokeFunction")
		}
	}
	for _, q := range s.Queues {
		if q.URL == s.StateMachine.Substitutions["WorkQueueUrl"] {
			need(s.StateMachine.RoleARN, q.ARN, "sqs:SendMessage")
		}
	}
	for _, action := range deliveringLogs {
		need(s.StateMachine.RoleARN, "*", action)
	}
	return list
}

// deliveringLogs is what a state machine needs to write its log; none of it has a resource (Step
// Functions Developer Guide, cw-logs).
var deliveringLogs = []string{
	"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
	"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
}
