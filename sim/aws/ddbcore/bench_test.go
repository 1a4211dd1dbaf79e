package ddbcore_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
)

func claimRow(key string) attrs {
	return attrs{
		"projectUserId": s(key), "containerId": s("container-1767323045000-abcdef"), "threadId": s("thread-1"),
		"jobs": ss("message-1", "message-2"), "receivedAt": n("1767323045000"), "claimedAt": n("1767323045100"),
		"fence": n("1767323045100"), "workerId": s("worker-1"), "workerJob": s("message-1"),
		"leaseExpiresAt": n("1767323135000"), "expiresAt": n("1767326645"),
	}
}

func claimTable(tb testing.TB, rows int) *ddbcore.Core {
	tb.Helper()
	core := ddbcore.New(ddbcore.Options{})
	mustDo(tb, core, &dynamodb.CreateTableInput{
		TableName: aws.String("claims"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("projectUserId"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("projectUserId"), KeyType: "HASH"}},
	})
	for i := range rows {
		mustDo(tb, core, &dynamodb.PutItemInput{TableName: aws.String("claims"), Item: claimRow(fmt.Sprintf("amelia#%d", i))})
	}
	return core
}

func heartbeat(key string) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: aws.String("claims"), Key: attrs{"projectUserId": s(key)},
		UpdateExpression:    aws.String("SET leaseExpiresAt = :lease, expiresAt = :expires"),
		ConditionExpression: aws.String("fence = :fence AND workerId = :worker"),
		ExpressionAttributeValues: attrs{
			":lease": n("1767323155000"), ":expires": n("1767326665"), ":fence": n("1767323045100"), ":worker": s("worker-1"),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// measure reports, besides the elapsed time, the processor time of the whole test process, garbage
// collection included, because a busy machine hardly changes that figure.
func measure(b *testing.B, operation func()) {
	b.Helper()
	runtime.GC() // else the garbage from filling the tables counts
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		operation()
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
}

func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkHeartbeat is a worker's heartbeat: two equalities, two attributes set. The cost must not
// depend on the number of items.
func BenchmarkHeartbeat(b *testing.B) {
	for _, rows := range []int{10, 100_000} {
		b.Run(fmt.Sprintf("items=%d", rows), func(b *testing.B) {
			core, in := claimTable(b, rows), heartbeat("amelia#7")
			measure(b, func() {
				if _, err := core.Do(epoch, in); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkClaimJoin is a join: a condition of four parts, an element added to a set that has it,
// two attributes set.
func BenchmarkClaimJoin(b *testing.B) {
	core := claimTable(b, 1000)
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String("claims"), Key: attrs{"projectUserId": s("amelia#7")},
		UpdateExpression: aws.String("SET receivedAt = :received, expiresAt = :expires ADD jobs :job"),
		ConditionExpression: aws.String("threadId = :thread AND attribute_exists(jobs) AND expiresAt > :now AND " +
			"(attribute_not_exists(preemptor) OR preemptor.receivedAt < :received)"),
		ExpressionAttributeValues: attrs{
			":received": n("1767323049000"), ":expires": n("1767326665"), ":job": ss("message-2"),
			":thread": s("thread-1"), ":now": n("1767323050"),
		},
	}
	measure(b, func() {
		if _, err := core.Do(epoch, in); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkRefusedWithOldItem is a refused claim: the condition is false and the answer carries the
// old item.
func BenchmarkRefusedWithOldItem(b *testing.B) {
	core, in := claimTable(b, 1000), heartbeat("amelia#7")
	in.ExpressionAttributeValues[":fence"] = n("1")
	measure(b, func() {
		if _, err := core.Do(epoch, in); err == nil {
			b.Fatal("the heartbeat of a stale fence went through")
		}
	})
}

func jobsTable(tb testing.TB, rows int) *ddbcore.Core {
	tb.Helper()
	core := ddbcore.New(ddbcore.Options{})
	mustDo(tb, core, &dynamodb.CreateTableInput{
		TableName: aws.String("jobs"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("messageId"), AttributeType: "S"},
			{AttributeName: aws.String("projectUserId"), AttributeType: "S"},
			{AttributeName: aws.String("receivedAt"), AttributeType: "N"},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("messageId"), KeyType: "HASH"}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("byKey"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("projectUserId"), KeyType: "HASH"},
				{AttributeName: aws.String("receivedAt"), KeyType: "RANGE"},
			},
		}},
	})
	for i := range rows {
		mustDo(tb, core, &dynamodb.PutItemInput{TableName: aws.String("jobs"), Item: attrs{
			"messageId": s(fmt.Sprintf("message-%06d", i)), "projectUserId": s(fmt.Sprintf("amelia#%d", i%10)),
			"receivedAt": n(fmt.Sprint(1767323045000 + i)), "threadId": s("thread-1"),
		}})
	}
	return core
}

// BenchmarkQueryIndex reads the latest ten jobs of a key, by the index, among 100,000 items.
func BenchmarkQueryIndex(b *testing.B) {
	core := jobsTable(b, 100_000)
	in := &dynamodb.QueryInput{
		TableName: aws.String("jobs"), IndexName: aws.String("byKey"), Limit: aws.Int32(10), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String("projectUserId = :key AND receivedAt > :since"),
		ExpressionAttributeValues: attrs{":key": s("amelia#3"), ":since": n("1767323045000")},
	}
	measure(b, func() {
		out, err := core.Do(epoch, in)
		if err != nil || out.(*dynamodb.QueryOutput).Count != 10 {
			b.Fatal(out, err)
		}
	})
}

// BenchmarkPutIndexed puts new jobs into the table and its index.
func BenchmarkPutIndexed(b *testing.B) {
	core := jobsTable(b, 0)
	i := 0
	measure(b, func() {
		i++
		_, err := core.Do(epoch, &dynamodb.PutItemInput{TableName: aws.String("jobs"), Item: attrs{
			"messageId": s(fmt.Sprintf("message-%06d", i)), "projectUserId": s("amelia#1"),
			"receivedAt": n(fmt.Sprint(1767323045000 + i)), "threadId": s("thread-1"),
		}})
		if err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkTransactFinish is a finish: the claim row and the job's outcome in one transaction.
func BenchmarkTransactFinish(b *testing.B) {
	core := claimTable(b, 10)
	mustDo(b, core, &dynamodb.PutItemInput{TableName: aws.String("claims"), Item: attrs{"projectUserId": s("job")}})
	beat := heartbeat("amelia#7")
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &types.Update{
			TableName: beat.TableName, Key: beat.Key, UpdateExpression: beat.UpdateExpression,
			ConditionExpression: beat.ConditionExpression, ExpressionAttributeValues: beat.ExpressionAttributeValues,
		}},
		{Update: &types.Update{
			TableName: beat.TableName, Key: attrs{"projectUserId": s("job")},
			UpdateExpression: aws.String("SET partialWork = :r"), ConditionExpression: aws.String("attribute_not_exists(outcome)"),
			ExpressionAttributeValues: attrs{":r": s("done")},
		}},
	}}
	measure(b, func() {
		if _, err := core.Do(epoch, in); err != nil {
			b.Fatal(err)
		}
	})
}
