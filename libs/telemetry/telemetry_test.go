package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/webordinary/hephaestus/libs/telemetry"
)

func TestALineSaysItsPartAndItsRequest(t *testing.T) {
	tests := []struct {
		name    string
		ctx     context.Context
		request any
	}{
		{"in a Lambda", lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"}), "r-1"},
		{"elsewhere", context.Background(), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			log, err := telemetry.Logger(&out, "intake", "")
			if err != nil {
				t.Fatal(err)
			}
			log.With("key", "amelia#scott").InfoContext(test.ctx, "claimed", "fence", 7)
			log.DebugContext(test.ctx, "not at this level")
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatalf("want one JSON line: %v\n%s", err, &out)
			}
			for name, want := range map[string]any{"part": "intake", "key": "amelia#scott", "msg": "claimed", "fence": 7.0, "requestId": test.request} {
				if line[name] != want {
					t.Errorf("%s is %v, want %v", name, line[name], want)
				}
			}
		})
	}
}

func TestALevelThatIsNoneIsRefused(t *testing.T) {
	if _, err := telemetry.Logger(&bytes.Buffer{}, "intake", "loud"); err == nil {
		t.Error("accepted")
	}
}
