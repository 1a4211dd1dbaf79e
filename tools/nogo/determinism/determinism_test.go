package determinism_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/webordinary/hephaestus/tools/nogo/determinism"
)

func TestFindsWhatMayDifferBetweenTwoRuns(t *testing.T) {
	if err := determinism.Analyzer.Flags.Set("scope", "^/a$"); err != nil {
		t.Fatal(err)
	}
	analysistest.Run(t, analysistest.TestData(), determinism.Analyzer, "a", "outside")
}
