package claim

import (
	"hash/fnv"
	"strconv"
	"time"

	"github.com/webordinary/hephaestus/libs/job"
)

// A message whose decision is DecisionLater looks again after a pause. It grows with the message's
// age, so that thousands that came at once do not ask at once, and stays short enough that a key
// that is free again is soon noticed.
const (
	minPause = 2 * time.Second
	maxPause = time.Minute
)

// lookAgain is when a message that has to wait for its turn looks again: after a half to the whole
// of its age, at most maxPause. Where in between is a hash of the message and the time, so each
// message goes by another one every time.
func lookAgain(m job.Message, now time.Time) time.Time {
	pause := min(max(now.Sub(job.Time(m.ReceivedAtMillis)), minPause), maxPause)
	h := fnv.New32a()
	h.Write(strconv.AppendInt([]byte(m.MessageID), job.Millis(now), 10))
	return now.Add(pause/2 + pause/2*time.Duration(h.Sum32()%1000)/1000)
}

// hasRoomForJob says whether one more job fits into the row.
func (r *Row) hasRoomForJob(s Settings) bool { return len(r.Jobs) < s.MaxJobs }

// hasRoomToWait says whether one more of the preemptor's messages may wait in the row.
func (r *Row) hasRoomToWait(s Settings) bool { return len(r.Preemptor.Waiting) < s.MaxWaiting }

// budgetHour is the time that InterruptBudget is for.
const budgetHour = time.Hour

// budgetShare is the time after which one more interruption is allowed. There is a budget.
func (s Settings) budgetShare() time.Duration { return budgetHour / time.Duration(s.InterruptBudget) }

// budgetIsSpent says whether no new thread may interrupt the holder at now.
func (r *Row) budgetIsSpent(now time.Time, s Settings) bool {
	return s.InterruptBudget > 0 && r.BudgetUntilMillis > job.Millis(now.Add(budgetHour-s.budgetShare()))
}

// BudgetUsedPercent is how much of the key's budget of interruptions is used up at now: 0 to 100.
func (r *Row) BudgetUsedPercent(now time.Time) int {
	used := min(max(r.BudgetUntilMillis-job.Millis(now), 0), budgetHour.Milliseconds())
	return int(100 * used / budgetHour.Milliseconds())
}

// budgetAfter is the row's BudgetUntilMillis after one more interruption at now.
func (r *Row) budgetAfter(now time.Time, s Settings) int64 {
	return max(r.BudgetUntilMillis, job.Millis(now)) + s.budgetShare().Milliseconds()
}
