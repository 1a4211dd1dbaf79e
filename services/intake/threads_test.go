package intake_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/webordinary/hephaestus/libs/item"
	"github.com/webordinary/hephaestus/services/intake"
	"github.com/webordinary/hephaestus/sim/simtest"
)

func TestEveryFieldOfAnEntryIsWrittenAndRead(t *testing.T) {
	lab := simtest.New(t)
	threads := intake.NewThreads(lab.DynamoDB(), lab.Names.Threads(), lab.Now)
	want := simtest.Filled[intake.Entry](t)
	if _, err := threads.Note(ctx, want); err != nil {
		t.Fatal(err)
	}
	got, err := threads.Note(ctx, intake.Entry{RFCMessageID: want.RFCMessageID, ThreadID: "another"})
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestAnEntryWithAWrongAttributeIsAnErrorThatNamesIt(t *testing.T) {
	lab := simtest.New(t)
	_, err := lab.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(lab.Names.Threads()), Item: item.Map{"rfcMessageId": item.Text("one@x"), "threadId": item.Number(1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	threads := intake.NewThreads(lab.DynamoDB(), lab.Names.Threads(), lab.Now)
	if _, _, err := threads.Lookup(ctx, "one@x"); err == nil || !strings.Contains(err.Error(), "the thread of one@x: attribute threadId: want type S, got N") {
		t.Errorf("error %v", err)
	}
}
