// Package statemachine has the one definition of the state machine, email-processor.asl.json, that
// AWS, LocalStack, the local stack and the simulation run. What differs between them is a
// placeholder in the file, ${StackPrefix} or ${WorkQueueUrl}, as CloudFormation's
// DefinitionSubstitutions need it.
package statemachine

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

//go:embed email-processor.asl.json
var template string

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// Definition returns the definition for a stack, with values in place of the file's placeholders.
// It refuses values that would break the JSON or that contain a placeholder, and placeholders
// without a value.
func Definition(values map[string]string) (string, error) {
	definition := template
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if quoted, err := json.Marshal(v); err != nil || string(quoted) != `"`+v+`"` || v == "" || placeholder.MatchString(v) {
			return "", fmt.Errorf("state machine: %q cannot stand in the definition", v)
		}
		definition = strings.ReplaceAll(definition, "${"+name+"}", v)
	}
	if left := placeholder.FindString(definition); left != "" {
		return "", fmt.Errorf("state machine: nothing is known to put in place of %s", left)
	}
	return definition, nil
}

// called finds the functions that tasks call.
var called = regexp.MustCompile(`"FunctionName": "([^"]+)"`)

// Calls are the names of the functions that a definition calls, each once.
func Calls(definition string) []string {
	var names []string
	for _, found := range called.FindAllStringSubmatch(definition, -1) {
		if !slices.Contains(names, found[1]) {
			names = append(names, found[1])
		}
	}
	return names
}
