package session

// Tell gives watchers an event.
func (s *Session) Tell(e Event) { s.watchers.tell(e) }
