package world

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/webordinary/hephaestus/libs/claim"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/libs/mail"
	"github.com/webordinary/hephaestus/services/intake"
	"github.com/webordinary/hephaestus/services/worker"
	"github.com/webordinary/hephaestus/sim/aws/ddbcore"
	"github.com/webordinary/hephaestus/sim/aws/sfncore"
	"github.com/webordinary/hephaestus/sim/world/choose"
)

// Mail is one email of a scenario.
type Mail struct {
	ID       string
	Key      job.Key
	Thread   int           // of its key
	At       time.Duration // when it reaches S3, after the beginning
	Received time.Duration // its receivedAt, after the beginning
	Attached bool          // it carries a file
	Command  Command
}

// Command is what a worker's command does for a mail.
type Command struct {
	Takes    time.Duration
	ExitCode int
	Saves    time.Duration // from SIGTERM to its exit
	Ignores  bool          // SIGTERM
}

// Scenario is what happens from outside, and the settings under which.
type Scenario struct {
	Mails   []Mail
	Workers int
	Claim   claim.Settings
	Worker  worker.Settings
	Flow    job.Settings
	Horizon time.Duration // of the safety phase
	Instant bool          // calls take no time: only the chooser decides who runs next

	// ClockError is the most that a clock is off. 0 is half of MaxClockSkew, which is all that the
	// protocol stands; more shows what becomes of it then.
	ClockError time.Duration

	routes mail.Routes
}

// Options say how a run is made.
type Options struct {
	Faults  map[Fault]bool // that may strike; each seed draws which of them do
	Fixed   bool           // all of Faults strike, and at their strongest
	Story   bool           // keep the story of the run
	Log     *slog.Logger   // of the handlers; nil for none
	History bool           // keep the history of the protocol's operations

	// Ignore are invariants that are not judged, so that one can see which others catch the same mistake.
	Ignore map[string]bool

	Compiled *Compiled // by earlier runs; nil for nothing
}

// Compiled is what one run has compiled for the next: the state machine, and DynamoDB's expressions. Runs that happen at the
// same time must not share it.
type Compiled struct {
	definitions sfncore.Definitions
	expressions ddbcore.Expressions
}

// NewCompiled returns an empty Compiled.
func NewCompiled() *Compiled { return &Compiled{definitions: sfncore.Definitions{}} }

// Draw makes a scenario by choices: a few mails in a few threads of one or two keys, close together or
// far apart, in order or not, and commands that are quick, slow, failing or deaf.
func Draw(c choose.Chooser) Scenario {
	pick := func(n int, label string) int { return c.Choose(n, "scenario."+label) }
	s := Scenario{Workers: 1 + pick(3, "workers"), Claim: claim.DefaultSettings(), Worker: worker.DefaultSettings(), Horizon: time.Hour}
	if pick(3, "claim-ttl") == 1 {
		// Longer than a function stands still and its call comes late: that the fence grows past a deleted row
		// rests on it.
		s.Claim.ClaimTTL = 3 * time.Minute
	}
	if pick(4, "grace") == 1 {
		s.Claim.InterruptGrace = 6 * time.Minute // a claim may expire while somebody waits for it
	}
	if pick(6, "interval") == 1 {
		s.Claim.MinClaimInterval = 2 * time.Minute
	}
	if pick(3, "visibility") == 1 {
		s.Worker.Visibility = s.Claim.Lease // the least allowed: work comes again when its lease ends, not after its end on every clock
	}
	if pick(3, "timeout") == 1 {
		s.Worker.CommandTimeout = 10 * time.Minute
	}
	s.Flow = job.Settings{JobTimeoutSeconds: 6 * 60 * 60, InterruptWaitSeconds: intake.InterruptWaitSeconds(s.Claim)}
	if pick(4, "job-timeout") == 1 {
		s.Flow.JobTimeoutSeconds = 20 * 60
	}
	keys := []job.Key{"amelia#scott"}
	if pick(4, "keys") == 1 {
		keys = append(keys, "atlas#dana")
	}
	mails := 2 + pick(5, "mails")
	at := time.Duration(0)
	for n := range mails {
		at += gaps[pick(len(gaps), "gap")]
		m := Mail{
			ID: fmt.Sprintf("m%d", n+1), Key: keys[pick(len(keys), "key")], Thread: 1 + pick(3, "thread"),
			At: at, Received: at, Attached: pick(12, "attached") == 1, Command: drawCommand(pick),
		}
		if lateness := time.Duration(pick(300, "lateness")) * time.Second; pick(5, "late") == 1 {
			m.Received -= lateness
		}
		if pick(8, "tie") == 1 && n > 0 {
			m.Received = s.Mails[n-1].Received
		}
		s.Mails = append(s.Mails, m)
	}
	return s
}

var gaps = []time.Duration{0, 20 * time.Millisecond, time.Second, 15 * time.Second, 100 * time.Second, 8 * time.Minute}

func drawCommand(pick func(n int, label string) int) Command {
	takes := []time.Duration{time.Second, 20 * time.Second, 3 * time.Minute, 12 * time.Minute}
	saves := []time.Duration{time.Second, 10 * time.Second, 29 * time.Second}
	c := Command{Takes: takes[pick(len(takes), "takes")], Saves: saves[pick(len(saves), "saves")]}
	if pick(8, "exit") == 1 {
		c.ExitCode = 1
	}
	c.Ignores = pick(6, "ignores") == 1
	return c
}

// mail is the mail of an id; nil for none, as on a stage.
func (s *Scenario) mail(id string) *Mail {
	for i := range s.Mails {
		if s.Mails[i].ID == id {
			return &s.Mails[i]
		}
	}
	return nil
}

func (s *Scenario) command(messageID string) Command {
	if m := s.mail(messageID); m != nil {
		return m.Command
	}
	return Command{Takes: time.Second}
}

// mime is the mail as it lies in S3.
func (m Mail) mime() string {
	project, user := m.Key.Split()
	root := fmt.Sprintf("t%d.%s.%s@customer.example", m.Thread, project, user)
	lines := []string{
		"From: someone@customer.example", fmt.Sprintf("To: %s@%s.example.com", user, project),
		fmt.Sprintf("Subject: %s in thread %d", m.ID, m.Thread), "Message-ID: <" + m.ID + "@customer.example>",
		"References: <" + root + ">", "MIME-Version: 1.0",
	}
	if !m.Attached {
		return strings.Join(append(lines, "Content-Type: text/plain", "", "Do "+m.ID+"."), "\r\n") + "\r\n"
	}
	return strings.Join(append(lines, `Content-Type: multipart/mixed; boundary="b"`, "",
		"--b", "Content-Type: text/plain", "", "Do "+m.ID+".",
		"--b", `Content-Type: text/csv; name="list.csv"`, `Content-Disposition: attachment; filename="list.csv"`, "", "a,b", "--b--"), "\r\n") + "\r\n"
}
