// Package mail sends what the server has to say to people by mail: invitations, accepted enrolments, one-time codes that were reset.
//
// A mail is given to a relay by SMTP, over TLS where that is asked for and then never without. Whoever asked for it is told what became of the
// first attempt, if that takes no longer than a few seconds; what failed for now is tried again from a bounded queue in memory.
//
// Nothing that people chose gets into a header or a command as it is: addresses that hold more than an address are refused, the rest is encoded.
package mail
