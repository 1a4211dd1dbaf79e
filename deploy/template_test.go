package deploy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var here = Place{Region: "eu-west-1", AccountID: "123456789012"}

func stackOf(t *testing.T, p Parameters) *Stack {
	t.Helper()
	s, err := Read(p, here)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheTemplateMakesAStackByItsDefaults(t *testing.T) {
	s := stackOf(t, nil)
	work, _ := s.Queue("webordinary-work.fifo")
	want := map[string]string{
		"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
		"MessageRetentionPeriod": "1209600", "VisibilityTimeout": "95",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:webordinary-work-dlq.fifo","maxReceiveCount":1000}`,
	}
	for name, value := range want {
		if work.Attributes[name] != value {
			t.Errorf("%s of the work queue is %q, want %q", name, work.Attributes[name], value)
		}
	}
	if want := "https://sqs.eu-west-1.amazonaws.com/123456789012/webordinary-work.fifo"; work.URL != want || s.StateMachine.Substitutions["WorkQueueUrl"] != want {
		t.Errorf("the work queue is at %s, for the state machine at %s", work.URL, s.StateMachine.Substitutions["WorkQueueUrl"])
	}
	intake, _ := s.Function("webordinary-intake")
	if intake.Environment["SENDERS"] != "authenticated" || intake.Environment["STATE_MACHINE_ARN"] != s.StateMachine.ARN || *intake.MaximumRetryAttempts != 2 {
		t.Errorf("intake %+v", intake)
	}
	if _, there := intake.Environment["AWS_ENDPOINT_URL"]; there {
		t.Error("the functions are given an endpoint on AWS")
	}
	if want := (Schedule{Function: "webordinary-sweep", Every: 5 * time.Minute}); len(s.Schedules) != 1 || s.Schedules[0] != want {
		t.Errorf("schedules %+v", s.Schedules)
	}
}

func TestParametersReachWhatTheyAreFor(t *testing.T) {
	at := here
	at.QueueURL = func(name string) string { return "http://127.0.0.1:1/" + name }
	s, err := Read(Parameters{"Prefix": "smithy", "BucketSuffix": "-1", "EndpointUrl": "http://127.0.0.1:1", "WorkVisibilitySeconds": "7", "MaxReceives": "3", "RoutesObject": "s3://b/r"}, at)
	if err != nil {
		t.Fatal(err)
	}
	work, _ := s.Queue("smithy-work.fifo")
	if work.URL != "http://127.0.0.1:1/smithy-work.fifo" || work.Attributes["VisibilityTimeout"] != "7" || !strings.HasSuffix(work.Attributes["RedrivePolicy"], `"maxReceiveCount":3}`) {
		t.Errorf("work queue %+v", work)
	}
	intake, _ := s.Function("smithy-intake")
	if intake.Environment["AWS_ENDPOINT_URL"] != "http://127.0.0.1:1" || intake.Environment["MAIL_DOMAINS"] != "" || intake.Environment["ROUTES_OBJECT"] != "s3://b/r" {
		t.Errorf("intake's environment %v", intake.Environment)
	}
	if names := []string{s.Buckets[0].Name, s.Buckets[1].Name}; !slices.Equal(names, []string{"smithy-emails-1", "smithy-media-1"}) {
		t.Errorf("buckets %v", names)
	}
}

// AWS refuses a mapping whose queue hides messages for less than its function's time, and advises
// six times as long (Lambda Developer Guide, with-sqs).
func TestAQueueHidesWhatItsFunctionWorksOn(t *testing.T) {
	s := stackOf(t, nil)
	for _, m := range s.Mappings {
		queue, ok := s.Queue(m.Queue)
		function, found := s.Function(m.Function)
		hidden, err := time.ParseDuration(queue.Attributes["VisibilityTimeout"] + "s")
		if !ok || !found || err != nil || hidden < 6*time.Duration(function.TimeoutSeconds)*time.Second {
			t.Errorf("%s hides a message for %v, and %s may run for %d s", m.Queue, hidden, m.Function, function.TimeoutSeconds)
		}
		if !m.ReportBatchItemFailures {
			t.Errorf("a message that %s cannot take brings back all of its batch", m.Function)
		}
	}
}

// Lambda drops an event that three tries did not take, unless somebody gets it.
func TestNoEventIsDropped(t *testing.T) {
	s := stackOf(t, nil)
	called := []string{}
	for _, b := range s.Buckets {
		for _, n := range b.Notifications {
			called = append(called, NameOf(n.FunctionARN))
		}
	}
	for _, r := range s.Rules {
		called = append(called, r.Function)
	}
	for _, name := range called {
		f, ok := s.Function(name)
		if !ok || f.DeadLetterQueueARN == "" && f.OnFailureARN == "" {
			t.Errorf("nobody gets what %s could not take: %+v", name, f)
		}
		for _, arn := range []string{f.DeadLetterQueueARN, f.OnFailureARN} {
			if _, made := s.Queue(NameOf(arn)); arn != "" && !made {
				t.Errorf("%s gets what %s could not take, and is not made", arn, name)
			}
		}
	}
	if len(called) != 2 {
		t.Errorf("called %v", called)
	}
}

func TestEveryFunctionHasARoleOfItsOwn(t *testing.T) {
	s := stackOf(t, nil)
	has := map[string]string{}
	for _, f := range s.Functions {
		if other := has[f.RoleARN]; other != "" {
			t.Errorf("%s and %s have one role", f.Name, other)
		}
		has[f.RoleARN] = f.Name
		if !slices.ContainsFunc(s.Permissions, func(p Permission) bool { return p.Role == f.RoleARN }) {
			t.Errorf("%s has the role %s, which allows nothing", f.Name, f.RoleARN)
		}
	}
}

const frame = `
Parameters:
  A: { Default: x, AllowedValues: [x, y] }
  B: {}
Conditions:
  Yes: !Equals [!Ref A, x]
  No: !Not [!Condition Yes]
  Loop: !Condition Loop
Resources:
`

func TestWhatIsNotKnownIsRefusedByName(t *testing.T) {
	for name, test := range map[string]struct{ resources, want string }{
		"a type":              {"  Q: { Type: AWS::SQS::Quuue }", "Q: nothing is known of the type AWS::SQS::Quuue"},
		"a property":          {"  Q: { Type: AWS::SQS::Queue, Properties: { QueueName: q, Colour: red } }", "Q: Properties: nothing is known of [Colour]"},
		"an inner property":   {"  Q: { Type: AWS::SQS::Queue, Properties: { RedrivePolicy: { colour: red, maxReceiveCount: 3 } } }", "Q: Properties: Properties.RedrivePolicy: nothing is known of [colour]"},
		"a function":          {"  Q: { Type: AWS::SQS::Queue, Properties: { QueueName: !Base64 q } }", "line 10: nothing is known of the function !Base64"},
		"a name":              {"  Q: { Type: AWS::SQS::Queue, Properties: { QueueName: !Ref C } }", "line 10: C is neither a parameter nor a resource"},
		"a name in a text":    {"  Q: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub '${C}-q' } }", "line 10: C is neither a parameter nor a resource"},
		"an attribute":        {"  Q: { Type: AWS::SQS::Queue, Properties: { QueueName: !GetAtt W.Colour } }\n  W: { Type: AWS::SQS::Queue, Properties: { QueueName: w } }", "line 10: nothing is known of the attribute W.Colour"},
		"a condition":         {"  Q: { Type: AWS::SQS::Queue, Condition: Maybe }", "Q: there is no condition Maybe"},
		"no number":           {"  Q: { Type: AWS::SQS::Queue, Properties: { RedrivePolicy: { maxReceiveCount: many } } }", `"many" is no whole number`},
		"a loop":              {"  Q: { Type: AWS::SQS::Queue, Properties: { QueueName: !Ref Q } }", "it refers to itself"},
		"a condition's loop":  {"  Q: { Type: AWS::SQS::Queue, Condition: Loop }", "it refers to itself"},
		"an alias":            {"  Q: { Type: AWS::SQS::Queue, Properties: { QueueName: &n q, VisibilityTimeout: *n } }", "line 10: CloudFormation has no aliases"},
		"a denial":            {"  R: { Type: AWS::IAM::Role, Properties: { Policies: [{ PolicyDocument: { Statement: { Effect: Deny } } }] } }", `effect "Deny": want Allow`},
		"a schedule":          {"  R: { Type: AWS::Events::Rule, Properties: { ScheduleExpression: cron(1) } }", `"cron(1)": want rate(N minutes)`},
		"nobody's invocation": {"  I: { Type: AWS::Lambda::EventInvokeConfig, Properties: { FunctionName: f, Qualifier: $LATEST } }", "there is no function f, whose asynchronous calls are configured"},
	} {
		f, err := parse([]byte(frame + test.resources))
		if err == nil {
			_, err = f.stack(Parameters{"B": "b"}, here)
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %s", name, err, test.want)
		}
	}
}

func TestParametersAreChecked(t *testing.T) {
	for want, p := range map[string]Parameters{
		"there is no parameter C":           {"B": "b", "C": "c"},
		"the parameter B needs a value":     {},
		`parameter A: "z" is none of [x y]`: {"A": "z", "B": "b"},
	} {
		f, err := parse([]byte(frame))
		if err == nil {
			_, err = f.stack(p, here)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestConditionsChooseWhatIsMade(t *testing.T) {
	const resources = `
  Yes: { Type: AWS::SQS::Queue, Condition: Yes, Properties: { QueueName: yes } }
  No: { Type: AWS::SQS::Queue, Condition: No, Properties: { QueueName: no } }
  If: { Type: AWS::SQS::Queue, Properties: { QueueName: !If [No, no, if], VisibilityTimeout: !If [No, 3, !Ref AWS::NoValue] } }
`
	f, err := parse([]byte(frame + resources))
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.stack(Parameters{"B": "b"}, here)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Queues) != 2 || s.Queues[0].Name != "yes" || s.Queues[1].Name != "if" || len(s.Queues[1].Attributes) != 0 {
		t.Errorf("queues %+v", s.Queues)
	}
}
