package agentd

import "runtime/debug"

// flood is how many connections make it worth giving memory back when they have gone. The
// runtime by itself would keep it for minutes.
const flood = 1024

// rise keeps the most connections of late. g.mu is held.
func (g *ledger) rise() { g.most = max(g.most, g.total.Load()) }

// ebb reports, once, that of a flood of connections at most an eighth is left.
func (g *ledger) ebb() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.most < flood || g.total.Load() > g.most/8 {
		return false
	}
	g.most = g.total.Load()
	return true
}

// drainMemory gives the memory of a flood back to the system. It runs on the goroutine of the
// connection that ended last, so that nobody waits for it.
func (s *Service) drainMemory() {
	if s.ledger.ebb() {
		debug.FreeOSMemory()
	}
}
