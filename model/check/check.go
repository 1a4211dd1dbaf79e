// Package check visits every state that the protocol of package model can reach in a small world,
// and judges each step and each state.
//
// The world is one key: up to four messages in up to three threads, the execution of each in the
// state machine, the FIFO queue of the key, up to three workers, the claim row and the job rows.
// Messages arrive in every order. Any execution or worker may take its next step at any time, so
// what it has read may be out of date when it writes. Within the budgets of the scope, any fault
// may strike anywhere (see Faults). A call whose answer is lost is applied at once or at any later
// time, even long after Step Functions has called again. Time is not a number but an age: a lease
// is live, over for its holder, or over for all.
//
// It promises that a complete search has judged every state and step of its scope: it compares
// whole states, never hashes of them. A run depends on its scope alone, so its counts are the same
// everywhere. A violation comes with a shortest run that leads to it.
//
// A scope that is too large for that has Scope.Room. Its search is merged: it takes steps that no
// other process can see as soon as it can, visits a world only with its greatest budgets, and keeps
// fingerprints. Tests compare its verdicts with those of the search that merges nothing, and the
// report bounds the odds that it took two states for one. It counts merged states and steps.
//
// S1 to S7 are judged on each step and state; L1 to L3 in each end, a state in which nothing is
// left to happen without a fault. The search also checks that runs can come to an end: from every
// state, an end can be reached without another fault, and so without the time-out of an execution
// or the expiry of a claim. What remains is the ordinary fairness assumption: a step that stays
// possible is taken at last. So a run that endlessly receives a message and leaves it to its busy
// worker is no violation.
//
// States that no later step or judgement can tell apart are one state (see world.normalise). The
// world leaves out:
//   - Two S3 events for one email: the second finds the execution's name taken and does nothing.
//   - Nudges: a worker may send a heartbeat at any time anyway, and a nudge does nothing else.
//   - The time until a message is visible again: no worker has to receive it at once.
//   - A worker whose own clock says that its lease is over is idle at once. Writes that it had under way are those of a
//     worker in the duty "finishing", which a lost lease does not stop.
//   - A worker's write that reaches DynamoDB later than its retry by the same process. Calls of Lambdas may.
//
// # What it found
//
// Earlier versions of the protocol failed here; each is kept as a mutant.
//
// Supersede did not take its message out of the claim's jobs (mutant "supersede-keeps-job", L3).
// With threads a b a: the claim call of 2 freezes; 3 claims; the retried call of 2 is refused and
// the check says superseded; 3 completes; the frozen call of 2 is applied, because the claim is
// free; 2 is superseded. The claim stays held for a job that has ended.
//
// Decline and clean-up took a message out of the claim's jobs only if the claim's container was the
// one that the caller knew (mutant "decline-by-container", L3). With a b: the claim call of 2
// freezes, the retry claims, 2 is sent; the claim expires; the frozen call claims anew, with
// another container; the worker declines 2, because its container is not the claim's. Again the
// claim stays held.
//
// A claim on an expired row told every preemptor of another thread that it was superseded (mutant
// "expired-claim-supersedes-newer", S3). With a a b: 1 claims, 3 asks it to yield, the claim
// expires, 2 claims the expired row: 3, the newest, would have been superseded. Now it goes on and
// asks the new holder to yield.
package check
