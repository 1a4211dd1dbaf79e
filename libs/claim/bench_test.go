package claim_test

import (
	"fmt"
	"testing"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/simtest"
)

// BenchmarkParseRow reads the row of a claim with a worker and a preemptor: each step of the
// protocol reads one.
func BenchmarkParseRow(b *testing.B) {
	row := simtest.Filled[claim.Row](b)
	stored := row.Item()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := claim.ParseRow(stored); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJoin ends a job of a claim and lets the next message of the thread join, while so many
// of the thread have come before. What it costs does not grow with them.
func BenchmarkJoin(b *testing.B) {
	for _, before := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("%d before", before), func(b *testing.B) {
			lab := simtest.New(b)
			store := lab.Store(claim.DefaultSettings())
			var joined []job.Message
			come := func() {
				m := simtest.Message(fmt.Sprintf("a%07d", lab.Calls("PutItem")), "A", 1)
				lab.Admit(m)
				if claimed, err := store.Claim(ctx, m); err != nil {
					b.Fatal(err)
				} else if claimed.OK() {
					joined = append(joined, m)
				}
			}
			for range before {
				come()
			}
			b.ReportAllocs()
			for b.Loop() {
				end := claim.CleanUp{Message: joined[0], End: claim.End{Outcome: job.Failed}, Record: lab.Records().Write}
				if _, err := store.CleanUp(ctx, end); err != nil {
					b.Fatal(err)
				}
				joined = joined[1:]
				come()
			}
			b.ReportMetric(float64(len(joined)), "jobs")
		})
	}
}
