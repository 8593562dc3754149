//go:build interop

package interop

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// tpmKinds are what the original makes in a software TPM.
var tpmKinds = with(hardwareKinds, map[string]psa.Attributes{
	"oaep": {Type: psa.KeyRSAPair, Bits: 2048, Usage: hardwareCrypting, Alg: psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}},
})

// TestTPMTakeover makes keys in a TPM with the original, uses them with ours, makes more
// there, and uses all of them with the original again: state and TPM stay where they are.
func TestTPMTakeover(t *testing.T) {
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			tree := openTree(t)
			dir := sharedDir(t, tree, 0)
			v := tpmtest.StartTCP(t)
			s := original.Settings{Dir: dir, IdleSleep: 1, Timeout: 20000, Manager: manager, More: tpmConfig("manager", v.TCTI())}
			u := newHardwareUser(t, dir, wire.ProviderTPM, tpmKinds)
			u.label = []byte("label\x00") // the original's TPM wants the zero byte
			theirs, ours := alternate(t, tree, s, nil)
			u.takeOver(theirs, ours)
			u.attest(theirs, ours)
		})
	}
}

// attest proves for a key of each service that it is in the TPM: the one service tells what
// the verifier needs, the other one answers the verifier.
func (u *hardwareUser) attest(theirs, ours func(func())) {
	u.t.Helper()
	for _, turn := range []struct{ prepares, answers func(func()) }{{theirs, ours}, {ours, theirs}} {
		for _, name := range []string{"theirs-rsa", "ours-p384"} {
			var prepared []byte
			turn.prepares(func() { prepared = u.prepare(name) })
			m := &psapb.AttestKey{AttestedKeyName: name, Parameters: makeCredential(u.t, prepared, []byte(attested))}
			turn.answers(func() {
				if again := u.prepare(name); !bytes.Equal(again, prepared) {
					u.t.Errorf("%s is told as %x by one service, %x by the other", name, prepared, again)
				}
				body := &psapb.AttestKeyResult{}
				if err := u.session.Do(u.t.Context(), wire.OpAttestKey, m, body); err != nil {
					u.t.Fatalf("attest %s: %v", name, err)
				}
				if got := body.GetOutput().GetActivateCredential().GetCredential(); string(got) != attested {
					u.t.Errorf("the TPM told %q of %s", got, name)
				}
			})
		}
	}
}

func (u *hardwareUser) prepare(name string) []byte {
	u.t.Helper()
	m := &psapb.PrepareKeyAttestationResult{}
	err := u.session.Do(u.t.Context(), wire.OpPrepareKeyAttestation, &psapb.PrepareKeyAttestation{Parameters: &psapb.PrepareKeyAttestation_Params{
		Mechanism: &psapb.PrepareKeyAttestation_Params_ActivateCredential_{
			ActivateCredential: &psapb.PrepareKeyAttestation_Params_ActivateCredential{AttestedKeyName: name},
		},
	}}, m)
	if err != nil {
		u.t.Fatalf("prepare the attestation of %s: %v", name, err)
	}
	body, err := psa.Marshal(m)
	if err != nil {
		u.t.Fatal(err)
	}
	return body
}
