package tpm

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"

	"github.com/google/go-tpm/tpm2"
)

// capabilities is what the TPM says of itself.
type capabilities struct {
	algorithms map[tpm2.TPMAlgID]bool
	curves     map[tpm2.TPMECCCurve]bool
	rsaBits    map[uint64]bool
	properties map[tpm2.TPMPT]uint32
	// cipherBits is the AES key size of the storage key and of sessions; both names the
	// other one, if the TPM has it too.
	cipherBits, otherBits uint16
	// transient is how many objects can be loaded at least, buffer the longest input.
	transient, buffer int
}

// readCapabilities asks the TPM.
func readCapabilities(c *call) (*capabilities, error) {
	can := &capabilities{
		algorithms: map[tpm2.TPMAlgID]bool{}, curves: map[tpm2.TPMECCCurve]bool{},
		rsaBits: map[uint64]bool{}, properties: map[tpm2.TPMPT]uint32{}, transient: 3, buffer: 1024,
	}
	for _, q := range []struct {
		capability tpm2.TPMCap
		first      uint32
	}{{tpm2.TPMCapAlgs, 0}, {tpm2.TPMCapECCCurves, 0}, {tpm2.TPMCapTPMProperties, uint32(tpm2.TPMPTFamilyIndicator)}} {
		rsp, err := run(c, command[tpm2.GetCapabilityResponse](tpm2.GetCapability{
			Capability: q.capability, Property: q.first, PropertyCount: 254,
		}))
		if err != nil {
			return nil, err
		}
		can.add(rsp.CapabilityData.Data)
	}
	if n := can.properties[tpm2.TPMPTHRTransientMin]; n > 0 {
		can.transient = int(min(n, 64))
	}
	if n := can.properties[tpm2.TPMPTInputBuffer]; n > 0 {
		can.buffer = int(min(n, 1024))
	}
	return can, can.test(c)
}

func (can *capabilities) add(data tpm2.TPMUCapabilities) {
	if l, err := data.Algorithms(); err == nil {
		for _, a := range l.AlgProperties {
			can.algorithms[a.Alg] = true
		}
	}
	if l, err := data.ECCCurves(); err == nil {
		for _, id := range l.ECCCurves {
			can.curves[id] = true
		}
	}
	if l, err := data.TPMProperties(); err == nil {
		for _, p := range l.TPMProperty {
			can.properties[p.Property] = p.Value
		}
	}
}

// test asks for sizes, which no list holds.
func (can *capabilities) test(c *call) error {
	for _, bits := range []uint64{1024, 2048, 3072, 4096} {
		parms := tpm2.TPMSRSAParms{KeyBits: tpm2.TPMKeyBits(bits)} //nolint:gosec // one of the four
		ok, err := tested(c, tpm2.TPMAlgRSA, tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, &parms))
		if err != nil {
			return err
		}
		can.rsaBits[bits] = ok
	}
	for _, bits := range []uint16{256, 128} {
		parms := tpm2.TPMSSymCipherParms{Sym: aesCFB(bits)}
		ok, err := tested(c, tpm2.TPMAlgSymCipher, tpm2.NewTPMUPublicParms(tpm2.TPMAlgSymCipher, &parms))
		switch {
		case err != nil:
			return err
		case ok && can.cipherBits == 0:
			can.cipherBits = bits
		case ok:
			can.otherBits = bits
		}
	}
	if can.cipherBits == 0 {
		return fmt.Errorf("the TPM has neither AES-256 nor AES-128 in CFB mode")
	}
	return nil
}

func tested(c *call, kind tpm2.TPMAlgID, parms tpm2.TPMUPublicParms) (bool, error) {
	_, err := run(c, command[tpm2.TestParmsResponse](tpm2.TestParms{Parameters: tpm2.TPMTPublicParms{Type: kind, Parameters: parms}}))
	if err == nil {
		return true, nil
	}
	if refused(err, tpm2.TPMRCValue, tpm2.TPMRCKeySize, tpm2.TPMRCSymmetric, tpm2.TPMRCMode, tpm2.TPMRCAsymmetric,
		tpm2.TPMRCType, tpm2.TPMRCSelector, tpm2.TPMRCRange, tpm2.TPMRCSize) {
		return false, nil
	}
	return false, err
}

// String names the TPM: manufacturer, vendor string, firmware.
func (can *capabilities) String() string {
	text := func(ids ...tpm2.TPMPT) string {
		var b []byte
		for _, id := range ids {
			b = binary.BigEndian.AppendUint32(b, can.properties[id])
		}
		return strings.TrimSpace(strings.Map(func(r rune) rune {
			if r > unicode.MaxASCII || !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, string(b)))
	}
	v := can.properties[tpm2.TPMPTFirmwareVersion1]
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s firmware %d.%d", text(tpm2.TPMPTManufacturer),
		text(tpm2.TPMPTVendorString1, tpm2.TPMPTVendorString2, tpm2.TPMPTVendorString3, tpm2.TPMPTVendorString4),
		v>>16, v&0xffff)), " ")
}
