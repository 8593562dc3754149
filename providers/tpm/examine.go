package tpm

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Examine asks whether the TPM answers and is not locked, and decodes every known id.
func (p *Provider) Examine(ctx context.Context, known []providers.KeyID) ([]providers.Finding, error) {
	var found []providers.Finding
	for _, id := range known {
		if _, err := decodeRoot(id); err == nil {
			continue // the root key's entry
		}
		switch _, err := decode(id); {
		case errors.Is(err, errLegacy):
			found = append(found, providers.Finding{Severity: "warning", Object: "stored key", Problem: err.Error(), Remedy: "run the original service once"})
		case err != nil:
			found = append(found, providers.Finding{
				Severity: "error", Object: "stored key", Problem: err.Error(), Remedy: "restore the key info manager from a backup",
			})
		}
	}
	var adopted []providers.Finding
	err := p.do(ctx, func(c *call) (err error) {
		if adopted, err = c.examineAdopted(known); err != nil {
			return err
		}
		rsp, err := run(c, command[tpm2.GetCapabilityResponse](tpm2.GetCapability{
			Capability: tpm2.TPMCapTPMProperties, Property: uint32(tpm2.TPMPTPermanent), PropertyCount: 1,
		}))
		if err != nil {
			return err
		}
		properties, err := rsp.CapabilityData.Data.TPMProperties()
		if err != nil {
			return err
		}
		const inLockout = 1 << 9 // TPMA_PERMANENT
		for _, v := range properties.TPMProperty {
			if v.Property == tpm2.TPMPTPermanent && v.Value&inLockout != 0 {
				found = append(found, providers.Finding{
					Severity: "error", Object: c.can.String(), Problem: "the TPM is locked after too many wrong authorizations", Remedy: remedyLockout,
				})
			}
		}
		found = append(found, providers.Finding{
			Severity: "note", Object: c.can.String(), Problem: fmt.Sprintf("at %s, storage key %x", p.options.TCTI, c.primary.name),
		})
		return nil
	})
	found = append(adopted, found...)
	if err != nil {
		found = append(found, providers.Finding{
			Severity: "error", Object: "TPM", Problem: err.Error(), Remedy: "see whether the TPM is there: tpm2_getcap properties-fixed",
		})
	}
	return found, nil
}
