package check

import "github.com/webordinary/hephaestus/model"

// protocol is the model's steps as the search takes them. A mutant is a protocol in which some of
// them are wrong.
type protocol struct {
	decide    func(model.Row, model.Message, int64) model.Decision
	claim     func(model.Claim, model.RowAndJob, int64) model.Result
	interrupt func(model.Interrupt, model.RowAndJob, int64) model.Result
	start     func(model.Start, model.RowAndJob, int64) model.Result
	heartbeat func(model.Heartbeat, model.RowAndJob, int64) model.Result
	finish    func(model.Finish, model.RowAndJob, int64) model.Result
	handBack  func(model.HandBack, model.RowAndJob, int64) model.Result
	decline   func(model.Decline, model.RowAndJob, int64) model.Result
	cleanUp   func(model.CleanUp, model.RowAndJob, int64) model.Result
	delete    func(model.Delete, model.RowAndJob, int64) model.Result

	settings model.Settings

	waitEnds     bool // a message that waits gives up after the grace period
	ownClock     bool // a worker kills its command when its own clock says that the lease is over
	deletesLast  bool // a worker deletes the work message only after it told Step Functions
	refusesEnded bool // every call for a job that has ended is refused, so the search need not keep a late one
	refusesStale bool // every write under a stale fence is refused
	reportsAgain bool // a worker that gets a job that has ended reports its outcome
}

func protocolAsIs(s model.Settings) protocol {
	return protocol{
		decide: func(row model.Row, m model.Message, reading int64) model.Decision {
			return model.Decide(row, m, reading, s)
		},
		claim: taken[model.Claim](s), interrupt: taken[model.Interrupt](s), start: taken[model.Start](s),
		heartbeat: taken[model.Heartbeat](s), finish: taken[model.Finish](s), handBack: taken[model.HandBack](s),
		decline: taken[model.Decline](s), cleanUp: taken[model.CleanUp](s),
		delete:   taken[model.Delete](s),
		settings: s,
		waitEnds: true, ownClock: true, deletesLast: true, reportsAgain: true, refusesEnded: true, refusesStale: true,
	}
}

func taken[S model.Step](s model.Settings) func(S, model.RowAndJob, int64) model.Result {
	return func(step S, before model.RowAndJob, reading int64) model.Result {
		return step.Apply(before, reading, s)
	}
}
