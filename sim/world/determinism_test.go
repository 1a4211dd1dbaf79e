package world_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

var rewrite = flag.Bool("rewrite", false, "write the hashes anew")

// hashes holds the hashes of the golden seeds' runs. Any change of the world, the handlers or the
// protocol may change them; the same commit then rewrites them, with -rewrite. They may not differ
// between two builds of one commit: with -race or without, on one processor or more.
const hashes = "testdata/hashes.json"

const golden = 20

func TestRunsAreTheSameInEveryBuild(t *testing.T) {
	now := map[string]string{}
	for seed := range uint64(golden) {
		now[fmt.Sprint(seed)] = fmt.Sprintf("%016x", seedRun(seed).Hash)
	}
	if *rewrite {
		text, err := json.MarshalIndent(now, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(hashes), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(hashes, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(hashes)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for seed, hash := range now {
		if want[seed] != hash {
			t.Errorf("seed %s: hash %s, want %s; if the change is meant, go test ./sim/world -run SameInEveryBuild -rewrite", seed, hash, want[seed])
		}
	}
}

func TestRunsAreTheSameOnAnyNumberOfProcessors(t *testing.T) {
	hashesOn := func(processors int) (list [50]uint64) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		for seed := range list {
			list[seed] = seedRun(uint64(seed)).Hash
		}
		return list
	}
	if hashesOn(1) != hashesOn(2) {
		t.Error("the runs on one processor differ from those on two")
	}
}

func TestToldOrNotARunIsTheSame(t *testing.T) {
	for seed := range uint64(20) {
		c := choose.NewRandom(seed)
		told := world.Run(scenario.Draw(c), c, world.Options{Faults: every(), Story: true})
		if silent := seedRun(seed); told.Hash != silent.Hash {
			t.Errorf("seed %d: hash %016x with its story, %016x without", seed, told.Hash, silent.Hash)
		}
	}
}
