//go:build interop

package reference

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// services are the certificates that a sequester authority signs.
func (w *world) services() []subject {
	return []subject{
		w.service("sequester_service_certificate", func(d *draw) trust.ServiceCertificate {
			return &trust.SequesterServiceCertificate{
				Timestamp: d.time(), ServiceID: trust.SequesterServiceID(d.sized(16)), ServiceLabel: d.word(0, 30), EncryptionKeyDER: w.encryptDER,
			}
		}),
		w.service("sequester_revoked_service_certificate", func(d *draw) trust.ServiceCertificate {
			return object[trust.SequesterRevokedServiceCertificate](d)
		}),
	}
}

func (w *world) service(kind string, makes func(*draw) trust.ServiceCertificate) subject {
	authority := must(trust.ParseSequesterVerifyKey(w.verifyDER))
	const signature = len("RSASSA-PSS-SHA256:") + 256
	return subject{
		kind:   kind,
		make:   func(d *draw) sample { return sample{data: must(trust.SignServiceCertificate(makes(d), w.sequester))} },
		made:   func(seed uint64) question { return question{Op: "make_service", Kind: kind, Seed: seed} },
		sample: sampleOf,
		read: func(s sample) ([]byte, error) {
			c, err := trust.VerifyServiceCertificate(s.data, authority)
			if err != nil {
				return nil, err
			}
			if c.Type() != kind {
				return nil, fmt.Errorf("it is a %s", c.Type())
			}
			return unpacked(must(trust.SignServiceCertificate(c, w.sequester))[signature:])
		},
		ask:     func(s sample) question { return s.question("read_service", kind, w.verifyDER) },
		written: writtenUnsigned,
		mutate: func(d *draw, s sample) sample {
			s.data = must(w.mutateMessage(d, s.data[signature:], w.sequester.Sign, &s))
			if d.chance(12) {
				s.data = d.mutateBytes(s.data)
			}
			return s
		},
	}
}
