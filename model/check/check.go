// Package check visits every state that the protocol of package model can reach in a small world, and judges each step and
// each state.
//
// The world is one key: up to four messages in up to three threads, the execution of each in the state machine, the FIFO
// queue of the key, up to three workers, the claim row and the job rows. Messages arrive in every order. Any execution or
// worker may take its next step at any time, so that what one has read may be out of date when it writes; and within the
// budgets of the scope any fault may strike anywhere: see Faults. A call whose answer is lost is applied at once or at any
// later time, while Step Functions has long called again. Time is no number but ages: a lease is live, over for its holder,
// or over for everybody.
//
// It promises that a complete search has judged every state and step of its scope: whole states are compared, never hashes
// of them. A run depends on its scope alone, so its counts are the same everywhere. A violation comes with a shortest run
// that leads to it.
//
// A scope that is too large for that has Scope.Room. Its search is merged: it takes steps that change nothing for anybody else
// as soon as it can, visits a world with the greatest budgets alone, and keeps fingerprints. Tests hold it to the verdicts
// of the search that merges nothing, and the report bounds the odds that two states were taken for one. Its counts are those
// of the merged states and steps.
//
// S1 to S7 are judged on each step and state; L1 to L3 in each state in which nothing is left to happen without a fault. That
// runs do come to such a state is judged too: from every state one can be reached without another fault, neither time-outs
// of executions nor the expiry of claims helping. What remains is the ordinary fairness assumption, that a step which stays
// possible is taken in the end: a run that for ever receives a message and leaves it to its busy worker is no violation.
//
// States that no later step or judgement can tell apart are one state (see world.normalise), and these are left out:
//   - Two S3 events for one email: the second finds the execution's name taken and does nothing.
//   - Nudges: a worker may send a heartbeat at any time anyway, and a nudge does nothing else.
//   - The time until a message is visible again: nobody has to receive it at once.
//   - A worker that finds its lease over by its own clock is at once an idle one. The writes that it had under way are those
//     of a worker in the duty "finishing", which a lost lease does not stop.
//   - A write that reaches DynamoDB later than the retry of the same worker's process. Calls of Lambdas do.
//
// # What it found
//
// Earlier versions of the protocol failed here; each is kept as a mutant.
//
// Supersede did not take its message out of the claim's jobs (mutant "supersede-keeps-job", L3). With threads a b a: the claim
// of 2 freezes; 3 claims; the retried claim of 2 is refused and the check says superseded; 3 completes; the frozen claim of 2
// is applied, as the claim is free; 2 is superseded. The claim stays held for a job that has ended.
//
// Decline and clean-up took a message out of the jobs only of the container that the caller knew (mutant
// "decline-by-container", L3). With a b: the claim of 2 freezes, the retry claims, 2 is sent; the claim expires; the frozen
// call claims anew, with another container; the worker declines 2 because of its container. Again the claim stays held.
//
// A claim on an expired row told every preemptor of another thread that it was superseded (mutant
// "expired-claim-supersedes-newer", S3). With a a b: 1 claims, 3 asks it to yield, the claim expires, 2 claims the expired
// row: 3, the newest, was to be superseded. It is told to go on, and asks the new holder.
package check
