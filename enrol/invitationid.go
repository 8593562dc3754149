package enrol

import "github.com/seed-73b3884f/parsec-agent/trust"

// InvitationID returns by what entries of the journal name an invitation. Its token does not follow from it.
func InvitationID(token trust.AccessToken) (trust.HashDigest, error) { return tokenDigest(token) }
