package world

import (
	"log/slog"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/system"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// Options say how a run is made.
type Options struct {
	Faults  map[fault.Kind]bool // that may strike; each seed draws which of them do
	Fixed   bool                // all of Faults strike, and at their strongest
	Story   bool                // keep the story of the run
	Log     *slog.Logger        // of the handlers; nil for none
	History bool                // keep the history of the protocol's operations

	// Ignore names promises (see oracle.Promises) that are not judged: it shows which others catch
	// the same mistake.
	Ignore map[string]bool

	Used    func(deploy.Permission) // hears by which permission each call is allowed; nil for nobody
	Without deploy.Permission       // that no role has; the zero one is none

	Compiled *Compiled // what earlier runs have compiled; nil for nothing
}

// Compiled is what one run has compiled for the next: the template, the state machine, and
// DynamoDB's expressions. Runs that happen at the same time must not share it.
type Compiled struct {
	templates   map[system.WorkQueue]*deploy.Stack
	definitions sfncore.Definitions
	expressions ddbcore.Expressions
}

// NewCompiled returns an empty Compiled.
func NewCompiled() *Compiled {
	return &Compiled{templates: map[system.WorkQueue]*deploy.Stack{}, definitions: sfncore.Definitions{}}
}

// template is the stack with such a work queue. It is only read.
func (c *Compiled) template(names awsx.Names, work system.WorkQueue) *deploy.Stack {
	if c.templates[work] == nil {
		c.templates[work] = must(system.Template(names, work, nil))
	}
	return c.templates[work]
}
