package demo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webordinary/hephaestus/libs/audit"
	"github.com/webordinary/hephaestus/libs/job"
)

// Finding is one check: what must hold, and what is wrong if it does not.
type Finding struct {
	What  string
	Wrong string // empty: it holds
}

// Check compares the facts with what the protocol demands of the story (docs/protocol.md, S1 to S7
// and L1 to L3).
func Check(f Facts) []Finding {
	var all []Finding
	for _, group := range []func(Facts) []Finding{outcomes, claims, order, fences, records, letters, executions, files} {
		all = append(all, group(f)...)
	}
	return all
}

// Failed are the findings that do not hold.
func Failed(all []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Wrong == "" })
}

// found makes a finding: it holds, or is wrong for the reason.
func found(holds bool, what, format string, args ...any) Finding {
	if holds {
		return Finding{What: what}
	}
	return Finding{What: what, Wrong: fmt.Sprintf(format, args...)}
}

func outcomes(f Facts) (all []Finding) {
	for _, r := range cast() {
		key := f.Jobs[r.messageID].Key
		all = append(all, found(key == r.key, fmt.Sprintf("%s is for %s", r.messageID, r.key), "it went to %q", key))
	}
	for _, c := range []struct {
		messageID string
		want      job.Outcome
		because   string
	}{
		{a1, job.Completed, "it began its thread"},
		{a2, job.Completed, "it joined, ran after a1, and nobody interrupted it"},
		{a3, job.Interrupted, "thread B preempted it"},
		{b1, job.Completed, "it preempted thread A"},
		{c1, job.Superseded, "it is older than b1"},
		{d1, job.Completed, "another worker took it over"},
		{e1, job.TimedOut, "its command outlived its time"},
		{e2, job.Completed, "its key works again"},
	} {
		got := f.Jobs[c.messageID].Outcome
		all = append(all, found(got == c.want, fmt.Sprintf("%s is %s: %s", c.messageID, c.want, c.because), "its outcome is %q", got))
	}
	return all
}

func claims(f Facts) (all []Finding) {
	a, b := f.Jobs[a1].ContainerID, f.Jobs[b1].ContainerID
	joined := a != "" && f.Jobs[a2].ContainerID == a && slices.Equal(f.Joined, []string{a2})
	all = append(all, found(joined, "a2 joined the container of a1, and no other mail joined one",
		"containers %q and %q, joined: %q", a, f.Jobs[a2].ContainerID, f.Joined))
	all = append(all, found(b != "" && b != f.Jobs[a3].ContainerID, "b1 has a container of its own", "b1 has %q, a3 %q", b, f.Jobs[a3].ContainerID))
	all = append(all, found(f.Jobs[c1].ContainerID == "" && f.Jobs[c1].StartedAtMillis == 0, "c1 never claimed and never started",
		"container %q, started at %d", f.Jobs[c1].ContainerID, f.Jobs[c1].StartedAtMillis))
	thread := f.Jobs[a1].ThreadID
	all = append(all, found(thread != "" && f.Jobs[a2].ThreadID == thread && f.Jobs[a3].ThreadID == thread && f.Jobs[b1].ThreadID != thread,
		"the replies are in the thread of a1, b1 is not", "threads %q %q %q %q", thread, f.Jobs[a2].ThreadID, f.Jobs[a3].ThreadID, f.Jobs[b1].ThreadID))
	var held []string
	for _, row := range f.Claims {
		if len(row.Jobs) > 0 || row.WorkerID != "" || row.Preemptor != nil {
			held = append(held, string(row.Key))
		}
	}
	return append(all, found(len(f.Claims) == 3 && len(held) == 0, "all three keys are free in the end", "%d claim rows, held: %q", len(f.Claims), held))
}

// order: on one key, no job began before the one before it had ended.
func order(f Facts) (all []Finding) {
	for _, pair := range [][2]string{{a1, a2}, {a2, a3}, {a3, b1}, {e1, e2}} {
		first, second := f.Jobs[pair[0]], f.Jobs[pair[1]]
		ended, began := first.OutcomeAtMillis, second.StartedAtMillis
		all = append(all, found(ended > 0 && began >= ended, fmt.Sprintf("%s began after %s had ended", pair[1], pair[0]), "ended at %d, began at %d", ended, began))
	}
	return all
}

func fences(f Facts) (all []Finding) {
	last := map[job.Key]Start{}
	grows := Finding{What: "with every start on a key its fence grew"}
	var ofD1 []Start
	for _, s := range f.Starts {
		if before, ok := last[s.Key]; ok && s.Fence <= before.Fence {
			grows.Wrong = fmt.Sprintf("%s started under %d after %s under %d", s.MessageID, s.Fence, before.MessageID, before.Fence)
		}
		last[s.Key] = s
		if s.MessageID == d1 {
			ofD1 = append(ofD1, s)
		}
	}
	for _, row := range f.Claims {
		if row.Fence < last[row.Key].Fence {
			grows.Wrong = fmt.Sprintf("the claim of %s has fence %d, its last start had %d", row.Key, row.Fence, last[row.Key].Fence)
		}
	}
	if len(last) != 3 {
		grows.Wrong = fmt.Sprintf("starts on %d keys, want 3", len(last))
	}
	again := len(ofD1) >= 2 && ofD1[0].Worker != ofD1[len(ofD1)-1].Worker
	return append(all, grows, found(again, "d1 was started again, by another worker", "starts: %+v", ofD1))
}

func records(f Facts) (all []Finding) {
	byMessage := map[string]audit.Record{}
	var ids []string
	for _, r := range f.Records {
		byMessage[r.MessageID] = r
		ids = append(ids, r.MessageID)
	}
	slices.Sort(ids)
	all = append(all, found(slices.Equal(ids, []string{a3, c1, e1}), "one record each for a3, c1 and e1, and none for the rest", "records of %q", ids))
	for _, c := range []struct {
		messageID string
		reason    job.Reason
	}{{a3, job.ReasonPreempted}, {c1, job.ReasonSuperseded}, {e1, job.ReasonTimeout}} {
		r, j := byMessage[c.messageID], f.Jobs[c.messageID]
		all = append(all, found(r.Reason == c.reason && r.InterruptedThreadID == j.ThreadID && r.InterruptedContainer == j.ContainerID,
			fmt.Sprintf("%s is on record as %s", c.messageID, c.reason), "its record: %+v", r))
	}
	for _, id := range []string{a3, c1} {
		r := byMessage[id]
		all = append(all, found(r.NewMessageID == b1 && r.NewThreadID == f.Jobs[b1].ThreadID && r.NewThreadID != "",
			"the record of "+id+" names b1 and its thread", "it names %q of %q", r.NewMessageID, r.NewThreadID))
	}
	saved := strings.HasPrefix(byMessage[a3].PartialWork, "holidays.html has ")
	return append(all, found(saved, "the record of a3 says what was saved", "it says %q", byMessage[a3].PartialWork),
		found(slices.Contains(f.Killed, a3), "the command of a3, which ignored SIGTERM, was killed", "killed: %q", f.Killed))
}

func letters(f Facts) []Finding {
	var got []string
	for _, l := range f.Letters {
		got = append(got, l.MessageID+" "+l.Kind)
	}
	return []Finding{found(slices.Equal(got, []string{e1 + " " + string(job.TimedOut)}), "the dead letter queue has e1, and nothing else", "it has %q", got)}
}

func executions(f Facts) []Finding {
	var wrong []string
	for _, r := range cast() {
		want := "SUCCEEDED"
		if r.messageID == e1 {
			want = "FAILED"
		}
		if got := f.Executions[r.messageID]; got != want {
			wrong = append(wrong, fmt.Sprintf("%s %s, want %s", r.messageID, got, want))
		}
	}
	return []Finding{found(len(wrong) == 0, "every execution has ended, only that of e1 as FAILED", "%s", strings.Join(wrong, "; "))}
}

func files(f Facts) (all []Finding) {
	for _, c := range []struct {
		path, has, hasNot, what string
	}{
		{"amelia/scott/index.html", "Sunday", "", "a1 put the opening hours into index.html"},
		{"amelia/scott/index.html", "15:00", "7:00 – 14:00", "a2 changed Saturday in it"},
		{"amelia/scott/index.html", "01632 960 114", "01632 960 141", "b1 put the right number into it"},
		{"amelia/scott/holidays.html", "New Year", "</ul>", "what a3 had done is kept, and is not all"},
		{"atlas/dana/shop.csv", "4230-K;Klemmsatz Größe K;31.50", "", "d1 loaded the price list to its end"},
		{"boreas/erin/index.txt", "volume 1\n", "volume 46\n", "what e1 had done is kept, and is not all"},
		{"boreas/erin/answer.txt", "volumes", "", "e2 answered from it"},
	} {
		content, there := f.Files[c.path]
		holds := there && strings.Contains(content, c.has) && (c.hasNot == "" || !strings.Contains(content, c.hasNot))
		all = append(all, found(holds, c.what, "%s is %q", c.path, content))
	}
	if lines := strings.Count(f.Files["atlas/dana/shop.csv"], "\n"); lines != 7 {
		all = append(all, Finding{What: "d1 loaded each line once", Wrong: fmt.Sprintf("%d lines, want 7", lines)})
	} else {
		all = append(all, Finding{What: "d1 loaded each line once"})
	}
	return all
}
