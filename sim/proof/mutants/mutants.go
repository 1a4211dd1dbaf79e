// Package mutants shows that the simulation can fail: it holds wrong versions of the protocol, of
// the handlers, of the worker, of the state machine and of AWS's cores, each a small replacement of
// text with a line on what it breaks, and a runner that builds each of them and reports whether,
// how soon and by which invariant it is killed.
//
// It promises that a mutant counts as killed only by an invariant (or, for the cores, a test) that
// its file names, and that the tree as it is survives the same budget. It leaves the tree alone:
// mutated files are laid over it as `go build -overlay` does. It needs the go tool, the tree's
// sources and its modules.
//
// A property that cannot fail proves nothing. Neither does a fault that no mutant needs: Necessity
// says for each fault which mutants live without it.
package mutants

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed world/*.mutant cores/*.mutant
var files embed.FS

// All reads every mutant, by name: those of the system first, then those of the cores.
func All() ([]Mutant, error) {
	var all []Mutant
	for _, folder := range []string{"world", "cores"} {
		entries, err := files.ReadDir(folder)
		if err != nil {
			return nil, fmt.Errorf("mutants: %w", err)
		}
		for _, entry := range entries {
			text, err := files.ReadFile(path.Join(folder, entry.Name()))
			if err != nil {
				return nil, fmt.Errorf("mutants: %w", err)
			}
			m, err := Parse(strings.TrimSuffix(entry.Name(), ".mutant"), string(text))
			if err != nil {
				return nil, err
			}
			if (m.Package != "") != (folder == "cores") {
				return nil, fmt.Errorf("%s.mutant: mutants of cores, and no others, say whose tests must kill them", m.Name)
			}
			all = append(all, m)
		}
	}
	return all, nil
}

// Bug is a known way in which leases go wrong.
type Bug struct {
	ID     string `json:"id"`
	What   string `json:"what"`
	Seen   string `json:"seen"`
	Cannot string `json:"cannot,omitempty"` // why it cannot happen here; empty: mutants bring it about
}

// Bugs are known bugs of other systems that hold leases, locks or queues. Each has at least one
// mutant, or a reason why it cannot happen here.
func Bugs() []Bug {
	return slices.Clone(bugs)
}

var bugs = []Bug{
	{ID: "B1", What: "the lease ends during a pause, the old holder writes, and nothing compares a fence", Seen: "Kleppmann, How to do distributed locking; Chubby's sequencer"},
	{ID: "B2", What: "who lost the lease goes on, for nobody stops it", Seen: "kubernetes #23731, #44887"},
	{ID: "B3", What: "the terms of two leaders overlap when many compete", Seen: "kubernetes #67651"},
	{ID: "B4", What: "a clock jumps, and two lead", Seen: "kubernetes #125761"},
	{ID: "B5", What: "exclusion is taken for granted that the library does not promise", Seen: "client-go leaderelection, package documentation",
		Cannot: "it is a promise in a text, not a behaviour: package claim says what it does not promise, and that effects carry the fence"},
	{ID: "B6", What: "a heartbeat's answer is lost, and the next one fails by its own condition", Seen: "dynamolock #280"},
	{ID: "B7", What: "an update that took effect is answered by an error, and the lease is taken for lost", Seen: "amazon-kinesis-client #325"},
	{ID: "B8", What: "a write that failed was stored all the same, or one that was taken for stored was not", Seen: "amazon-kinesis-client #108"},
	{ID: "B9", What: "after a crash everybody waits for a lease's whole length", Seen: "amazon-dynamodb-lock-client #34, #42"},
	{ID: "B10", What: "the fence starts anew once the row is gone", Seen: "litestream, s3/leaser.go"},
	{ID: "B11", What: "an end is judged by another machine's clock", Seen: "dynamodb-lock-go, caveats"},
	{ID: "B12", What: "a lock without an end: a crash blocks everybody until a person acts", Seen: "terraform #16652, #30650"},
	{ID: "B13", What: "who was evicted keeps its effects, and the work is done twice", Seen: "Kafka, max.poll.interval.ms"},
	{ID: "B14", What: "a message is visible again while its first receiver still works", Seen: "SQS Developer Guide, Visibility timeout"},
	{ID: "B15", What: "a late and a repeated callback are answered alike, and finished work is taken for too late", Seen: "Step Functions API Reference, SendTaskSuccess: TaskTimedOut"},
	{ID: "B16", What: "what is newest is judged by the order of arrival", Seen: "GitHub Actions, concurrency groups"},
	{ID: "B17", What: "an expired row is taken for gone, or one that is there for live", Seen: "DynamoDB Developer Guide, Time to Live"},
	{ID: "B18", What: "a decision rests on a stale read", Seen: "etcd #20418"},
	{ID: "B19", What: "a lease's end is counted from the answer, not from the request", Seen: "river, leadership terms"},
}
