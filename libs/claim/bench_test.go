package claim_test

import (
	"testing"

	"github.com/webordinary/hephaestus/libs/claim"
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
