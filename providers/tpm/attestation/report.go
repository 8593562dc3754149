package attestation

import "time"

// Verdict is the result of a verification.
type Verdict string

// The verdicts.
const (
	// Verified: every check is proven.
	Verified Verdict = "verified"
	// Incomplete: nothing is wrong, but something that matters is not proven.
	Incomplete Verdict = "incomplete"
	// Refused: something is wrong; Reason says what.
	Refused Verdict = "refused"
)

// State is the result of one check.
type State string

// The states of a check.
const (
	Proven   State = "proven"
	Unproven State = "unproven"
	Wrong    State = "refused"
	// Skipped: the verifier asked for nothing that could be checked.
	Skipped State = "not asked"
)

// Check is one claim with what became of it.
type Check struct {
	What   string
	State  State
	Detail string
}

// Clock is the TPM's clock at the time of the attestation.
type Clock struct {
	Milliseconds         uint64
	ResetCount, Restarts uint32
	// Safe is false when the clock may have shown later times before.
	Safe     bool
	Firmware uint64
}

// Certificate tells of a certificate.
type Certificate struct {
	Subject, Issuer, Serial      string
	NotBefore, NotAfter          time.Time
	Manufacturer, Model, Version string // of the TPM, from the alternative name
}

// Report is what a verification found out. Beyond the checks its fields are what the
// statement says, to be believed as far as the checks are proven.
type Report struct {
	Verdict Verdict
	Reason  string
	Checks  []Check

	// KeyName and AgentVersion are the agent's word.
	KeyName, AgentVersion string
	// KeyType is such as "ecc-p256"; PublicKey is PKIX, DER, nil where a key has none.
	KeyType   string
	PublicKey []byte
	// Key and AttestationKey are the Names of the objects in the TPM.
	Key, AttestationKey []byte
	Certificate         *Certificate
	Clock               *Clock
	// Facts are what a PIV card says of itself.
	Facts []Fact
}

func (r *Report) add(what string, state State, detail string) {
	r.Checks = append(r.Checks, Check{what, state, detail})
}

// judge adds a check: proven with the detail, or refused with the error.
func (r *Report) judge(what, proven string, err error) {
	if err != nil {
		r.add(what, Wrong, err.Error())
		return
	}
	r.add(what, Proven, proven)
}

// conclude draws the verdict from the checks.
func (r *Report) conclude() *Report {
	r.Verdict = Verified
	for _, c := range r.Checks {
		switch {
		case c.State == Wrong:
			r.Verdict, r.Reason = Refused, c.What+": "+c.Detail
			return r
		case c.State == Unproven && r.Verdict == Verified:
			r.Verdict, r.Reason = Incomplete, c.What+": "+c.Detail
		}
	}
	return r
}
