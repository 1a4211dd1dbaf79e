package telemetry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/libs/telemetry"
)

// filled is an event of e's type in which each field has a value of its own.
func filled(t *testing.T, e telemetry.Event) telemetry.Event {
	t.Helper()
	made := reflect.New(reflect.TypeOf(e)).Elem()
	for i, field := range reflect.VisibleFields(made.Type()) {
		if field.Anonymous {
			continue
		}
		switch v := made.FieldByIndex(field.Index); v.Kind() {
		case reflect.String:
			v.SetString(fmt.Sprintf("%s-%d", field.Name, i))
		case reflect.Int, reflect.Int64:
			v.SetInt(1<<60 + int64(i)) // a float64 does not tell such numbers apart
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{field.Name}))
		default:
			t.Fatalf("%T: no value for its field %s", e, field.Name)
		}
	}
	return made.Interface().(telemetry.Event)
}

func record(t *testing.T, e telemetry.Event) []byte {
	t.Helper()
	var out bytes.Buffer
	log, err := telemetry.Logger(&out, "worker", "")
	if err != nil {
		t.Fatal(err)
	}
	telemetry.Write(t.Context(), log, e)
	return out.Bytes()
}

func TestAnEventIsReadAsItWasWritten(t *testing.T) {
	for _, e := range telemetry.Events() {
		want := filled(t, e)
		got, err := telemetry.Read(record(t, want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%T: wrote %+v, read %+v, %v", e, want, got, err)
		}
	}
}

func TestARecordHasTheEventsNameItsTextAndItsFields(t *testing.T) {
	for _, e := range telemetry.Events() {
		var line map[string]any
		if err := json.Unmarshal(record(t, e), &line); err != nil {
			t.Fatalf("%T: %v", e, err)
		}
		d := telemetry.Declared(e)
		if line["event"] != d.Name || line["msg"] != d.Text || line["level"] != d.Level.String() {
			t.Errorf("%T: the record is %v, declared is %+v", e, line, d)
		}
		want := append([]string{"event", "level", "msg", "part", "time"}, telemetry.Fields(e)...)
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(line)); !slices.Equal(got, want) {
			t.Errorf("%T: the record has %v, want %v", e, got, want)
		}
	}
}

func TestDeclarationsAreWholeAndTellEventsApart(t *testing.T) {
	names, used := map[string]bool{}, map[string]bool{}
	meanings := telemetry.FieldMeanings()
	for _, e := range telemetry.Events() {
		d := telemetry.Declared(e)
		if d.Name == "" || d.Text == "" || d.Meaning == "" || names[d.Name] || d.Name != strings.ToLower(d.Name) {
			t.Errorf("%T: %+v: want a name of its own in lower case, a text and a meaning", e, d)
		}
		names[d.Name] = true
		for _, field := range telemetry.Fields(e) {
			used[field] = true
			if meanings[field] == "" {
				t.Errorf("%T: nobody says what its field %q means", e, field)
			}
		}
	}
	for field := range meanings {
		if !used[field] {
			t.Errorf("no event has a field %q, whose meaning is said", field)
		}
	}
}

func TestARecordThatIsNotAsDeclaredIsAnError(t *testing.T) {
	for name, test := range map[string]struct{ record, want string }{
		"no JSON":           {"ready", "log record"},
		"a name of no text": {`{"event":7}`, "its event"},
		"an unknown event":  {`{"event":"never-heard-of"}`, `no event "never-heard-of" is declared`},
		"a missing field":   {`{"event":"worker-stopped"}`, "worker-stopped lacks its field worker"},
		"another type":      {`{"event":"worker-stopped","worker":7}`, "worker-stopped"},
	} {
		if e, err := telemetry.Read([]byte(test.record)); e != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: read %v, %v; want an error of %q", name, e, err, test.want)
		}
	}
	if e, err := telemetry.Read([]byte(`{"msg":"a line of debugging"}`)); e != nil || err != nil {
		t.Errorf("a record without an event is read as %v, %v", e, err)
	}
}

func TestWhatIsBelowTheLevelIsNotWritten(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	telemetry.Write(t.Context(), log, telemetry.WorkerStopped{})
	if out.Len() > 0 {
		t.Errorf("wrote %s", &out)
	}
}
