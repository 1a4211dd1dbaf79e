package telemetry

import (
	"log/slog"

	"github.com/webordinary/hephaestus/libs/job"
)

// Events are all events, in the order in which a mail meets them. docs/events.md is made from this
// list.
func Events() []Event {
	return []Event{
		ObjectIgnored{}, MailTaken{}, MailTakenBefore{}, MailRejected{}, MailNotRejected{}, MailHeld{}, MailNotHeld{}, ReceivedAtIgnored{}, MailFailed{}, EventFailedAgain{},
		Checked{}, AskedToYield{}, NudgeLost{}, Claimed{}, WakeUpLost{}, AttachmentProcessed{},
		WorkerReady{}, WorkerStopped{}, MachineSick{}, MachineWell{}, WorkFailed{}, WorkUnreadable{},
		JobStarted{}, JobNotStarted{}, StartFailed{}, StartAnsweredLate{}, DeclineFailed{},
		CommandFailed{}, CommandOutput{}, CommandEnded{}, NewerThreadAsks{}, CommandAskedToStop{}, CommandKilled{},
		HeartbeatUnanswered{}, LeaseLost{}, NudgesUnheard{},
		JobFinished{}, FinishFailed{}, FinishTooLate{}, JobHandedBack{}, HandBackFailed{},
		AnswerUnwritable{}, ExecutionUnanswered{}, MessageNotDeleted{}, VisibilityUnchanged{},
		JobRecorded{}, JobEnded{}, JobLeftAlone{}, DeadWorkStays{}, DeadWorkFailed{}, Swept{}, SweepFailed{},
	}
}

// FieldMeanings say what a field is, by its name: it is the same in every event that has it.
func FieldMeanings() map[string]string {
	return map[string]string{
		"again":        "an earlier try had come as far",
		"because":      "why, in words or as the protocol's decision",
		"claimed":      "the claim is the message's now",
		"command":      "what the worker runs for each mail",
		"container":    "the claim's container; empty if there is none",
		"decision":     "what the state machine does next",
		"detectedType": "the file's type by its content",
		"ended":        "how many jobs the sweep has ended, put on record or told a person of",
		"error":        "what went wrong; empty if the step was refused without an error",
		"exit":         "the command's exit status; -1 if a signal ended it",
		"failed":       "how many could not be swept",
		"fence":        "the number of this start: higher than that of every earlier one of the key",
		"how":          "the protocol's decision: new, join, take-over and again are claims",
		"index":        "the attachment's place in the mail, from 1",
		"key":          "project#user: one job works for it at a time",
		"line":         "a line of the command's output",
		"message":      "the mail's id",
		"newMessage":   "the newest mail of the thread that asks",
		"newThread":    "the thread that asks for the key",
		"noted":        "the attachment has a note, such as that no picture could be made of it",
		"object":       "the key of an object in the bucket of mails",
		"open":         "how many open jobs the sweep has seen",
		"outcome":      "how the job has ended; empty if it has not",
		"pictures":     "smaller pictures were made of the file",
		"pid":          "the worker's process",
		"queue":        "the URL of the work queue",
		"reason":       "why the mail makes no job, or is held",
		"result":       "what the worker knows of its write: refused or unknown",
		"retryAt":      "when the mail tries again; empty if nothing has to be waited for",
		"running":      "for how many of them an execution runs",
		"s3Event":      "the kind of S3's event",
		"saved":        "a command that was stopped says what it has saved",
		"sizeBytes":    "the file's size",
		"sqsMessage":   "the id of the message on its queue",
		"stopped":      "why the command was asked to stop; empty if it was not",
		"stream":       "stdout or stderr",
		"thread":       "the thread that the mail is in",
		"threadBy":     "what named the thread: subject tag, In-Reply-To, References or root",
		"threadIsNew":  "no earlier mail of the thread is known",
		"threadWhy":    "why the mail is in its thread, in words",
		"unfinished":   "its time was over before it had seen all",
		"value":        "what the object's metadata says",
		"waits":        "the mail waits until the holder yields; if not, it may claim already, or is superseded",
		"worker":       "the worker's id",
	}
}

// Work says whose work an event of a worker is about.
type Work struct {
	Worker    string  `json:"worker"`
	Message   string  `json:"message"`
	Key       job.Key `json:"key"`
	Container string  `json:"container"`
}

// What intake says.
type (
	ObjectIgnored struct {
		Object  string `json:"object"`
		S3Event string `json:"s3Event"`
	}
	MailTaken struct {
		Message     string  `json:"message"`
		Key         job.Key `json:"key"`
		Thread      string  `json:"thread"`
		ThreadBy    string  `json:"threadBy"`
		ThreadIsNew bool    `json:"threadIsNew"`
		ThreadWhy   string  `json:"threadWhy"`
		Again       bool    `json:"again"`
	}
	MailTakenBefore struct {
		Message string      `json:"message"`
		Outcome job.Outcome `json:"outcome"`
	}
	MailRejected struct {
		Message string `json:"message"`
		Reason  string `json:"reason"`
		Again   bool   `json:"again"`
	}
	MailNotRejected struct {
		Message string      `json:"message"`
		Outcome job.Outcome `json:"outcome"`
		Reason  string      `json:"reason"`
	}
	MailHeld struct {
		Message string  `json:"message"`
		Key     job.Key `json:"key"`
		Reason  string  `json:"reason"`
		Again   bool    `json:"again"`
	}
	MailNotHeld struct {
		Message string      `json:"message"`
		Outcome job.Outcome `json:"outcome"`
		Reason  string      `json:"reason"`
	}
	ReceivedAtIgnored struct {
		Message string `json:"message"`
		Value   string `json:"value"`
		Error   string `json:"error"`
	}
	EventFailedAgain struct {
		SQSMessage string `json:"sqsMessage"`
		Error      string `json:"error"`
	}
	MailFailed struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
)

func (ObjectIgnored) declared() Declaration {
	return Declaration{"object-ignored", slog.LevelInfo, "no mail, left alone", "S3 told of something in the bucket that is no mail"}
}

func (MailTaken) declared() Declaration {
	return Declaration{"mail-taken", slog.LevelInfo, "taken", "the mail is a job, and its execution runs"}
}

func (MailTakenBefore) declared() Declaration {
	return Declaration{"mail-taken-before", slog.LevelInfo, "taken before", "S3 told again of a mail whose job has ended"}
}

func (MailRejected) declared() Declaration {
	return Declaration{"mail-rejected", slog.LevelWarn, "rejected", "the mail makes no job; if a person must act, it is on the dead letter queue"}
}

func (MailNotRejected) declared() Declaration {
	return Declaration{"mail-not-rejected", slog.LevelInfo, "taken before, so not rejected now", "S3 told again of a mail that would be rejected now; its job stays what it is"}
}

func (MailHeld) declared() Declaration {
	return Declaration{"mail-held", slog.LevelWarn, "held", "the mail waits for a person, who is told through the dead letter queue and may release it"}
}

func (MailNotHeld) declared() Declaration {
	return Declaration{"mail-not-held", slog.LevelInfo, "taken before, so not held now", "S3 told again of a mail that would be held now; its job stays what it is"}
}

func (ReceivedAtIgnored) declared() Declaration {
	return Declaration{"received-at-ignored", slog.LevelWarn, "received-at is left alone, the time of S3's event counts", "the object says a time of receipt that cannot be"}
}

func (EventFailedAgain) declared() Declaration {
	return Declaration{"event-failed-again", slog.LevelError, "an event of S3 came to nothing again; it stays on the queue of retries", "a mail of it could not be taken"}
}

func (MailFailed) declared() Declaration {
	return Declaration{"mail-failed", slog.LevelError, "mail could not be taken; the event comes again", "AWS did not let intake do its work"}
}

// What the steps of the state machine say.
type (
	Checked struct {
		Message   string  `json:"message"`
		Key       job.Key `json:"key"`
		Decision  string  `json:"decision"`
		Because   string  `json:"because"`
		Container string  `json:"container"`
		RetryAt   string  `json:"retryAt"`
	}
	AskedToYield struct {
		Message   string  `json:"message"`
		Key       job.Key `json:"key"`
		Decision  string  `json:"decision"`
		Waits     bool    `json:"waits"`
		Container string  `json:"container"`
	}
	NudgeLost struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	Claimed struct {
		Message   string  `json:"message"`
		Key       job.Key `json:"key"`
		Claimed   bool    `json:"claimed"`
		How       string  `json:"how"`
		Container string  `json:"container"`
		RetryAt   string  `json:"retryAt"`
	}
	WakeUpLost struct {
		Message string  `json:"message"`
		Key     job.Key `json:"key"`
		Error   string  `json:"error"`
	}
	AttachmentProcessed struct {
		Message      string `json:"message"`
		Index        int    `json:"index"`
		SizeBytes    int64  `json:"sizeBytes"`
		DetectedType string `json:"detectedType"`
		Pictures     bool   `json:"pictures"`
		Noted        bool   `json:"noted"`
	}
)

func (Checked) declared() Declaration {
	return Declaration{"checked", slog.LevelInfo, "checked", "whether the mail may claim its key, has to ask the holder, has to look again later, or is superseded"}
}

func (AskedToYield) declared() Declaration {
	return Declaration{"asked-to-yield", slog.LevelInfo, "asked to yield", "the mail has asked the holder of its key to yield"}
}

func (NudgeLost) declared() Declaration {
	return Declaration{"nudge-lost", slog.LevelWarn, "the nudge was lost; the holder's next heartbeat tells it", "the holder could not be told at once that it has to yield"}
}

func (Claimed) declared() Declaration {
	return Declaration{"claimed", slog.LevelInfo, "claimed", "the mail has tried to claim its key; claimed says whether it did"}
}

func (WakeUpLost) declared() Declaration {
	return Declaration{"wake-up-lost", slog.LevelWarn, "a wake-up was lost; the wait ends with its grace period", "who waits for this mail could not be told to go on, or that it is superseded"}
}

func (AttachmentProcessed) declared() Declaration {
	return Declaration{"attachment-processed", slog.LevelInfo, "attachment processed", "the file is stored under its hash"}
}

// What a worker says of itself and of its queue.
type (
	WorkerReady struct {
		Worker  string   `json:"worker"`
		Queue   string   `json:"queue"`
		Command []string `json:"command"`
		PID     int      `json:"pid"`
	}
	WorkerStopped struct {
		Worker string `json:"worker"`
	}
	MachineSick struct {
		Worker string `json:"worker"`
		Error  string `json:"error"`
	}
	MachineWell struct {
		Worker string `json:"worker"`
	}
	WorkFailed struct {
		Worker string `json:"worker"`
		Error  string `json:"error"`
	}
	WorkUnreadable struct {
		Worker     string `json:"worker"`
		SQSMessage string `json:"sqsMessage"`
		Error      string `json:"error"`
	}
)

func (WorkerReady) declared() Declaration {
	return Declaration{"worker-ready", slog.LevelInfo, "ready", "a worker's process takes work from now on"}
}

func (WorkerStopped) declared() Declaration {
	return Declaration{"worker-stopped", slog.LevelInfo, "stopped", "a worker's process ends, as it was told to"}
}

func (MachineSick) declared() Declaration {
	return Declaration{"machine-sick", slog.LevelError, "the machine is sick; the worker takes no work", "the worker's machine could not begin a command: the job is handed back, and the worker waits until the machine is well"}
}

func (MachineWell) declared() Declaration {
	return Declaration{"machine-well", slog.LevelInfo, "the machine is well; the worker takes work again", "nothing ails the worker's machine any more, as far as the worker can tell"}
}

func (WorkFailed) declared() Declaration {
	return Declaration{"work-failed", slog.LevelError, "could not take work", "the queue could not be asked; the worker asks again"}
}

func (WorkUnreadable) declared() Declaration {
	return Declaration{"work-unreadable", slog.LevelError, "work cannot be read; it comes again", "a message of the work queue is no work that this version knows; after SQS's last receive it goes to the dead letter queue"}
}

// What a worker says of the start of a job.
type (
	JobStarted struct {
		Work
		Fence  int64  `json:"fence"`
		Thread string `json:"thread"`
	}
	JobNotStarted struct {
		Work
		Because string `json:"because"`
	}
	StartFailed struct {
		Work
		Error string `json:"error"`
	}
	StartAnsweredLate struct{ Work }
	DeclineFailed     struct {
		Work
		Error string `json:"error"`
	}
)

func (JobStarted) declared() Declaration {
	return Declaration{"job-started", slog.LevelInfo, "started", "the worker has the lease and a new fence, and begins the command"}
}

func (JobNotStarted) declared() Declaration {
	return Declaration{"job-not-started", slog.LevelInfo, "not started", "the claim does not let the job start; because is the verdict"}
}

func (StartFailed) declared() Declaration {
	return Declaration{"start-failed", slog.LevelError, "could not start", "the tables could not be asked; the message comes again"}
}

func (StartAnsweredLate) declared() Declaration {
	return Declaration{"start-answered-late", slog.LevelWarn, "the start was answered after the lease's end; the message comes again", "the command is not begun: the lease may be another's"}
}

func (DeclineFailed) declared() Declaration {
	return Declaration{"decline-failed", slog.LevelError, "could not decline", "a job that has to yield before its start could not be ended; the message comes again"}
}

// What a worker says of the command that runs.
type (
	CommandFailed struct {
		Work
		Error string `json:"error"`
	}
	CommandOutput struct {
		Message string `json:"message"`
		Stream  string `json:"stream"`
		Line    string `json:"line"`
	}
	CommandEnded struct {
		Work
		Exit    int    `json:"exit"`
		Stopped string `json:"stopped"`
	}
	NewerThreadAsks struct {
		Work
		NewThread  string `json:"newThread"`
		NewMessage string `json:"newMessage"`
	}
	CommandAskedToStop struct {
		Work
		Because string `json:"because"`
	}
	CommandKilled       struct{ Work }
	HeartbeatUnanswered struct {
		Work
		Error string `json:"error"`
	}
	LeaseLost struct {
		Work
		Because string `json:"because"`
	}
	NudgesUnheard struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
)

func (CommandFailed) declared() Declaration {
	return Declaration{"command-failed", slog.LevelError, "could not begin", "the command could not be begun: the job is handed back, or fails if it never can be"}
}

func (CommandOutput) declared() Declaration {
	return Declaration{"command-output", slog.LevelInfo, "output", "the command has written a line"}
}

func (CommandEnded) declared() Declaration {
	return Declaration{"command-ended", slog.LevelInfo, "the command has ended", "the command's process has exited"}
}

func (NewerThreadAsks) declared() Declaration {
	return Declaration{"newer-thread-asks", slog.LevelInfo, "a newer thread asks for the key", "a heartbeat has told the worker that it has to yield"}
}

func (CommandAskedToStop) declared() Declaration {
	return Declaration{"command-asked-to-stop", slog.LevelInfo, "asking the command to stop", "the command gets SIGTERM"}
}

func (CommandKilled) declared() Declaration {
	return Declaration{"command-killed", slog.LevelWarn, "killing the command: its grace is over", "the command gets SIGKILL: it did not stop in time"}
}

func (HeartbeatUnanswered) declared() Declaration {
	return Declaration{"heartbeat-unanswered", slog.LevelWarn, "a heartbeat was not answered", "the worker asks again, until its lease's end"}
}

func (LeaseLost) declared() Declaration {
	return Declaration{"lease-lost", slog.LevelWarn, "the lease is lost; killing the command", "the command gets SIGKILL: another may hold the lease"}
}

func (NudgesUnheard) declared() Declaration {
	return Declaration{"nudges-unheard", slog.LevelWarn, "cannot hear nudges; heartbeats tell as much, later", "the key's interrupt queue could not be asked"}
}

// What a worker says of a job's end.
type (
	JobFinished struct {
		Work
		Outcome job.Outcome `json:"outcome"`
		Saved   bool        `json:"saved"`
	}
	FinishFailed struct {
		Work
		Error string `json:"error"`
	}
	FinishTooLate  struct{ Work }
	JobHandedBack  struct{ Work }
	HandBackFailed struct {
		Work
		Result string `json:"result"`
		Error  string `json:"error"`
	}
	AnswerUnwritable struct {
		Work
		Error string `json:"error"`
	}
	ExecutionUnanswered struct {
		Work
		Error string `json:"error"`
	}
	MessageNotDeleted struct {
		Work
		Error string `json:"error"`
	}
	VisibilityUnchanged struct {
		Worker string `json:"worker"`
		Error  string `json:"error"`
	}
)

func (JobFinished) declared() Declaration {
	return Declaration{"job-finished", slog.LevelInfo, "finished", "the job has its outcome, and the claim is free or the next job's"}
}

func (FinishFailed) declared() Declaration {
	return Declaration{"finish-failed", slog.LevelError, "could not finish", "the outcome could not be written; the worker tries again, until its lease's end"}
}

func (FinishTooLate) declared() Declaration {
	return Declaration{"finish-too-late", slog.LevelWarn, "the lease was lost before the end could be written", "the outcome is another's to write"}
}

func (JobHandedBack) declared() Declaration {
	return Declaration{"job-handed-back", slog.LevelInfo, "handed back", "the job has no outcome; the next worker goes on with it"}
}

func (HandBackFailed) declared() Declaration {
	return Declaration{"hand-back-failed", slog.LevelWarn, "could not hand back; the lease will expire", "the next worker has to wait for the lease's end"}
}

func (AnswerUnwritable) declared() Declaration {
	return Declaration{"answer-unwritable", slog.LevelError, "the answer cannot be written as JSON", "the execution is not told how its job ended"}
}

func (ExecutionUnanswered) declared() Declaration {
	return Declaration{"execution-unanswered", slog.LevelWarn, "Step Functions could not be answered; the message's next receiver does it", "the execution waits until the message comes again"}
}

func (MessageNotDeleted) declared() Declaration {
	return Declaration{"message-not-deleted", slog.LevelWarn, "could not delete the message; it will come again", "the message of a job that has ended stays on its queue"}
}

func (VisibilityUnchanged) declared() Declaration {
	return Declaration{"visibility-unchanged", slog.LevelWarn, "could not change the message's visibility", "the message comes again when its last visibility timeout is over"}
}

// What the services say that end jobs from outside.
type (
	JobRecorded struct {
		Message   string      `json:"message"`
		Key       job.Key     `json:"key"`
		Outcome   job.Outcome `json:"outcome"`
		Container string      `json:"container"`
	}
	JobEnded struct {
		Message   string      `json:"message"`
		Key       job.Key     `json:"key"`
		Outcome   job.Outcome `json:"outcome"`
		Container string      `json:"container"`
		Because   string      `json:"because"`
	}
	JobLeftAlone struct {
		Message   string  `json:"message"`
		Key       job.Key `json:"key"`
		Container string  `json:"container"`
		Because   string  `json:"because"`
	}
	DeadWorkStays struct {
		SQSMessage string `json:"sqsMessage"`
	}
	DeadWorkFailed struct {
		SQSMessage string `json:"sqsMessage"`
		Error      string `json:"error"`
	}
	Swept struct {
		Open       int  `json:"open"`
		Running    int  `json:"running"`
		Ended      int  `json:"ended"`
		Failed     int  `json:"failed"`
		Unfinished bool `json:"unfinished"`
	}
	SweepFailed struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
)

func (JobRecorded) declared() Declaration {
	return Declaration{"job-recorded", slog.LevelInfo, "recorded", "the interruption is on record, under the outcome that the job has"}
}

func (JobEnded) declared() Declaration {
	return Declaration{"job-ended", slog.LevelInfo, "ended", "the job has its outcome: that of the clean-up, or the one that it had before"}
}

func (JobLeftAlone) declared() Declaration {
	return Declaration{"job-left-alone", slog.LevelInfo, "left alone: it has another container or execution by now", "work of an old claim has failed, or an execution of a row that has expired is over; the job goes on"}
}

func (DeadWorkStays) declared() Declaration {
	return Declaration{"dead-work-stays", slog.LevelInfo, "dead work whose worker lives stays on its queue", "the message used its receives up while its worker was at work"}
}

func (DeadWorkFailed) declared() Declaration {
	return Declaration{"dead-work-failed", slog.LevelError, "work from the dead letter queue stays there", "the job could not be ended; the message comes again"}
}

func (Swept) declared() Declaration {
	return Declaration{"swept", slog.LevelInfo, "swept", "the sweep has looked at the open jobs that are old enough"}
}
func (SweepFailed) declared() Declaration {
	return Declaration{"sweep-failed", slog.LevelError, "an open job could not be swept", "the next sweep tries it again; without a message: a part of the index"}
}
