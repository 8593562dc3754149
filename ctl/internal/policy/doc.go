// Package policy turns the words of the command line into key attributes and back: types
// such as "ecc-p256", uses such as "sign", algorithms such as "rsa-pss:sha256". It decides
// nothing that the service decides; it refuses what no service could mean and fills in
// what a person leaves out.
//
// Its functions keep no state.
package policy
