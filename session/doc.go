// Package session is one signed-in device: it keeps the valid certificates of its organisation on disk and up to date, follows the events
// of the server, and is what everything stands on that works with an organisation.
//
//	pins, err := session.OpenPins(filepath.Join(state, uid, "pins"))
//	s, err := session.Open(ctx, session.Options{Device: unlocked, Dir: session.Dir(…), Pins: pins, …})
//	go s.Run(ctx)                                 // follow the server until the context ends
//	err = s.Refresh(ctx)                          // certificates up to now
//	err = s.View(func(c *trust.Store) error {…})  // what is true
//	rep, err := session.Certify(ctx, s, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.UserRevokeRep], error) {…})
//
// The server is trusted with nothing. Each time a session connects it asks for the last certificates that it has once more: a server that does not have them, or has
// others, was restored from a backup, hides something or serves another history. The session then refuses to go on, and sends no command, until a person accepts that
// ([Session.AcceptRollback]). The root key of an organisation is pinned ([Pins]); certificates that break a rule change nothing. A server that withholds what is newest looks
// like one that cannot be reached: [Status] says how old the view is.
//
// All secrets stay in the device, which lends them for the time of a call: a session holds none. When the device is locked everything fails, and Run ends.
//
// All methods may be called concurrently; Run is called once at a time. What View passes is used in the call only, and neither Refresh nor AcceptRollback is called there.
// Watchers that do not keep up lose events, and are told so.
package session
