package ddbcore_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

func setTTL(attribute string, enabled bool) *dynamodb.UpdateTimeToLiveInput {
	return &dynamodb.UpdateTimeToLiveInput{TableName: aws.String("items"), TimeToLiveSpecification: &types.TimeToLiveSpecification{
		AttributeName: aws.String(attribute), Enabled: aws.Bool(enabled),
	}}
}

// TestWhatExpires (Developer Guide, howitworks-ttl and time-to-live-ttl-before-you-start; scylladb
// test/alternator/test_ttl.py).
func TestWhatExpires(t *testing.T) {
	seconds := epoch.Unix()
	for name, row := range map[string]struct {
		value   types.AttributeValue
		expired bool
	}{
		"a second ago":           {n(fmt.Sprint(seconds - 1)), true},
		"now":                    {n(fmt.Sprint(seconds)), false},
		"in a second":            {n(fmt.Sprint(seconds + 1)), false},
		"half a second ago":      {n(fmt.Sprintf("%d.5", seconds-1)), true},
		"an exponent":            {n("1.7e9"), true},
		"milliseconds":           {n(fmt.Sprint(epoch.UnixMilli())), false},
		"a string":               {s(fmt.Sprint(seconds - 1)), false},
		"more than 5 years ago":  {n(fmt.Sprint(seconds - 6*365*24*3600)), false},
		"an absurdly large time": {n("1e100"), false},
		"no attribute":           {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			core := newTable(t, ddbcore.Options{})
			mustDo(t, core, setTTL("expiresAt", true))
			it := keyed(nil)
			if row.value != nil {
				it["expiresAt"] = row.value
			}
			put(t, core, it)
			if got := len(core.Expired(epoch)) == 1; got != row.expired {
				t.Fatalf("expired: %v, want %v", got, row.expired)
			}
			if deleted := core.DeleteExpired(epoch, ddbcore.ItemKey{Table: "items", Hash: "k"}); deleted != row.expired {
				t.Fatalf("deleted: %v, want %v", deleted, row.expired)
			}
		})
	}
}

func TestAnExpiredItemIsThereUntilItIsDeleted(t *testing.T) {
	var causes []ddbcore.Cause
	core := newTable(t, ddbcore.Options{OnWrite: func(w ddbcore.Write) { causes = append(causes, w.Cause) }})
	mustDo(t, core, setTTL("expiresAt", true))
	for _, key := range []string{"k", "b", "c"} {
		put(t, core, attrs{"p": s(key), "expiresAt": n(fmt.Sprint(epoch.Unix()))})
	}
	later := epoch.Add(time.Minute)
	keys := core.Expired(later)
	if want := []ddbcore.ItemKey{{Table: "items", Hash: "b"}, {Table: "items", Hash: "c"}, {Table: "items", Hash: "k"}}; !reflect.DeepEqual(keys, want) {
		t.Fatalf("expired: %v", keys)
	}
	_, err := core.Do(later, &dynamodb.PutItemInput{TableName: aws.String("items"), Item: keyed(nil), ConditionExpression: aws.String("attribute_not_exists(p)")})
	if code(err) != "ConditionalCheckFailedException" {
		t.Fatalf("an expired item that is not deleted yet is seen by conditions; got %v", err)
	}
	// An update that moves the time is honoured.
	mustDo(t, core, &dynamodb.UpdateItemInput{TableName: aws.String("items"), Key: keyed(nil), UpdateExpression: aws.String("SET expiresAt = :t"),
		ExpressionAttributeValues: attrs{":t": n(fmt.Sprint(later.Unix() + 60))}})
	if core.DeleteExpired(later, ddbcore.ItemKey{Table: "items", Hash: "k"}) {
		t.Fatal("deleted an item whose time was moved")
	}
	if !core.DeleteExpired(later, keys[0]) || core.DeleteExpired(later, keys[0]) {
		t.Fatal("an expired item is not deleted exactly once")
	}
	if want := []ddbcore.Cause{ddbcore.ByRequest, ddbcore.ByRequest, ddbcore.ByRequest, ddbcore.ByRequest, ddbcore.ByTTL}; !reflect.DeepEqual(causes, want) {
		t.Fatalf("causes %v", causes)
	}
}

// TestTimeToLiveChangesOnlyOnceAnHour (scylladb test/alternator/test_ttl.py, run against AWS).
func TestTimeToLiveChangesOnlyOnceAnHour(t *testing.T) {
	core := newTable(t, ddbcore.Options{})
	steps := []struct {
		at      time.Duration
		in      *dynamodb.UpdateTimeToLiveInput
		refused string
	}{
		{0, setTTL("expiresAt", false), "TimeToLive is already disabled"},
		{0, setTTL("expiresAt", true), ""},
		{2 * time.Hour, setTTL("expiresAt", true), "TimeToLive is already enabled"},
		{2 * time.Hour, setTTL("other", true), "TimeToLive is active on a different AttributeName"},
		{time.Minute, setTTL("expiresAt", false), "modified multiple times within a fixed interval"},
		{2 * time.Hour, setTTL("expiresAt", false), ""},
	}
	for i, step := range steps {
		_, err := core.Do(epoch.Add(step.at), step.in)
		if step.refused == "" && err != nil || step.refused != "" && (code(err) != "ValidationException" || !strings.Contains(err.Error(), step.refused)) {
			t.Fatalf("step %d: %v, want %q", i, err, step.refused)
		}
	}
	out := mustDo(t, core, &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("items")}).(*dynamodb.DescribeTimeToLiveOutput)
	if out.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusDisabled {
		t.Fatalf("status %v", out.TimeToLiveDescription.TimeToLiveStatus)
	}
}
