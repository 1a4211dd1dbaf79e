package asl

import "testing"

// fixedEnv is an Env that draws the highest number and hands out one id.
type fixedEnv struct{}

func (fixedEnv) Context(member string) (any, bool) {
	value, present := context[member]
	return value, present
}
func (fixedEnv) WholeContext() any          { return context }
func (fixedEnv) Choose(n int, _ string) int { return n - 1 }
func (fixedEnv) NewID() string              { return "an-id" }

var context = map[string]any{"Execution": map[string]any{"Name": "x"}, "Task": map[string]any{"Token": "tok"}}

func decode(t testing.TB, text string) any {
	t.Helper()
	value, err := Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}
