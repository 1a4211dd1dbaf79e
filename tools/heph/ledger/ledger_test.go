package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/sim/aws/client"
)

func names(t *testing.T) awsx.Names {
	t.Helper()
	names, err := awsx.NewNames("test")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// pages answers scans with one item a page, and notes what is asked.
func pages(asked *[]any, items ...item.Map) client.Call {
	return func(_ context.Context, _, _ string, input any) (any, error) {
		*asked = append(*asked, input)
		in, ok := input.(*dynamodb.ScanInput)
		if !ok {
			return nil, fmt.Errorf("%T: want a scan", input)
		}
		at := 0
		if n, ok := in.ExclusiveStartKey["at"].(*types.AttributeValueMemberN); ok {
			at, _ = strconv.Atoi(n.Value)
		}
		out := &dynamodb.ScanOutput{Items: []item.Map{items[at]}}
		if at+1 < len(items) {
			out.LastEvaluatedKey = item.Map{"at": item.Number(int64(at + 1))}
		}
		return out, nil
	}
}

func TestJobsOfAllKeysAreTheNewestFirstOverAllPages(t *testing.T) {
	var asked []any
	l := New(client.NewDynamoDB(pages(&asked,
		item.Map{"messageId": item.Text("old"), "receivedAt": item.Number(1)},
		item.Map{"messageId": item.Text("newest"), "receivedAt": item.Number(3)},
		item.Map{"messageId": item.Text("middle"), "receivedAt": item.Number(2)},
	)), names(t))
	jobs, err := l.Jobs(t.Context(), "", 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs.Rows) != 2 || jobs.Rows[0].MessageID != "newest" || jobs.Rows[1].MessageID != "middle" || !jobs.More {
		t.Fatalf("got %+v", jobs)
	}
	if len(asked) != 3 || aws.ToString(asked[0].(*dynamodb.ScanInput).TableName) != "test-jobs" {
		t.Fatalf("asked %+v", asked)
	}
}

func TestJobsOfAKeyComeFromTheIndex(t *testing.T) {
	call := func(_ context.Context, _, _ string, input any) (any, error) {
		in := input.(*dynamodb.QueryInput)
		if aws.ToString(in.IndexName) != "by-key" || aws.ToBool(in.ScanIndexForward) || aws.ToInt32(in.Limit) != 5 {
			t.Errorf("asked %+v", in)
		}
		return &dynamodb.QueryOutput{Items: []item.Map{{"messageId": item.Text("m1")}}}, nil
	}
	jobs, err := New(client.NewDynamoDB(call), names(t)).Jobs(t.Context(), "amelia#scott", 5)
	if err != nil || len(jobs.Rows) != 1 || jobs.More {
		t.Fatalf("got %+v, %v", jobs, err)
	}
}

func TestInterruptionsOfAKeyLeaveOutOthers(t *testing.T) {
	var asked []any
	l := New(client.NewDynamoDB(pages(&asked,
		item.Map{"messageId": item.Text("a"), "projectUserId": item.Text("amelia#scott"), "timestamp": item.Number(1)},
		item.Map{"messageId": item.Text("b"), "projectUserId": item.Text("atlas#dana"), "timestamp": item.Number(2)},
	)), names(t))
	records, err := l.Interruptions(t.Context(), "amelia#scott", 10)
	if err != nil || len(records.Rows) != 1 || records.Rows[0].MessageID != "a" || records.More {
		t.Fatalf("got %+v, %v", records, err)
	}
}

func TestARowThatCannotBeReadIsAnErrorThatNamesTheTable(t *testing.T) {
	var asked []any
	l := New(client.NewDynamoDB(pages(&asked, item.Map{"projectUserId": item.Text("k"), "fence": item.Text("no number")})), names(t))
	if _, err := l.Claims(t.Context()); err == nil {
		t.Fatal("no error")
	}
}

const letterBody = `{"kind":"timed-out","messageId":"m1","what":"too slow","lookInto":[],"at":7}`

func TestTheLocalStacksQueueIsLookedIntoWithoutAReceive(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/_heph/queues/test-dlq" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `[{"messageId":"q1","body":%q},{"messageId":"q2","body":"not ours"}]`, letterBody)
	}))
	defer server.Close()
	letters, err := Peek{HTTP: server.Client(), Endpoint: server.URL + "/", Name: "test-dlq"}.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(letters) != 2 || letters[0].MessageID != "m1" || letters[1].Body != "not ours" || letters[1].Kind != "" {
		t.Fatalf("got %+v", letters)
	}
	_, err = Peek{HTTP: server.Client(), Endpoint: server.URL, Name: "other"}.Look(t.Context())
	if !errors.Is(err, ErrNoPeeking) {
		t.Fatalf("an endpoint that shows no queues: %v", err)
	}
}

func TestAnotherQueueIsReceivedFromUntilNothingNewComes(t *testing.T) {
	receives := 0
	call := func(_ context.Context, _, _ string, input any) (any, error) {
		switch in := input.(type) {
		case *sqs.GetQueueUrlInput:
			return &sqs.GetQueueUrlOutput{QueueUrl: aws.String("https://sqs/1/" + aws.ToString(in.QueueName))}, nil
		case *sqs.ReceiveMessageInput:
			receives++
			if in.VisibilityTimeout != 0 || aws.ToString(in.QueueUrl) != "https://sqs/1/test-dlq" {
				t.Errorf("received with %+v", in)
			}
			id := fmt.Sprintf("q%d", min(receives, 2))
			return &sqs.ReceiveMessageOutput{Messages: []sqstypes.Message{{MessageId: aws.String(id), Body: aws.String(letterBody)}}}, nil
		}
		return nil, fmt.Errorf("%T: nothing may be changed", input)
	}
	letters, err := Receive{SQS: client.NewSQS(call), Name: "test-dlq"}.Look(t.Context())
	if err != nil || len(letters) != 2 || receives != 3 {
		t.Fatalf("%d letters by %d receives, %v", len(letters), receives, err)
	}
}
