// Package statemachine has the one definition of the state machine, email-processor.asl.json, that
// AWS, LocalStack, the local stack and the simulation run. What differs between them is a
// placeholder in the file, ${StackPrefix} or ${WorkQueueUrl}, as CloudFormation's
// DefinitionSubstitutions need it.
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

// Definition returns the definition for a stack. It refuses values that would break the JSON or
// that contain a placeholder.
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
