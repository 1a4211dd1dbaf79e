package statemachine_test

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webordinary/hephaestus/deploy/statemachine"
)

const queueURL = "https://sqs.eu-west-1.amazonaws.com/000000000000/smithy-work.fifo"

func values(prefix, workQueueURL string) map[string]string {
	return map[string]string{"StackPrefix": prefix, "WorkQueueUrl": workQueueURL}
}

func TestTheDefinitionIsJSONOfThisStack(t *testing.T) {
	definition, err := statemachine.Definition(values("smithy", queueURL))
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
		if _, err := statemachine.Definition(values(bad, queueURL)); err == nil {
			t.Errorf("the prefix %q is taken", bad)
		}
		if _, err := statemachine.Definition(values("smithy", bad)); err == nil {
			t.Errorf("the queue %q is taken", bad)
		}
	}
}

func TestAPlaceholderWithoutAValueIsRefused(t *testing.T) {
	_, err := statemachine.Definition(map[string]string{"StackPrefix": "smithy"})
	if err == nil || !strings.Contains(err.Error(), "in place of ${WorkQueueUrl}") {
		t.Errorf("error %v", err)
	}
}

// state is what the tests read of a state.
type state struct {
	Type, Resource string
	TimeoutSeconds int
	MaxConcurrency int
	Retry          []retrier
	Catch          []struct{ ErrorEquals []string }
	ItemProcessor  *struct{ States map[string]state }
}

type retrier struct {
	ErrorEquals     []string
	IntervalSeconds float64
	BackoffRate     float64
	MaxDelaySeconds float64
	MaxAttempts     int
	JitterStrategy  string
}

// tasks are the definition's Task states, those of a Map's iterations too, with how many of each
// run at once.
func tasks(t *testing.T) (list map[string]state, atOnce map[string]int) {
	t.Helper()
	text, err := statemachine.Definition(values("smithy", queueURL))
	if err != nil {
		t.Fatal(err)
	}
	var definition struct{ States map[string]state }
	if err := json.Unmarshal([]byte(text), &definition); err != nil {
		t.Fatal(err)
	}
	list, atOnce = map[string]state{}, map[string]int{}
	var walk func(states map[string]state, times int)
	walk = func(states map[string]state, times int) {
		for name, s := range states {
			switch {
			case s.ItemProcessor != nil:
				walk(s.ItemProcessor.States, s.MaxConcurrency)
			case s.Type == "Task":
				list[name], atOnce[name] = s, times
			}
		}
	}
	walk(definition.States, 1)
	if len(list) < 9 {
		t.Fatalf("the definition has %d tasks: %v", len(list), slices.Sorted(maps.Keys(list)))
	}
	return list, atOnce
}

// pauses are the mean and the standard deviation of the sum of a retrier's pauses, in seconds. With
// full jitter a pause is uniform between nothing and its bound.
func (r retrier) pauses() (mean, deviation float64) {
	bound, variance := r.IntervalSeconds, 0.0
	for range r.MaxAttempts {
		bound = min(bound, r.MaxDelaySeconds)
		mean += bound / 2
		variance += bound * bound / 12
		bound *= r.BackoffRate
	}
	return mean, math.Sqrt(variance)
}

const outage = 6 * time.Hour

// A pause that is drawn may be short, so the sum of all pauses is six standard deviations longer
// than the longest outage: less than one in 10⁹ draws is shorter.
func TestEveryTaskIsTriedForLongerThanAnOutageLasts(t *testing.T) {
	list, _ := tasks(t)
	for name, s := range list {
		if len(s.Retry) == 0 {
			t.Errorf("%s is not tried again", name)
			continue
		}
		last := s.Retry[len(s.Retry)-1]
		if !slices.Equal(last.ErrorEquals, []string{"States.ALL"}) || last.JitterStrategy != "FULL" {
			t.Errorf("%s: its last retrier %+v is not one of every error with full jitter", name, last)
		}
		if mean, deviation := last.pauses(); mean-6*deviation < outage.Seconds() {
			t.Errorf("%s is tried again for %.0f ± %.0f s, which may be less than %v", name, mean, deviation, outage)
		}
		if n := len(s.Catch); n == 0 || !slices.Equal(s.Catch[n-1].ErrorEquals, []string{"States.ALL"}) {
			t.Errorf("%s: no catcher takes every error", name)
		}
		if s.TimeoutSeconds == 0 && !strings.HasSuffix(s.Resource, ".waitForTaskToken") {
			t.Errorf("%s has no TimeoutSeconds", name)
		}
	}
}

// Besides the retrier of every error a task has some for errors of which no outage is the cause.
func TestWhatCanNeverBeRightIsNotTriedAgain(t *testing.T) {
	never := []string{"InvalidRequest", "UnmarshalTypeError", "States.DataLimitExceeded"}
	list, _ := tasks(t)
	for name, s := range list {
		want := map[string]int{}
		for _, e := range never {
			want[e] = 0
		}
		switch name {
		case "SendInterrupt":
			want["States.Timeout"] = 0 // the holder's grace is over
		case "SendToContainer":
			// The answers of a worker; and it has no function that could refuse the request.
			want = map[string]int{"PREEMPTED": 0, "CLAIM_LOST": 0, "TIMED_OUT": 0, "FAILED": 0, "States.Timeout": 0, "States.DataLimitExceeded": 0}
		case "ProcessAttachment":
			for _, e := range []string{"Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout", "States.Timeout"} {
				want[e] = 6 // the file may be the cause
			}
		}
		got := map[string]int{}
		for _, r := range s.Retry[:len(s.Retry)-1] {
			for _, e := range r.ErrorEquals {
				got[e] = r.MaxAttempts
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s tries again so often: %v, want %v", name, got, want)
		}
	}
}

// Step Functions ends an execution whose history has 25,000 events. A failed try of a task has
// three: scheduled, started, failed.
func TestAnOutageFitsIntoAnExecutionsHistory(t *testing.T) {
	list, atOnce := tasks(t)
	for name, s := range list {
		tries := 1
		for _, r := range s.Retry {
			tries += r.MaxAttempts
		}
		if events := 3 * tries * atOnce[name]; events > 25_000/4 {
			t.Errorf("%s may have %d events in one outage", name, events)
		}
	}
}
