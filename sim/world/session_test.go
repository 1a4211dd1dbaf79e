package world

import (
	"fmt"
	"strings"
	"testing"
)

func TestACommandChangesItsStateOnlyAsItMay(t *testing.T) {
	change := func(from, to commandState) (refused string) {
		defer func() {
			if p := recover(); p != nil {
				refused = fmt.Sprint(p)
			}
		}()
		s := &session{state: from}
		s.become(to)
		if s.state != to {
			t.Errorf("from %q to %q it is %q", from, to, s.state)
		}
		return ""
	}
	legal := 0
	for _, from := range []commandState{preparing, givenUp, running, asked, killed, closed} {
		for _, to := range []commandState{preparing, givenUp, running, asked, killed, closed} {
			refused := change(from, to)
			if refused == "" {
				legal++
			} else if !strings.Contains(refused, fmt.Sprintf("is %q and becomes %q", from, to)) {
				t.Errorf("from %q to %q: %s", from, to, refused)
			}
		}
	}
	if refused := change(closed, asked); refused == "" || legal != 10 {
		t.Errorf("a closed command is asked: %q; %d legal changes", refused, legal)
	}
}
