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

// Stage is a small scene that can be played in every order. It begins in a state that earlier steps
// of the protocol have led to; then acts of the real handlers and the real worker happen at the
// same time. Nothing takes time by itself. No state machine is behind the task tokens; an answered
// token may begin an act instead. All oracles watch, except those of a run's end.
type Stage struct {
	Claim  claim.Settings
	Worker worker.Settings
	Before func(b *Backdrop) // what has happened before
	Acts   []Act
	Faults []fault.Kind // each may strike at any call
	Budget int          // of faults in a play, all kinds together

	Compiled *Compiled // what earlier plays have compiled; nil for nothing
}

// Act is an actor of a stage, or time that passes. Exactly one of Function, Command and Passes is
// set.
type Act struct {
	Name     string
	Function string            // a handler's service
	Input    any               // of the handler, as JSON
	Command  *scenario.Command // a worker that takes one message off the work queue, and its command
	Passes   time.Duration     // how much time passes, once
	Ahead    bool              // it plays alone, until it waits, before the others begin

	GoesOn  string        // begins when this token is answered to go on
	GaveWay string        // … when it is answered as superseded
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
	act   int        // the index of the act, if it is time that passes; else -1
}
