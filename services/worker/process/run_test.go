package process_test

import (
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/services/worker/process"
)

func TestAProcessSaysWhichOfItsSettingsIsWrong(t *testing.T) {
	for _, test := range []struct {
		name    string
		argv    []string
		environ map[string]string
		says    []string
	}{
		{"no command", nil, nil, []string{"no command", "Environment:"}},
		{"no such command", []string{"no-such-smith"}, nil, []string{"the command cannot be run", "no-such-smith"}},
		{"a value where a name is wanted", []string{"true"}, map[string]string{"COMMAND_ENV": "TOKEN=secret"}, []string{"COMMAND_ENV", "name of a variable alone"}},
		{"no queue", []string{"true"}, map[string]string{"WORK_QUEUE_URL": ""}, []string{"WORK_QUEUE_URL is not set"}},
		{"a queue that is no URL", []string{"true"}, map[string]string{"WORK_QUEUE_URL": "work"}, []string{`"work"`}},
		{"no duration", []string{"true"}, map[string]string{"HEARTBEAT": "20"}, []string{`HEARTBEAT="20"`, "such as 90s"}},
		{"no duration for the command", []string{"true"}, map[string]string{"COMMAND_TIMEOUT": "an hour"}, []string{`COMMAND_TIMEOUT="an hour"`}},
		{"times that do not go together", []string{"true"}, map[string]string{"HEARTBEAT": "1m"}, []string{"a third of the lease"}},
		{"times that do not go together with the protocol's", []string{"true"}, map[string]string{"LEASE": "30s"}, []string{"a third of the lease 30s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("AWS_REGION", "us-east-1")
			t.Setenv("WORK_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/000000000000/webordinary-work.fifo")
			for name, value := range test.environ {
				t.Setenv(name, value)
			}
			err := process.Run(t.Context(), test.argv)
			if err == nil {
				t.Fatal("it runs")
			}
			for _, says := range test.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("error %q, want it to say %q", err, says)
				}
			}
		})
	}
}
