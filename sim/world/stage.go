package world

import (
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
	"github.com/webordinary/hephaestus/sim/world/oracle"
	"github.com/webordinary/hephaestus/sim/world/scenario"
	"github.com/webordinary/hephaestus/sim/world/story"
)

// Stage is a small scene that can be played in every order: a state that earlier steps of the protocol
// have led to, and acts of the real handlers and the real worker that then happen at once. Nothing takes
// time by itself; there is no state machine behind the task tokens, a token that is answered may begin
// an act instead. All oracles of a World watch but those of its end.
type Stage struct {
	Claim  claim.Settings
	Worker worker.Settings
	Before func(b *Backdrop) // what has happened before
	Acts   []Act
	Faults []fault.Kind // each may strike at any call
	Budget int          // so often in a run, all together

	Compiled *Compiled // by earlier plays; nil for nothing
}

// Act is an actor of a stage, or time that passes. Exactly one of Function, Command and Passes is set.
type Act struct {
	Name     string
	Function string            // a handler's service
	Input    any               // of the handler, as JSON
	Command  *scenario.Command // a worker that takes one message off the work queue, and its command
	Passes   time.Duration     // time passes by, once
	Ahead    bool              // it plays alone, until it waits, before the others begin

	GoesOn  string        // begins when this token is answered to go on
	GaveWay string        // … when it is answered that another goes first
	Clock   time.Duration // its clock is ahead by so much
}

// Ending is what a play of a stage came to.
type Ending struct {
	Rows      string // the claims, jobs and tokens as they are at the end
	Events    int
	Cut       bool // the chooser ended the play
	Violation *oracle.Violation
	Story     *story.Story
}

// none is no fault.
const none = fault.Kinds

// stage is a Stage at play.
type stage struct {
	Stage
	world  *World
	pick   func([]choose.Move) (int, bool)
	begun  []bool     // by act
	fault  fault.Kind // strikes at the move under way, or none
	struck int
	tokens map[string]string // how each was answered
}

// stageMove is a move and how to make it.
type stageMove struct {
	choose.Move
	item  *item
	fault fault.Kind // or none
	act   int        // if it is time that passes; else -1
}
