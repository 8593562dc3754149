package kim

import "github.com/seed-73b3884f/parsec-agent/proto/wire"

// UnknownProvider is the kind of a stored entry whose provider UUID this program does not
// know. Such entries are kept, and their names stay taken.
const UnknownProvider wire.ProviderID = 255

// The UUIDs of section 4.1 by provider ID.
var uuids = [...]string{
	wire.ProviderCore:           "47049873-2a43-4845-9d72-831eab668784",
	wire.ProviderMbedCrypto:     "1c1139dc-ad7c-47dc-ad6b-db6fdb466552",
	wire.ProviderPKCS11:         "30e39502-eba6-4d60-a4af-c518b7f5e38f",
	wire.ProviderTPM:            "1e4954a4-ff21-46d3-ab0c-661eeb667e1d",
	wire.ProviderTrustedService: "71129441-508a-4da6-b6e8-7b98a777e4c0",
	wire.ProviderCryptoAuthLib:  "b8ba81e2-e9f7-4bdd-b096-a29d0019960c",
}

// ProviderUUID returns the UUID of a kind of provider, empty for an unknown kind.
func ProviderUUID(id wire.ProviderID) string {
	if int(id) >= len(uuids) {
		return ""
	}
	return uuids[id]
}

// ProviderByUUID returns the kind that a UUID stands for, or UnknownProvider.
func ProviderByUUID(uuid string) wire.ProviderID {
	for id := range uuids {
		if uuids[id] == uuid {
			return wire.ProviderID(id)
		}
	}
	return UnknownProvider
}
