// Package works keeps what takes a person's answers: a flow runs in the agent, a frontend watches it, and answers what it asks.
//
// A work outlives its frontend: who stops watching only looks away, and who watches again gets the question that waits. It
// outlives the agent too, as a record on disk (docs/formats/work.md) that says what it is about and what became of it; what a
// flow must not lose is in a journal of its own. A work whose flow ended before its time waits, until it is run again, is
// cancelled or its deadline passes.
//
// Answers are looked at by the flow's side and never kept here: neither record nor snapshot holds a secret, but for the codes
// that a person is to say or to hear, which are in memory while they are asked about.
//
// The methods of Works may be called concurrently. Each running flow is a goroutine, which Close waits for.
package works
