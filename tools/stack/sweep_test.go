package stack_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/ending"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/services/sweep"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/stack"
)

func TestAJobWhoseExecutionNeverBeganIsSwept(t *testing.T) {
	l := startLab(t, 0, "", func(c *stack.Config) {
		c.SweepEvery, c.Sweep = 50*time.Millisecond, sweep.Settings{StartAge: 200 * time.Millisecond}
	})
	m := job.Message{
		MessageID: "a1", ProjectID: "amelia", UserID: "scott", ProjectUserID: "amelia#scott", ThreadID: "a", ReceivedAtMillis: job.Millis(time.Now()),
	}
	if _, err := l.store.Admit(t.Context(), m, l.StateMachineARN(), nil); err != nil {
		t.Fatal(err)
	}
	if j := l.ends("a1", job.Failed); j.Result != ending.NeverBegan {
		t.Errorf("result %q", j.Result)
	}
	if letter := l.letter("a1"); letter.Kind != "failed" {
		t.Errorf("letter %+v", letter)
	}
}

// A row expires after 30 days, and Step Functions keeps the name of its execution for 90.
func TestMailWhoseRowHasExpiredIsWorkedOnAgain(t *testing.T) {
	l := startLab(t, 1, "true")
	for range 2 {
		l.mail("a1", "work", "")
		l.ends("a1", job.Completed)
		_, err := client.NewDynamoDB(l.Call).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
			TableName: aws.String(l.Names().Jobs()), Key: item.Map{"messageId": item.Text("a1")},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := l.executions(); n != 2 {
		t.Errorf("%d executions", n)
	}
}
