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
	threads := intake.NewThreads(lab.DynamoDB(), lab.Names, lab.Now)
	want := simtest.Filled[intake.Entry](t)
	if _, err := threads.Note(ctx, want); err != nil {
		t.Fatal(err)
	}
	noted, err := threads.Note(ctx, intake.Entry{Key: want.Key, RFCMessageID: want.RFCMessageID, ThreadID: "another"})
	if err != nil || noted != want {
		t.Errorf("%+v, %v; want %+v", noted, err, want)
	}
	read, err := threads.Read(ctx, want.Key, want.RFCMessageID)
	if err != nil || read != want {
		t.Errorf("%+v, %v; want %+v", read, err, want)
	}
}

func TestAnEntryTakesThePlaceOnlyOfTheOneThatWasSeen(t *testing.T) {
	lab := simtest.New(t)
	threads := intake.NewThreads(lab.DynamoDB(), lab.Names, lab.Now)
	none := intake.Entry{Key: "amelia#scott", RFCMessageID: "one@x"}
	named, first, second := none, none, none
	named.ThreadID, first.ThreadID, second.ThreadID = "t", "t", "t"
	first.MessageID, second.MessageID = "m1", "m2"
	for i, step := range []struct {
		before, put intake.Entry
		noted       bool
	}{{named, first, false}, {none, named, true}, {none, first, false}, {first, second, false}, {named, first, true}, {named, second, false}, {second, first, false}, {first, second, true}} {
		if noted, err := threads.Put(ctx, step.put, step.before); err != nil || noted != step.noted {
			t.Errorf("step %d: %v, %v", i, noted, err)
		}
	}
}

func TestAnEntryWithAWrongAttributeIsAnErrorThatNamesIt(t *testing.T) {
	lab := simtest.New(t)
	_, err := lab.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(lab.Names.Threads()),
		Item:      item.Map{"projectUserId": item.Text("amelia#scott"), "rfcMessageId": item.Text("one@x"), "threadId": item.Number(1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	threads := intake.NewThreads(lab.DynamoDB(), lab.Names, lab.Now)
	if _, err := threads.Read(ctx, "amelia#scott", "one@x"); err == nil || !strings.Contains(err.Error(), "the thread of one@x: attribute threadId: want type S, got N") {
		t.Errorf("error %v", err)
	}
}
