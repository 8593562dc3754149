package trust

import "fmt"

// CheckRedacted compares the certificate with what is said to be its redacted form (3.1, 4.8). Who signed either is not looked at here.
func (c *UserCertificate) CheckRedacted(redacted *UserCertificate) error {
	var field string
	switch {
	case redacted.HumanHandle != nil:
		field = "human_handle"
	case !sameDevice(c.Author, redacted.Author):
		field = "author"
	case c.Timestamp != redacted.Timestamp:
		field = "timestamp"
	case c.UserID != redacted.UserID:
		field = "user_id"
	case c.PublicKey != redacted.PublicKey:
		field = "public_key"
	case c.Profile != redacted.Profile:
		field = "profile"
	default:
		return nil
	}
	return fmt.Errorf("redacted %s: %w", c.Type(), &UnexpectedError{field})
}

// CheckRedacted compares the certificate with what is said to be its redacted form.
func (c *DeviceCertificate) CheckRedacted(redacted *DeviceCertificate) error {
	var field string
	switch {
	case redacted.DeviceLabel != nil:
		field = "device_label"
	case !sameDevice(c.Author, redacted.Author):
		field = "author"
	case c.Timestamp != redacted.Timestamp:
		field = "timestamp"
	case c.UserID != redacted.UserID:
		field = "user_id"
	case c.DeviceID != redacted.DeviceID:
		field = "device_id"
	case c.VerifyKey != redacted.VerifyKey:
		field = "verify_key"
	case c.PurposeOf() != redacted.PurposeOf():
		field = "purpose"
	default:
		return nil
	}
	return fmt.Errorf("redacted %s: %w", c.Type(), &UnexpectedError{field})
}
