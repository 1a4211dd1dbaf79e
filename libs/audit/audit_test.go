package audit_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

var ctx = context.Background()

// interrupted is a job that ended with everything that a record can hold.
func interrupted() claim.Job {
	return claim.Job{
		MessageID: "m1", Key: simtest.Key, ThreadID: "A", ContainerID: "container-1-c1",
		Outcome: job.Interrupted, OutcomeAtMillis: job.Millis(simtest.Start),
		InterruptedBy: &claim.InterruptedBy{ThreadID: "B", MessageID: "m2", RequestedAtMillis: job.Millis(simtest.Start) - 1000}, PartialWork: "half",
	}
}

func TestTheRecordOfAJob(t *testing.T) {
	got, ok := audit.Of(interrupted())
	want := audit.Record{
		MessageID: "m1", RecordID: "interruption-m1", ProjectUserID: simtest.Key, InterruptedContainer: "container-1-c1", InterruptedThreadID: "A",
		NewThreadID: "B", NewMessageID: "m2", Reason: job.ReasonPreempted, PartialWork: "half",
		RequestedAtMillis: job.Millis(simtest.Start) - 1000, TimestampMillis: job.Millis(simtest.Start),
	}
	if !ok || got != want {
		t.Errorf("%+v, %v; want %+v", got, ok, want)
	}
	for outcome, recorded := range map[job.Outcome]bool{
		"": false, job.Completed: false, job.Rejected: false, job.Superseded: true, job.TimedOut: true, job.Failed: true,
	} {
		if _, ok := audit.Of(claim.Job{MessageID: "m1", Outcome: outcome}); ok != recorded {
			t.Errorf("outcome %q is on record: %v", outcome, ok)
		}
	}
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	full := interrupted()
	bare := claim.Job{MessageID: "m1", Key: simtest.Key, ThreadID: "A", Outcome: job.Failed, OutcomeAtMillis: job.Millis(simtest.Start)}
	for _, j := range []claim.Job{full, bare} {
		lab := simtest.New(t)
		want, _ := audit.Of(j)
		if fresh, err := lab.Records().Put(ctx, want); !fresh || err != nil {
			t.Fatal(fresh, err)
		}
		stored := get(lab)
		got, err := audit.Parse(stored)
		if err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		expires := stored["expiresAt"].(*types.AttributeValueMemberN).Value
		if want := strconv.FormatInt(simtest.Start.Add(30*24*time.Hour).Unix(), 10); expires != want {
			t.Errorf("expires at %s, want %s", expires, want)
		}
	}
}

func TestAMessageHasOneRecord(t *testing.T) {
	lab := simtest.New(t)
	first, _ := audit.Of(interrupted())
	if fresh, err := lab.Records().Put(ctx, first); !fresh || err != nil {
		t.Fatal(fresh, err)
	}
	second := first
	second.Reason = job.ReasonTimeout
	if fresh, err := lab.Records().Put(ctx, second); fresh || err != nil {
		t.Errorf("second: %v, %v", fresh, err)
	}
	if got, err := audit.Parse(get(lab)); err != nil || got != first {
		t.Errorf("%+v, %v", got, err)
	}
	lab.Fail("PutItem", 0)
	if _, err := lab.Records().Put(ctx, first); !errors.Is(err, simtest.ErrFailed) {
		t.Errorf("error %v", err)
	}
}

// The row of a message may expire before its record does, and the message come anew.
func TestTheRecordOfAnEarlierRowGivesWay(t *testing.T) {
	later := interrupted()
	later.Outcome, later.OutcomeAtMillis = job.Failed, later.OutcomeAtMillis+(30*24*time.Hour).Milliseconds()
	want, _ := audit.Of(later)
	for name, put := range map[string]func(*audit.Log, *simtest.Lab) error{
		"by itself": func(l *audit.Log, _ *simtest.Lab) error { _, err := l.Put(ctx, want); return err },
		"in the transaction that ends the job": func(l *audit.Log, lab *simtest.Lab) error {
			_, err := lab.DynamoDB().TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{l.Write(later)}})
			return err
		},
	} {
		lab := simtest.New(t)
		earlier, _ := audit.Of(interrupted())
		if fresh, err := lab.Records().Put(ctx, earlier); !fresh || err != nil {
			t.Fatal(fresh, err)
		}
		if err := put(lab.Records(), lab); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := audit.Parse(get(lab)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if fresh, err := lab.Records().Put(ctx, earlier); fresh || err != nil {
			t.Errorf("%s: the earlier one comes back: %v, %v", name, fresh, err)
		}
	}
}

func TestEveryFieldOfARecordIsWrittenAndRead(t *testing.T) {
	want := simtest.Filled[audit.Record](t)
	if got, err := audit.Parse(want.Item()); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestANumberThatIsNoneIsAnError(t *testing.T) {
	m := item.Map{"messageId": item.Text("m1"), "timestamp": &types.AttributeValueMemberN{Value: "1.5"}}
	if r, err := audit.Parse(m); err == nil || err.Error() != `interruption of "m1": attribute timestamp: "1.5" is no integer` {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAnAttributeOfAnotherTypeIsAnError(t *testing.T) {
	if r, err := audit.Parse(item.Map{"messageId": item.Text("m1"), "reason": item.Number(1)}); err == nil {
		t.Errorf("%+v", r)
	}
}

func get(lab *simtest.Lab) item.Map { return lab.Item(lab.Names.Interruptions(), "messageId", "m1") }
