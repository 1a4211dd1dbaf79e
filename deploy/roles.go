package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/deploy/statemachine"
)

// Permission is one thing that a role allows: an action ("sqs:SendMessage") on the resources that a
// pattern matches, an ARN in which * stands for any text.
type Permission struct{ Role, Action, Resource string }

// String says it as a person reads it.
func (p Permission) String() string {
	return fmt.Sprintf("%s: %s on %s", p.Role[strings.LastIndexByte(p.Role, '/')+1:], p.Action, p.Resource)
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
	less.Permissions = slices.DeleteFunc(slices.Clone(s.Permissions), func(p Permission) bool { return p == lacks })
	return &less
}

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
	calls := statemachine.Calls(s.StateMachine.Definition)
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
		if slices.Contains(calls, f.Name) {
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
