package cloud

// PingReq is ping: echo used by tests: returns the given string as `pong`. The server only registers it when running in debug mode.
//
//codec:cmd ping Anonymous AnonymousServer Invited Authenticated Account
//codec:rep PingOK
type PingReq struct {
	Ping string `mp:"ping,max=maxPing"`
}

// PingOK is ok of ping.
//
//codec:status ok
type PingOK struct {
	Pong string `mp:"pong,max=maxPing"`
}
