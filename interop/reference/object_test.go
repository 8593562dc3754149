//go:build interop

package reference

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// certificates are those that a device or the root key signs.
func (w *world) certificates() []subject {
	return []subject{
		w.certificate("user_certificate", func(d *draw) trust.Certificate { return object[trust.UserCertificate](d) }),
		w.certificate("device_certificate", func(d *draw) trust.Certificate { return object[trust.DeviceCertificate](d) }),
		w.certificate("revoked_user_certificate", func(d *draw) trust.Certificate { return object[trust.RevokedUserCertificate](d) }),
		w.certificate("user_update_certificate", func(d *draw) trust.Certificate { return object[trust.UserUpdateCertificate](d) }),
		w.certificate("realm_role_certificate", func(d *draw) trust.Certificate { return object[trust.RealmRoleCertificate](d) }),
		w.certificate("realm_key_rotation_certificate", func(d *draw) trust.Certificate { return object[trust.RealmKeyRotationCertificate](d) }),
		w.certificate("realm_name_certificate", func(d *draw) trust.Certificate { return object[trust.RealmNameCertificate](d) }),
		w.certificate("realm_archiving_certificate", func(d *draw) trust.Certificate { return object[trust.RealmArchivingCertificate](d) }),
		w.certificate("sequester_authority_certificate", func(d *draw) trust.Certificate {
			return &trust.SequesterAuthorityCertificate{Timestamp: d.time(), VerifyKeyDER: w.verifyDER}
		}),
		w.certificate("shamir_recovery_brief_certificate", func(d *draw) trust.Certificate {
			c := object[trust.ShamirRecoveryBriefCertificate](d)
			c.PerRecipientShares = map[trust.UserID]uint8{}
			for range 1 + d.IntN(4) {
				c.PerRecipientShares[trust.UserID(d.sized(16))] = uint8(1 + d.IntN(60))
			}
			c.Threshold = 1
			return c
		}),
		w.certificate("shamir_recovery_share_certificate", func(d *draw) trust.Certificate { return object[trust.ShamirRecoveryShareCertificate](d) }),
		w.certificate("shamir_recovery_deletion_certificate", func(d *draw) trust.Certificate {
			return object[trust.ShamirRecoveryDeletionCertificate](d)
		}),
	}
}

func (w *world) certificate(kind string, makes func(*draw) trust.Certificate) subject {
	return subject{
		kind: kind,
		make: func(d *draw) sample {
			c := makes(d)
			return sample{data: must(trust.SignCertificate(c, w.signing)), author: c.SignedBy(), at: c.SignedAt()}
		},
		made: func(seed uint64) question {
			return question{Op: "make_certificate", Kind: kind, Key: w.key(), Seed: seed}
		},
		sample: sampleOf,
		read: func(s sample) ([]byte, error) {
			c, err := trust.VerifyCertificate(s.data, trust.Author{Device: s.author, Key: w.verify})
			if err != nil {
				return nil, err
			}
			if c.Type() != kind {
				return nil, fmt.Errorf("it is a %s", c.Type())
			}
			if d, ok := c.(*trust.DeviceCertificate); ok {
				d.Purpose = d.PurposeOf() // the reference writes what it reads as absent
			}
			signed, err := trust.SignCertificate(c, w.signing)
			if err != nil {
				return nil, err
			}
			return unsigned(signed)
		},
		ask:     func(s sample) question { return s.question("read_certificate", kind, w.seed) },
		written: writtenSigned,
		mutate: func(d *draw, s sample) sample {
			if (kind == "user_certificate" || kind == "device_certificate") && d.chance(30) {
				return w.authorless(d, s)
			}
			return w.mutateSigned(d, s, nil)
		},
	}
}

// authorless is signed by the root key, and has no author, or one of zeros.
func (w *world) authorless(d *draw, s sample) sample {
	root, _, err := parse(must(decompress(s.data[trust.SignatureSize+1:])))
	if err != nil {
		panic(err)
	}
	name := &node{raw: []byte("\xa6author")}
	if author := root.value(name); author != nil && d.chance(2) {
		author.raw = append([]byte{0xd8, 2}, make([]byte, 16)...)
	} else {
		for i := 0; i < len(root.kids); i += 2 {
			if same(root.kids[i], name) {
				root.kids = slices.Delete(root.kids, i, i+2)
			}
		}
	}
	s.author, s.content = nil, root.write(nil)
	s.data = must(w.signing.Sign(append([]byte{0}, d.compress(s.content)...)))
	return s
}

// unsigned is the content of a signed object.
func unsigned(signed []byte) ([]byte, error) { return unpacked(signed[trust.SignatureSize:]) }

// unpacked is the content behind the version of the format, which all have.
func unpacked(message []byte) ([]byte, error) {
	plain, err := decompress(message[1:])
	if err != nil {
		return nil, err
	}
	return canonical(plain)
}

func writtenSigned(a answer) ([]byte, error) {
	b, err := hex.DecodeString(a.Out)
	if err != nil {
		return nil, err
	}
	return unsigned(b)
}

func writtenUnsigned(a answer) ([]byte, error) {
	b, err := hex.DecodeString(a.Out)
	if err != nil {
		return nil, err
	}
	return unpacked(b)
}

// mutateSigned changes the content, the frames or what was signed. The layers above are those of an object that was
// made so: only what a mutation is about is wrong.
func (w *world) mutateSigned(d *draw, s sample, seal func([]byte) []byte) sample {
	s.data = must(w.mutateMessage(d, s.data[trust.SignatureSize:], func(message []byte) ([]byte, error) { return w.signing.Sign(message) }, &s))
	if d.chance(12) {
		s.data = d.mutateBytes(s.data)
	}
	if seal != nil {
		s.data = seal(s.data)
	}
	return s
}

func (w *world) mutateMessage(d *draw, message []byte, sign func([]byte) ([]byte, error), s *sample) ([]byte, error) {
	plain := must(decompress(message[1:]))
	if d.chance(8) {
		return sign(d.mutateBytes(append([]byte{message[0]}, d.compress(plain)...)))
	}
	if !d.chance(8) {
		plain = d.mutateContent(plain)
	}
	s.content = plain
	return sign(append([]byte{0}, d.compress(plain)...))
}
