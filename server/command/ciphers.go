package command

import (
	"crypto/tls"
	"strings"
)

// defaultCiphers is what the original has by default, for which ours is the default of Go.
const defaultCiphers = "TLSv1"

// suites are the cipher suites of TLS 1.2 as OpenSSL calls them. Those of TLS 1.3 are always there.
var suites = map[string]uint16{
	"ECDHE-ECDSA-AES128-GCM-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-RSA-AES128-GCM-SHA256":   tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES256-GCM-SHA384": tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-RSA-AES256-GCM-SHA384":   tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-CHACHA20-POLY1305": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-RSA-CHACHA20-POLY1305":   tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// cipherSuites are those that --ssl-ciphers names, nil for the default.
func (o *runOptions) cipherSuites() ([]uint16, error) {
	if o.ciphers == defaultCiphers {
		return nil, nil
	}
	all := []uint16{}
	for name := range strings.SplitSeq(o.ciphers, ",") {
		id, ok := suites[name]
		if !ok {
			return nil, usagef("--ssl-ciphers: %q is none that is used here: ECDHE with AES-GCM or CHACHA20-POLY1305 is, as ECDHE-RSA-AES128-GCM-SHA256", name)
		}
		all = append(all, id)
	}
	return all, nil
}
