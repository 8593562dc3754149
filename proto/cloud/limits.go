package cloud

// Bounds of bodies. The first is the protocol's, the second is ours.
const (
	// MaxRequest is how long the body of a request may be.
	MaxRequest = 1 << 20
	// MaxReply is how long the body of a reply may be that a client reads.
	MaxReply = 64 << 20
)

// Bounds of what bodies consist of. Whatever bytes a server has came to it in a request, so they are not longer than one.
const (
	maxBytes  = MaxRequest
	maxPing   = MaxRequest
	maxText   = 4096
	maxReason = 64 << 10
	maxURL    = 64 << 10
	// maxCode bounds one-time passwords, of which the server looks at six digits.
	maxCode = 256
	// maxChain bounds chains of certificates. The server takes 100 at most and answers to more.
	maxChain = 1024
	// maxRecipients is more than the 255 that a recovery can have.
	maxRecipients = 1024
	maxConfig     = 1024
	maxLocales    = 4096
	// maxList bounds lists that have no bound of their own; the bytes that there are bound them before.
	maxList = 1 << 22
)
