package world

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/sim/aws/lambdacore"
	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// outage is a time in which a service, or one thing in it, is away. The nil outage is none.
type outage struct {
	service string // as in request; "lambda": a function
	name    string // of the table, queue or function that is away; empty: the whole service
	how     ailment
	from    time.Time
	until   time.Time
}

// ailment is why a service does not serve.
type ailment int

const (
	isMissing ailment = iota // a person deleted it, or a deployment forgot it
	isDenied                 // a deployment forgot a permission
	isBusy                   // it refuses calls for load
	isBroken                 // it answers that it is unavailable
	isSilent                 // it does not answer in time
	numAilments
)

func (a ailment) String() string {
	return [...]string{"is missing", "denies every call", "refuses every call for load", "is unavailable", "answers nothing"}[a]
}

// lasts bound how long an outage lasts; the last is the longest that must pass.
var lasts = [...]time.Duration{time.Minute, 4 * time.Minute, 15 * time.Minute, 45 * time.Minute, 2 * time.Hour, 6 * time.Hour}

// layOutOutage draws whether a service is away in this run, which, from when and for how long. It
// begins in the safety phase, and may last beyond it.
func (w *World) layOutOutage() {
	if !w.dice.drawn(fault.ServiceAway, "day") && !w.dice.drawn(fault.ServiceAway, "night") {
		return
	}
	places := w.places()
	o := &places[w.dice.choose(len(places), "outage.of")]
	o.how = ailment(w.dice.choose(int(numAilments), "outage.how"))
	o.from = w.now.Add(w.dice.between(0, 20*time.Minute, "delay.outage-begins"))
	longest := lasts[w.dice.choose(len(lasts), "outage.lasts")]
	o.until = o.from.Add(w.dice.between(longest/3, longest, "delay.outage-ends"))
	w.outage = o
	w.schedule(o.from.Sub(w.now), o.String()+" goes away", func() {
		w.dice.tally.Strike(fault.ServiceAway)
		w.story.fault(fault.ServiceAway, fmt.Sprintf("%s %v for %v", o, o.how, o.until.Sub(o.from)))
	})
	w.schedule(o.until.Sub(w.now), o.String()+" is back", func() {})
}

// places lists what may be away.
func (w *World) places() []outage {
	list := []outage{{service: "dynamodb"}, {service: "sqs"}, {service: "s3"}, {service: "states"}, {service: "sqs", name: w.names.WorkQueue()}}
	for _, table := range w.template.Tables {
		list = append(list, outage{service: "dynamodb", name: aws.ToString(table.Create.TableName)})
	}
	for _, service := range system.Services() {
		list = append(list, outage{service: "lambda", name: service})
	}
	return list
}

// String names what is away.
func (o *outage) String() string {
	if o.name != "" {
		return o.name
	}
	return o.service
}

// of is the error that a call of the named thing of the service gets; nil if it is served.
func (o *outage) of(now time.Time, service, name string) error {
	if o == nil || o.service != service || now.Before(o.from) || !now.Before(o.until) || (o.name != "" && o.name != name) {
		return nil
	}
	switch o.how {
	case isMissing:
		return o.missing()
	case isDenied:
		return refusal("AccessDeniedException", "not authorized to perform this on "+name, smithy.FaultClient)
	case isBusy:
		return refusal("ThrottlingException", "Rate exceeded", smithy.FaultClient)
	case isBroken:
		return refusal("ServiceUnavailable", "Service is unable to handle request.", smithy.FaultServer)
	}
	return errTimeout
}

// missing is how the service says that the thing does not exist.
func (o *outage) missing() error {
	switch o.service {
	case "dynamodb":
		return &ddbtypes.ResourceNotFoundException{Message: aws.String("Requested resource not found")}
	case "sqs":
		return &sqstypes.QueueDoesNotExist{Message: aws.String("The specified queue does not exist.")}
	case "s3":
		return &s3types.NoSuchBucket{Message: aws.String("The specified bucket does not exist")}
	}
	return &sfntypes.StateMachineDoesNotExist{Message: aws.String("State Machine Does Not Exist")}
}

func refusal(code, message string, by smithy.ErrorFault) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: by}
}

// refuses is the error that an actor's call gets; nil if it is served.
func (o *outage) refuses(now time.Time, req request) error {
	if o == nil {
		return nil
	}
	names := []string{""}
	switch in := req.input.(type) {
	case *dynamodb.GetItemInput:
		names = []string{aws.ToString(in.TableName)}
	case *dynamodb.PutItemInput:
		names = []string{aws.ToString(in.TableName)}
	case *dynamodb.UpdateItemInput:
		names = []string{aws.ToString(in.TableName)}
	case *dynamodb.QueryInput:
		names = []string{aws.ToString(in.TableName)}
	case *dynamodb.ScanInput:
		names = []string{aws.ToString(in.TableName)}
	case *dynamodb.TransactWriteItemsInput:
		names = tables(in)
	case *sqs.SendMessageInput:
		names = []string{awsx.QueueName(aws.ToString(in.QueueUrl))}
	case *sqs.DeleteMessageInput:
		names = []string{awsx.QueueName(aws.ToString(in.QueueUrl))}
	case *sqs.ChangeMessageVisibilityInput:
		names = []string{awsx.QueueName(aws.ToString(in.QueueUrl))}
	}
	for _, name := range names {
		if err := o.of(now, req.service, name); err != nil {
			return err
		}
	}
	return nil
}

// tables are those of a transaction.
func tables(in *dynamodb.TransactWriteItemsInput) []string {
	var names []string
	for _, w := range in.TransactItems {
		switch {
		case w.Update != nil:
			names = append(names, aws.ToString(w.Update.TableName))
		case w.Put != nil:
			names = append(names, aws.ToString(w.Put.TableName))
		case w.ConditionCheck != nil:
			names = append(names, aws.ToString(w.ConditionCheck.TableName))
		}
	}
	return names
}

// longestReceive is how long a receive hangs, at most, while its queue is away.
const longestReceive = 5 * time.Minute

// hangs says until when a receive is not answered, and how it fails then; no error: it is served.
// One that fails at once would be made again each second, for hours.
func (o *outage) hangs(now time.Time, in *sqs.ReceiveMessageInput) (time.Time, error) {
	err := o.of(now, "sqs", awsx.QueueName(aws.ToString(in.QueueUrl)))
	if err == nil {
		return now, nil
	}
	until := now.Add(longestReceive)
	if o.until.Before(until) {
		until = o.until
	}
	return until, err
}

// stops is how a run of the service's function fails; nil: it runs.
func (o *outage) stops(now time.Time, service string) *lambdacore.FunctionError {
	if o == nil || o.service != "lambda" || o.of(now, "lambda", service) == nil {
		return nil
	}
	kind := [numAilments]string{
		"Lambda.ResourceNotFoundException", "Lambda.AWSLambdaException", "Lambda.TooManyRequestsException", "Runtime.ExitError", "Sandbox.Timedout",
	}[o.how]
	return &lambdacore.FunctionError{Type: kind, Message: "the function " + o.how.String()}
}
