package item_test

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/libs/item"
)

// thing is a row with a field of every kind.
type thing struct {
	Text, Note string
	Number     int64
	Count      int64
	Set        []string
	Texts      map[string]string
	Part       *part
}

type part struct{ Text string }

func (t *thing) attributes(f *item.Fields) {
	f.Text("text", &t.Text)
	f.OptionalText("note", &t.Note)
	f.Number("number", &t.Number)
	f.OptionalNumber("count", &t.Count)
	f.Set("set", &t.Set)
	f.Texts("texts", &t.Texts)
	item.Part(f, "part", &t.Part, (*part).attributes)
}

func (p *part) attributes(f *item.Fields) { f.Text("text", &p.Text) }

func read(m item.Map) (thing, error) {
	var t thing
	f := item.Reading(m)
	t.attributes(f)
	return t, f.Err()
}

func write(t thing) item.Map {
	return item.Of(t.attributes)
}

func TestARowIsReadAsItWasWritten(t *testing.T) {
	for name, want := range map[string]thing{
		"full": {Text: "x", Note: "n", Number: -1, Count: 1 << 60, Set: []string{"a", "b"}, Texts: map[string]string{"k": "v"}, Part: &part{Text: "y"}},
		"bare": {Texts: map[string]string{}},
	} {
		got, err := read(write(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestWhatIsOptionalIsLeftOut(t *testing.T) {
	want := item.Map{"text": item.Text(""), "number": item.Number(0), "texts": &types.AttributeValueMemberM{Value: item.Map{}}}
	if got := write(thing{}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestWhatAnotherVersionWroteCanBeRead(t *testing.T) {
	got, err := read(item.Map{"later": item.Number(1)})
	if want := (thing{Texts: map[string]string{}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want nothing", got, err)
	}
}

func TestASetIsReadInOrder(t *testing.T) {
	stored := item.Set("b", "a")
	got, err := read(item.Map{"set": stored})
	if err != nil || !reflect.DeepEqual(got.Set, []string{"a", "b"}) {
		t.Errorf("%v, %v", got.Set, err)
	}
	if stored.Value[0] != "b" {
		t.Error("reading has sorted the item itself")
	}
}

func TestAnAttributeOfAnotherTypeIsAnErrorThatNamesIt(t *testing.T) {
	in := func(m item.Map) types.AttributeValue { return &types.AttributeValueMemberM{Value: m} }
	for want, m := range map[string]item.Map{
		"attribute text: want type S, got N":      {"text": item.Number(1)},
		"attribute note: want type S, got NULL":   {"note": &types.AttributeValueMemberNULL{Value: true}},
		"attribute number: want type N, got S":    {"number": item.Text("1")},
		`attribute number: "1.5" is no integer`:   {"number": &types.AttributeValueMemberN{Value: "1.5"}},
		"attribute count: want type N, got BOOL":  {"count": &types.AttributeValueMemberBOOL{}},
		"attribute set: want type SS, got L":      {"set": &types.AttributeValueMemberL{}},
		"attribute texts: want type M, got SS":    {"texts": item.Set("a")},
		"attribute texts.k: want type S, got N":   {"texts": in(item.Map{"k": item.Number(1)})},
		"attribute part: want type M, got S":      {"part": item.Text("")},
		"attribute part.text: want type S, got B": {"part": in(item.Map{"text": &types.AttributeValueMemberB{}})},
		"attribute text: want type S, got M":      {"text": in(nil), "number": item.Text("the second is not named")},
	} {
		if _, err := read(m); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
