package choose_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/webordinary/hephaestus/sim/world/choose"
)

func TestStreamsPlayEachLabelsChoices(t *testing.T) {
	recorder := &choose.Recorder{From: choose.NewRandom(3)}
	var a, b []int
	for range 9 {
		a = append(a, recorder.Choose(10, "a"))
		b = append(b, recorder.Choose(10, "b"))
	}
	streams := choose.NewStreams(recorder.Tape)
	for i := range a {
		if got := streams.Choose(10, "a"); got != a[i] {
			t.Errorf("choice %d of a: %d, recorded %d", i, got, a[i])
		}
	}
	if got := streams.Choose(10, "a"); got != 0 {
		t.Errorf("past the end: %d", got)
	}
	if got := streams.Choose(10, "c"); got != 0 {
		t.Errorf("of an unknown label: %d", got)
	}
	if got := streams.Choose(10, "b"); got != b[0] {
		t.Errorf("the first of b: %d, recorded %d", got, b[0])
	}
}

func TestStreamsPickTheLastWhereTheChoiceIsTooLarge(t *testing.T) {
	streams := &choose.Streams{Picks: map[string][]int{"a": {choose.Last, 7, 2}}}
	for _, want := range []int{4, 4, 2} {
		if got := streams.Choose(5, "a"); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

func TestStreamsAreWrittenWithoutWhatIsWellBehaved(t *testing.T) {
	streams := choose.NewStreams([]choose.Choice{{Label: "b"}, {Label: "a"}, {Label: "a", Picked: 4}, {Label: "a"}, {Label: "c"}})
	streams.Set("d", []int{choose.Last, 0, 0})
	text, err := json.Marshal(streams)
	if err != nil || string(text) != `{"a":[[1,4]],"d":[[0,-1]]}` {
		t.Fatalf("%s %v", text, err)
	}
	var read choose.Streams
	if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read.Picks, streams.Picks) {
		t.Errorf("%v, want %v: %v", read.Picks, streams.Picks, err)
	}
	if streams.Deviations() != 2 {
		t.Errorf("%d deviations", streams.Deviations())
	}
}

func TestBrokenStreamsAreRefused(t *testing.T) {
	for _, text := range []string{`[]`, `{"a":[[1,2],[0,3]]}`, `{"a":[[-1,2]]}`, `{"a":[[9000000,2]]}`, `{"a":[[0,-2]]}`, `{"a":[["x",1]]}`} {
		if err := json.Unmarshal([]byte(text), &choose.Streams{}); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}
