//go:build race

package agentdtest

// raceEnabled says whether this test program looks for races; its agents then do too.
const raceEnabled = true
