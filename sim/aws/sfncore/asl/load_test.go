package asl

import (
	"strings"
	"testing"
)

// good is a definition with every type of state.
const good = `{
  "Comment": "all types", "StartAt": "P", "TimeoutSeconds": 60, "Version": "1.0", "QueryLanguage": "JSONPath",
  "States": {
    "P": {"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.p", "Next": "C"},
    "C": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": true, "Next": "W"}], "Default": "T"},
    "W": {"Type": "Wait", "SecondsPath": "$.x", "Next": "T"},
    "T": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"t.$": "$$.Task.Token"},
      "TimeoutSeconds": 60, "HeartbeatSecondsPath": "$.h", "ResultSelector": {"r.$": "$"}, "InputPath": null, "OutputPath": "$.o",
      "Retry": [{"ErrorEquals": ["A", "B"], "IntervalSeconds": 3, "MaxAttempts": 0, "BackoffRate": 1.5, "MaxDelaySeconds": 9, "JitterStrategy": "FULL"},
        {"ErrorEquals": ["States.ALL"]}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "F"}], "Next": "M"},
    "M": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "Parameters": {"i.$": "$$.Map.Item.Index"},
      "Iterator": {"StartAt": "I", "States": {"I": {"Type": "Succeed"}}}, "Next": "L"},
    "L": {"Type": "Parallel", "Branches": [{"StartAt": "B1", "States": {"B1": {"Type": "Pass", "End": true}}}], "Next": "D"},
    "D": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f:live", "Next": "S"},
    "F": {"Type": "Fail", "Error": "E", "CausePath": "States.Format('{}', $.e)"},
    "S": {"Type": "Succeed"}
  }
}`

func TestAGoodDefinitionLoads(t *testing.T) {
	machine, problems := Load(good)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if s := machine.Flow.Start; s.Name != "P" || s.Next.Type != Choice || s.Next.Default.Resource.Service != "sqs" || !s.Next.Default.Resource.WaitToken {
		t.Errorf("the states are wired wrongly: %+v", s)
	}
}

// TestProblems breaks one thing at a time and expects exactly the problems named (API Reference,
// ValidateStateMachineDefinition).
func TestProblems(t *testing.T) {
	state := func(text string) string { return `{"StartAt":"A","States":{"A":` + text + `}}` }
	for _, tc := range []struct {
		definition string
		want       []string
	}{
		{``, []string{"INVALID_JSON_DESCRIPTION: "}},
		{`{"StartAt"`, []string{"INVALID_JSON_DESCRIPTION: "}},
		{`[]`, []string{"SCHEMA_VALIDATION_FAILED: Expected value of type Object"}},
		{`{"States":{}}`, []string{"'StartAt' is required", "At least one state is required at /States"}},
		{`{"StartAt":"A"}`, []string{"'States' is required"}},
		{`{"StartAt":"B","States":{"A":{"Type":"Succeed"}}}`, []string{"MISSING_TRANSITION_TARGET: Missing 'StartAt' target: B at /StartAt"}},
		{state(`{"Type":"Pass","Next":"B"}`), []string{"MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next"}},
		{`{"StartAt":"A","States":{"A":{"Type":"Succeed"},"B":{"Type":"Succeed"}}}`,
			[]string{`MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B`}},
		{state(`{"Type":"Pass","Next":""}`), []string{"Missing 'Next' target"}},
		{state(`{"Type":""}`), []string{"'Type' must not be empty"}},
		{state(`{"Type":"Pass"}`), []string{"Exactly one of the fields 'Next' and 'End' is required at /States/A"}},
		{state(`{"Type":"Pass","End":true,"Next":"A"}`), []string{"Exactly one of the fields 'Next' and 'End'"}},
		{state(`{"End":true}`), []string{"The field 'Type' is required but was missing at /States/A", "Field 'End' is not supported here"}},
		{state(`{"Type":"Loop"}`), []string{"The state type 'Loop' does not exist at /States/A/Type"}},
		{state(`{"Type":"Pass","End":true,"Reslut":1}`), []string{"Field 'Reslut' is not supported here at /States/A/Reslut"}},
		{state(`{"Type":"Pass","End":"yes"}`), []string{"Expected value of type Boolean", "Exactly one of"}},
		{state(`{"Type":"Pass","End":true,"InputPath":"a"}`), []string{"not a valid JSONPath"}},
		{state(`{"Type":"Pass","End":true,"ResultPath":"$.a[*]"}`), []string{"not a Reference Path"}},
		{state(`{"Type":"Pass","End":true,"Parameters":{"a.$":"b"}}`),
			[]string{"/a.$: The value for the field 'a.$' must be a valid JSONPath or a valid intrinsic function call"}},
		{state(`{"Type":"Choice","Choices":[]}`), []string{"non-empty"}},
		{state(`{"Type":"Choice","Choices":[{"Variable":"$.a","Next":"A"}]}`),
			[]string{"Exactly one comparison operator is required in a choice rule at /States/A/Choices[0]", "Field 'Variable'"}},
		{state(`{"Type":"Choice","Choices":[{"Variable":"$.a","StringEquals":1,"Next":"A"}]}`), []string{"StringEquals cannot compare with 1"}},
		{state(`{"Type":"Choice","Choices":[{"Variable":"$.a","StringMatchesPath":"$.b","Next":"A"}]}`), []string{"Exactly one comparison", "Field 'StringMatchesPath'", "Field 'Variable'"}},
		{state(`{"Type":"Choice","Choices":[{"StringEquals":"a"}]}`), []string{"'Variable' is required", "'Next' is required"}},
		{state(`{"Type":"Wait","End":true}`), []string{"Exactly one of the fields 'Seconds'"}},
		{state(`{"Type":"Wait","Timestamp":"tomorrow","End":true}`), []string{"not a timestamp"}},
		{state(`{"Type":"Wait","Seconds":-1,"End":true}`), []string{"Expected an integer from 0"}},
		{state(`{"Type":"Fail","Error":"E","ErrorPath":"$.e"}`), []string{"Only one of Error and ErrorPath"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::sns:publish","End":true}`),
			[]string{"The resource provided arn:aws:states:::sns:publish is not recognized."}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::dynamodb:getItem.waitForTaskToken","End":true}`), []string{"is not recognized"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:us-east-1:000000000000:activity:a","End":true}`), []string{"is not recognized"}},
		{state(`{"Type":"Task","End":true}`), []string{"'Resource' is required"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":0,"End":true}`), []string{"Expected an integer from 1"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":1,"TimeoutSecondsPath":"$.t","End":true}`),
			[]string{"Only one of TimeoutSeconds and TimeoutSecondsPath"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","TimeoutSeconds":5,"HeartbeatSeconds":5,"End":true}`),
			[]string{"smaller than TimeoutSeconds"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","HeartbeatSeconds":5,"End":true}`), []string{"on .waitForTaskToken only"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["A"]}]}`),
			[]string{"States.ALL must be alone and in the last entry at /States/A/Retry[0]/ErrorEquals"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,"Catch":[{"ErrorEquals":[],"Next":"A"}]}`), []string{"non-empty array of error names"}},
		{state(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,"Retry":[{"ErrorEquals":["A"],"BackoffRate":0.5,"MaxDelaySeconds":1,"JitterStrategy":"HALF"}]}`),
			[]string{"not below 1", "JitterStrategy is FULL or NONE", "greater than IntervalSeconds"}},
		{state(`{"Type":"Map","End":true}`), []string{"'ItemProcessor' is required"}},
		{state(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}],"End":true}`),
			[]string{"DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A/Branches[0]/States/A"}},
		// What the interpreter leaves out is refused by name.
		{`{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Succeed"}}}`, []string{"QueryLanguage JSONata is not supported by this interpreter at /QueryLanguage"}},
		{state(`{"Type":"Pass","QueryLanguage":"JSONata","End":true}`), []string{"QueryLanguage JSONata is not supported by this interpreter at /States/A/QueryLanguage"}},
		{state(`{"Type":"Pass","Assign":{"x":1},"End":true}`), []string{"Assign is not supported by this interpreter"}},
		{state(`{"Type":"Pass","InputPath":"$x.y","End":true}`), []string{"variables are not supported by this interpreter"}},
		{state(`{"Type":"Map","ItemReader":{},"End":true,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"B","States":{"B":{"Type":"Succeed"}}}}`),
			[]string{"Map in mode DISTRIBUTED is not supported by this interpreter", "ItemReader (distributed Map) is not supported"}},
	} {
		machine, problems := Load(tc.definition)
		if machine != nil || len(problems) != len(tc.want) {
			t.Errorf("%s\nhas the problems %v, want %q", tc.definition, problems, tc.want)
			continue
		}
		for i, want := range tc.want {
			if !strings.Contains(problems[i].String(), want) {
				t.Errorf("%s\nproblem %d is %q, want %q", tc.definition, i, problems[i], want)
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(good)
	f.Add(`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Not":{"And":[{"Variable":"$.a","IsNull":true}]},"Next":"A"}]}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		machine, problems := Load(text)
		if (machine == nil) != (len(problems) > 0) {
			t.Fatalf("%q gives %v and %v", text, machine, problems)
		}
		if machine != nil && machine.Flow.Start == nil {
			t.Fatalf("%q has no start", text)
		}
	})
}
