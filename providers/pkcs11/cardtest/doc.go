// Package cardtest gives tests a smart card: a PIV card (NIST SP 800-73-4) that this process
// plays, in a reader of a pcscd of the test's own. The real pcscd and the real PKCS#11
// libraries speak with it; what happens to it is in the hand of the test: it is inserted and
// removed, it counts what is asked of it, and pcscd can be ended and started again.
//
// The card has the commands of ISO 7816-4 and PIV that libraries use: SELECT, GET RESPONSE,
// command chaining and extended lengths, GET DATA, PUT DATA, VERIFY, CHANGE REFERENCE DATA,
// RESET RETRY COUNTER, GENERAL AUTHENTICATE, GENERATE ASYMMETRIC KEY PAIR. With
// Options.YubiKey it has what ykcs11 asks of a YubiKey 5.2 as well. It has no secure
// messaging, no contactless rules, no pairing code, no biometrics and no touch, and its
// secrets are as safe as any variable of a test.
//
// A Reader speaks the protocol of Debian's vsmartcard-vpcd. A Daemon is pcscd in a mount
// namespace with a /run of its own, so that several run at once and none is seen by others.
// Cards and readers may be used concurrently.
package cardtest
