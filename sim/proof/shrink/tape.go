package shrink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/webordinary/hephaestus/sim/proof/campaign"
	"github.com/webordinary/hephaestus/sim/world"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/scenario"
)

// Tape is a run that breaks a promise, as a file keeps it. Its JSON names are stable.
type Tape struct {
	Invariant      string          `json:"invariant"`
	What           string          `json:"what"`
	Seed           uint64          `json:"seed"` // that it was shrunk from
	Mode           campaign.Mode   `json:"mode"`
	Faults         []string        `json:"faults"`
	Without        []string        `json:"without,omitempty"` // mails of the drawn scenario that are left out
	EventsToFollow int             `json:"eventsToFollow"`
	EventsBefore   int             `json:"eventsToFollowBefore"` // in the seed's run
	Runs           int             `json:"runs"`                 // that shrinking took
	Choices        *choose.Streams `json:"choices"`              // by label, [place, choice]; all others are 0
}

// ParseTape reads a tape's file.
func ParseTape(data []byte) (Tape, error) {
	var t Tape
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return Tape{}, fmt.Errorf("tape: %w", err)
	}
	if t.Choices == nil {
		return Tape{}, errors.New("tape: it has no choices")
	}
	if _, err := campaign.ParseMode(string(t.Mode)); err != nil {
		return Tape{}, fmt.Errorf("tape: %w", err)
	}
	if _, err := t.faults(); err != nil {
		return Tape{}, fmt.Errorf("tape: %w", err)
	}
	return t, nil
}

// Bytes are the tape's file.
func (t Tape) Bytes() []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(t); err != nil {
		panic("shrink: a tape that is no JSON: " + err.Error())
	}
	return b.Bytes()
}

// Play runs the tape. draw is the Draw of the setup that it was shrunk with; nil is scenario.Draw.
func (t Tape) Play(draw func(choose.Chooser) scenario.Scenario) (world.Result, error) {
	faults, err := t.faults()
	if err != nil {
		return world.Result{}, err
	}
	setup := campaign.Setup{Mode: t.Mode, Faults: faults, Draw: leaveOut(draw, t.Without)}
	return setup.Run(t.Choices.Clone(), true), nil
}

func (t Tape) faults() (map[fault.Kind]bool, error) {
	on := map[fault.Kind]bool{}
	for _, name := range t.Faults {
		list, err := fault.Parse(name)
		if err != nil {
			return nil, err
		}
		for f := range list {
			on[f] = true
		}
	}
	return on, nil
}
