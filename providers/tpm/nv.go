package tpm

import (
	"encoding/asn1"
	"slices"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Where the TCG's profile for endorsement keys puts certificates.
const (
	nvRSACertificate tpm2.TPMHandle = 0x01c00002
	nvECCCertificate tpm2.TPMHandle = 0x01c0000a
	nvFirstOfChain   tpm2.TPMHandle = 0x01c00100
	nvLastOfChain    tpm2.TPMHandle = 0x01c001ff
)

// Bounds of what is read from NV memory, in bytes.
const (
	maxNV    = 8 << 10
	maxChain = 32 << 10
	nvPiece  = 512 // that every TPM answers in one command
)

// endorsement returns the template of the endorsement key that the TPM's maker certified,
// with the certificates: its own first, then those of issuers. Without any it is the RSA key.
func (c *call) endorsement() (tpm2.TPMTPublic, [][]byte, error) {
	indexes, err := c.nvIndexes()
	if err != nil {
		return tpm2.TPMTPublic{}, nil, err
	}
	template := tpm2.RSAEKTemplate
	var certificates [][]byte
	for _, kind := range []struct {
		index    tpm2.TPMHandle
		template tpm2.TPMTPublic
	}{{nvRSACertificate, tpm2.RSAEKTemplate}, {nvECCCertificate, tpm2.ECCEKTemplate}} {
		if !slices.Contains(indexes, kind.index) {
			continue
		}
		b, err := c.readNV(kind.index)
		if err != nil {
			return tpm2.TPMTPublic{}, nil, err
		}
		if certificates = split(b, 1); certificates != nil {
			template = kind.template
			break
		}
	}
	if certificates == nil {
		return template, nil, nil
	}
	chain, err := c.readChain(indexes)
	return template, append(certificates, chain...), err
}

// nvIndexes lists the indexes that may hold certificates.
func (c *call) nvIndexes() ([]tpm2.TPMHandle, error) {
	rsp, err := run(c, command[tpm2.GetCapabilityResponse](tpm2.GetCapability{
		Capability: tpm2.TPMCapHandles, Property: uint32(nvRSACertificate), PropertyCount: 254,
	}))
	if err != nil {
		return nil, err
	}
	handles, err := rsp.CapabilityData.Data.Handles()
	if err != nil {
		return nil, wire.Errorf(wire.StatusCommunicationFailure, "TPM2_GetCapability: %w", err)
	}
	return handles.Handle, nil
}

// readChain reads the certificates of issuers: one after the other over several indexes,
// without regard to where one ends.
func (c *call) readChain(indexes []tpm2.TPMHandle) ([][]byte, error) {
	var all []byte
	for _, index := range indexes {
		if index < nvFirstOfChain || index > nvLastOfChain || len(all) > maxChain {
			continue
		}
		b, err := c.readNV(index)
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	const most = 7 // beside the endorsement key's own
	return split(all, most), nil
}

// readNV reads an index that its own authorisation, which is empty, opens.
func (c *call) readNV(index tpm2.TPMHandle) ([]byte, error) {
	public, err := run(c, command[tpm2.NVReadPublicResponse](tpm2.NVReadPublic{NVIndex: index}))
	if err != nil {
		return nil, err
	}
	area, err := public.NVPublic.Contents()
	if err != nil {
		return nil, wire.Errorf(wire.StatusCommunicationFailure, "TPM2_NV_ReadPublic: %w", err)
	}
	if !area.Attributes.Written || area.DataSize > maxNV {
		return nil, nil
	}
	var data []byte
	for len(data) < int(area.DataSize) {
		rsp, err := run(c, command[tpm2.NVReadResponse](tpm2.NVRead{
			AuthHandle: authorized(index, public.NVName.Buffer, tpm2.PasswordAuth(nil)),
			NVIndex:    tpm2.NamedHandle{Handle: index, Name: public.NVName},
			Size:       min(area.DataSize-uint16(len(data)), nvPiece), Offset: uint16(len(data)), //nolint:gosec // below maxNV
		}))
		if err != nil {
			return nil, err
		}
		if len(rsp.Data.Buffer) == 0 {
			return nil, wire.Errorf(wire.StatusCommunicationFailure, "TPM2_NV_Read: the TPM answers nothing")
		}
		data = append(data, rsp.Data.Buffer...)
	}
	return data, nil
}

// split cuts at most n DER structures off the start of b; what follows them is padding.
func split(b []byte, n int) [][]byte {
	var parts [][]byte
	for len(parts) < n {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(b, &v)
		if err != nil || v.Tag != asn1.TagSequence || len(v.FullBytes) > maxNV {
			break
		}
		parts, b = append(parts, v.FullBytes), rest
	}
	return parts
}
