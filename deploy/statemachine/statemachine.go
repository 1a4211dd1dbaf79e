// Package statemachine holds the one definition of the flow, email-processor.asl.json, as AWS,
// LocalStack, the local stack and the simulation run it. The file names what differs between them as
// ${StackPrefix} and ${WorkQueueUrl}, as CloudFormation's DefinitionSubstitutions do.
package statemachine

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

//go:embed email-processor.asl.json
var template string

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// Definition is the flow for a stack. It refuses values that would break the JSON, or that name a placeholder.
func Definition(stackPrefix, workQueueURL string) (string, error) {
	for _, v := range []string{stackPrefix, workQueueURL} {
		if quoted, err := json.Marshal(v); err != nil || string(quoted) != `"`+v+`"` || v == "" || placeholder.MatchString(v) {
			return "", fmt.Errorf("state machine: %q cannot stand in the definition", v)
		}
	}
	definition := strings.ReplaceAll(template, "${StackPrefix}", stackPrefix)
	definition = strings.ReplaceAll(definition, "${WorkQueueUrl}", workQueueURL)
	if left := placeholder.FindString(definition); left != "" {
		return "", fmt.Errorf("state machine: nothing is known to put in place of %s", left)
	}
	return definition, nil
}
