// Package wire translates between the AWS JSON 1.0 and 1.1 protocols and the Go SDK's own input,
// output and error structs of DynamoDB, SQS and Step Functions, seen from the server's side: it
// reads what a client sends and writes what a client reads. The same translation turns the
// Parameters of a Step Functions task into the input of the API it names, and the API's answer back
// into the task's result.
//
// What it promises: every operation of the three services round-trips with the SDK's own client; a
// member that the structs do not have is skipped, as AWS does; a value of the wrong JSON type is a
// SerializationException; the same struct always encodes to the same bytes (map keys are sorted).
//
// What it does not: it checks no required members, lengths, patterns or enum values; those rules
// belong to the service that gets the input.
package wire

import (
	"reflect"
	"strings"
	"sync" //determinism:ok what callers in all threads learn of a type depends on nothing else

	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// The services that a Codec knows. States is the name of Step Functions in ARNs and in the scope of
// request signatures.
const (
	DynamoDB = "dynamodb"
	SQS      = "sqs"
	States   = "states"
)

// Codec encodes and decodes. It is safe for concurrent use: the front of the local stack shares one
// among all connections. Its cache depends on types alone, so it cannot make two runs differ.
type Codec struct {
	inputs  map[string]map[string]reflect.Type // service, operation → input struct
	structs sync.Map                           // reflect.Type → *structPlan
}

// New returns a Codec that knows every operation of the SDK's DynamoDB, SQS and Step Functions
// clients.
func New() *Codec {
	return &Codec{inputs: map[string]map[string]reflect.Type{
		DynamoDB: byOperation(dynamodbInputs()),
		SQS:      byOperation(sqsInputs()),
		States:   byOperation(statesInputs()),
	}}
}

// OperationInput returns a new, empty input struct for an operation ("UpdateItem" of DynamoDB gives
// a *dynamodb.UpdateItemInput), or false if the SDK does not have the operation or service.
func (c *Codec) OperationInput(service, operation string) (input any, known bool) {
	t, known := c.inputs[service][operation]
	if !known {
		return nil, false
	}
	return reflect.New(t).Interface(), true
}

func byOperation(inputs []any) map[string]reflect.Type {
	types := make(map[string]reflect.Type, len(inputs))
	for _, input := range inputs {
		t := reflect.TypeOf(input)
		types[strings.TrimSuffix(t.Name(), "Input")] = t
	}
	return types
}

// structPlan says what a struct's members are called on the wire.
type structPlan struct {
	members []member // in declaration order
	byName  map[string]int
}

type member struct {
	name  string
	key   []byte // `"name":`
	field int
}

func (c *Codec) plan(t reflect.Type) *structPlan {
	if p, ok := c.structs.Load(t); ok {
		return p.(*structPlan)
	}
	p, _ := c.structs.LoadOrStore(t, newStructPlan(t))
	return p.(*structPlan)
}

func newStructPlan(t reflect.Type) *structPlan {
	p := &structPlan{byName: make(map[string]int, t.NumField())}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" || f.Name == "ErrorCodeOverride" {
			continue
		}
		name := wireName(t, f.Name)
		p.byName[name] = i
		p.members = append(p.members, member{name: name, key: []byte(`"` + name + `":`), field: i})
	}
	return p
}

// errorType is the interface that the SDK's modelled errors satisfy.
var errorType = reflect.TypeFor[error]()

// lowerCaseMembers are the members that DynamoDB and SQS spell with a small first letter, unlike
// nearly all of their others. (So is the message of their errors, and every member of Step
// Functions.)
var lowerCaseMembers = map[reflect.Type]map[string]bool{
	reflect.TypeFor[sqs.CreateQueueInput]():                 {"Tags": true},
	reflect.TypeFor[sqs.ListDeadLetterSourceQueuesOutput](): {"QueueUrls": true},
	reflect.TypeFor[dynamodbtypes.ThrottlingReason]():       {"Reason": true, "Resource": true},
	reflect.TypeFor[dynamodbtypes.ThrottlingException]():    {"ThrottlingReasons": true},
}

// sfnPackage is the import path of Step Functions' operations and, with "/types" added, of its
// shapes.
var sfnPackage = reflect.TypeFor[sfn.Client]().PkgPath()

func wireName(t reflect.Type, field string) string {
	lower := strings.HasPrefix(t.PkgPath(), sfnPackage) ||
		lowerCaseMembers[t][field] ||
		field == "Message" && reflect.PointerTo(t).Implements(errorType)
	if lower {
		return strings.ToLower(field[:1]) + field[1:]
	}
	return field
}
