package statemachine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/deploy/statemachine"
)

const queueURL = "https://sqs.eu-west-1.amazonaws.com/000000000000/smithy-work.fifo"

func TestTheDefinitionIsJSONOfThisStack(t *testing.T) {
	definition, err := statemachine.Definition("smithy", queueURL)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid([]byte(definition)) {
		t.Error("the definition is no JSON")
	}
	if strings.Contains(definition, "${") || strings.Contains(definition, "webordinary") {
		t.Error("the definition names what is not this stack's")
	}
	for _, want := range []string{`"smithy-check-active-job"`, `"QueueUrl": "` + queueURL + `"`} {
		if !strings.Contains(definition, want) {
			t.Errorf("the definition does not name %s", want)
		}
	}
}

func TestValuesThatWouldBreakTheDefinitionAreRefused(t *testing.T) {
	for _, bad := range []string{"", `smi"thy`, `smi\thy`, "smi\nthy", "smi\x00thy", "smi<thy", "smi\xffthy", "${Other}", "${WorkQueueUrl}"} {
		if _, err := statemachine.Definition(bad, queueURL); err == nil {
			t.Errorf("the prefix %q is taken", bad)
		}
		if _, err := statemachine.Definition("smithy", bad); err == nil {
			t.Errorf("the queue %q is taken", bad)
		}
	}
}
