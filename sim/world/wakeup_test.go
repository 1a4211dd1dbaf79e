package world

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/libs/job"
)

func TestAWakeUpIsToldFromTheEndOfAJob(t *testing.T) {
	for name, test := range map[string]struct {
		output any
		want   bool
	}{
		"a wake-up":                          {job.Woken{Superseded: true, By: "worker-1"}, true},
		"one that lets go on":                {job.Woken{By: "worker-1"}, true},
		"a job that completed":               {job.WorkResult{MessageID: "m1", Outcome: job.Completed}, false},
		"a job that ended as superseded too": {job.WorkResult{MessageID: "m1", Outcome: job.Superseded}, false},
	} {
		output, err := json.Marshal(test.output)
		if err != nil {
			t.Fatal(err)
		}
		woken, is := wakeUp(&sfn.SendTaskSuccessInput{Output: aws.String(string(output))})
		if is != test.want || (is && woken != test.output) {
			t.Errorf("%s: %s is read as %+v, %v", name, output, woken, is)
		}
	}
}
