package asl

//lint:file-ignore ST1005 the texts of errors are AWS's own

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Resource is what a Task state calls.
type Resource struct {
	ARN       string // as the definition has it
	Service   string // "lambda", "sqs" or "dynamodb"
	Action    string // "invoke", "sendMessage", …
	Function  bool   // a function's own ARN: the result is its bare payload
	WaitToken bool   // .waitForTaskToken
}

const (
	integrationPrefix = "arn:aws:states:::"
	waitTokenSuffix   = ".waitForTaskToken"
)

// integrations lists the known service calls and whether they can wait for a task token.
var integrations = map[string]bool{
	"lambda:invoke":       true,
	"sqs:sendMessage":     true,
	"dynamodb:getItem":    false,
	"dynamodb:putItem":    false,
	"dynamodb:updateItem": false,
	"dynamodb:deleteItem": false,
}

var functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9-_]{1,64}(:(\$LATEST|[A-Za-z0-9-_]+))?$`)

// parseResource refuses by name a resource that is neither one of integrations nor a function's
// ARN.
func parseResource(arn string) (Resource, error) {
	if functionARN.MatchString(arn) {
		return Resource{ARN: arn, Service: "lambda", Action: "invoke", Function: true}, nil
	}
	name, isIntegration := strings.CutPrefix(arn, integrationPrefix)
	name, waits := strings.CutSuffix(name, waitTokenSuffix)
	canWait, known := integrations[name]
	if !isIntegration || !known || waits && !canWait {
		return Resource{}, fmt.Errorf("The resource provided %s is not recognized. This interpreter knows a function's ARN and %s%s",
			arn, integrationPrefix, strings.Join(knownIntegrations(), ", "))
	}
	service, action, _ := strings.Cut(name, ":")
	return Resource{ARN: arn, Service: service, Action: action, WaitToken: waits}, nil
}

func knownIntegrations() []string {
	var names []string
	for name, canWait := range integrations {
		if canWait {
			name += "[" + waitTokenSuffix + "]"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
