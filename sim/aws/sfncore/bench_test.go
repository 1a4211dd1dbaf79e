package sfncore_test

import (
	"encoding/json"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/webordinary/hephaestus/sim/aws/sfncore"
)

// outcomes are the answers to the flow's calls, by state.
var outcomes = map[string]json.RawMessage{
	"Check":      json.RawMessage(`{"Payload":{"decision":"proceed"},"StatusCode":200,"ExecutedVersion":"$LATEST"}`),
	"Attachment": json.RawMessage(`{"Payload":{"key":"media/1","sizeBytes":12345}}`),
	"Send":       json.RawMessage(`{"MessageId":"q-1"}`),
}

// BenchmarkExecution runs the whole flow: Check, Decide, Attachments with three iterations, Send
// with its callback, Completed.
func BenchmarkExecution(b *testing.B) {
	for _, omit := range []bool{false, true} {
		b.Run("OmitHistory="+strconv.FormatBool(omit), func(b *testing.B) {
			core := sfncore.New(sfncore.Options{OmitHistory: omit, Retention: time.Hour})
			machine := createFlow(b, core)
			b.ReportAllocs()
			now, cpu := epoch, cpuTime(b)
			for i := 0; b.Loop(); i++ {
				now = now.Add(time.Minute)
				_, effects, err := core.Do(now, &sfn.StartExecutionInput{
					StateMachineArn: machine, Name: aws.String("x" + strconv.Itoa(i)), Input: aws.String(emailInput),
				})
				if err != nil {
					b.Fatal(err)
				}
				if !playOut(b, core, now, effects) {
					b.Fatal("the execution did not end")
				}
			}
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

func createFlow(tb testing.TB, core *sfncore.Core) *string {
	tb.Helper()
	out, _, err := core.Do(epoch, &sfn.CreateStateMachineInput{
		Name: aws.String("flow"), RoleArn: aws.String("arn:aws:iam::000000000000:role/flow"), Definition: aws.String(emailFlow),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out.(*sfn.CreateStateMachineOutput).StateMachineArn
}

// playOut performs every call as soon as it is asked for and answers its token, until the execution
// has ended.
func playOut(tb testing.TB, core *sfncore.Core, now time.Time, effects []sfncore.Effect) bool {
	tb.Helper()
	for len(effects) > 0 {
		effect := effects[0]
		effects = effects[1:]
		task, isTask := effect.(sfncore.RunTask)
		if !isTask {
			return true
		}
		effects = append(effects, core.TaskDone(now, task.TaskID, outcomes[task.State], nil)...)
		if task.Token != "" {
			_, more, err := core.Do(now, &sfn.SendTaskSuccessInput{TaskToken: aws.String(task.Token), Output: aws.String(`{"reply":"done"}`)})
			if err != nil {
				tb.Fatal(err)
			}
			effects = append(effects, more...)
		}
	}
	return false
}

// BenchmarkOpenExecutions measures one whole execution beside 100,000 that sleep on their tokens,
// and the heap that each of these takes.
func BenchmarkOpenExecutions(b *testing.B) {
	const open = 100_000
	core := sfncore.New(sfncore.Options{OmitHistory: true, Retention: time.Hour})
	machine := createFlow(b, core)
	before := heapBytes()
	for i := range open {
		_, effects, err := core.Do(epoch, &sfn.StartExecutionInput{
			StateMachineArn: machine, Name: aws.String("open" + strconv.Itoa(i)), Input: aws.String(emailInput),
		})
		if err != nil {
			b.Fatal(err)
		}
		core.TaskDone(epoch, effects[0].(sfncore.RunTask).TaskID, json.RawMessage(`{"Payload":{"decision":"interrupt"}}`), nil)
	}
	weight := float64(heapBytes()-before) / open
	for i := 0; b.Loop(); i++ {
		_, effects, err := core.Do(epoch.Add(time.Second), &sfn.StartExecutionInput{
			StateMachineArn: machine, Name: aws.String("x" + strconv.Itoa(i)), Input: aws.String(emailInput),
		})
		if err != nil {
			b.Fatal(err)
		}
		if !playOut(b, core, epoch.Add(time.Second), effects) {
			b.Fatal("the execution did not end")
		}
	}
	b.ReportMetric(weight, "B/open")
}

// cpuTime is the processor time that this process has used, garbage collection included. Unlike the
// wall clock it does not count other processes.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func heapBytes() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
