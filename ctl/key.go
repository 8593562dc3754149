package ctl

import (
	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
)

func (p *Program) keyGroup() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Make, use and administer keys"}
	cmd.AddCommand(
		p.keyList(), p.keyCreate(), p.keyImport(), p.keyAdopt(), p.keyExportPublic(), p.keyExport(), p.keyDelete(), p.keySign(), p.keyVerify(),
		p.keyEncrypt(), p.keyDecrypt(), p.keyMAC(), p.keyAgree(), p.keyCSR(), p.keyProtect(), p.keyInspect(), p.keyCanDo(),
		p.keyAttest(), p.keyAttestVerify(), p.keySeal(), p.keyRecover(),
	)
	return cmd
}

// attributeFlags adds the options that describe a key.
func attributeFlags(cmd *cobra.Command, r *policy.Request, withType string) {
	flags := cmd.Flags()
	flags.StringVar(&r.Type, "type", withType, "the `type` of key, such as ecc-p256, ed25519, rsa-3072, aes-256")
	flags.Uint64Var(&r.Bits, "bits", 0, "the size in `bits`, for types that do not name it (hmac, derive, raw)")
	flags.StringSliceVar(&r.Use, "use", nil, "what the key is for: sign, verify, encrypt, decrypt, mac, agree, … (default: all that the algorithm allows)")
	flags.StringVar(&r.Algorithm, "alg", "", "the only `algorithm` that the key may be used with, such as ecdsa:sha256, rsa-pss:any, gcm (default: by type and use)")
	flags.StringVar(&r.Hash, "hash", "", "the `hash` of the algorithm, or any (default: by the strength of the key)")
	flags.BoolVar(&r.Exportable, "exportable", false, "let the private key be exported")
	choices(cmd, "type", policy.TypeNames()...)
	choices(cmd, "use", policy.UseNames()...)
	choices(cmd, "alg", policy.AlgorithmNames()...)
	choices(cmd, "hash", append(policy.HashNames(), "any")...)
}
