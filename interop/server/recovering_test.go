//go:build interop

package server_test

import (
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// setUp shares a recovery among some users, now and then in a way that is not allowed.
func (l *life) setUp(d *Device) (cloud.Request, func()) {
	at := l.at()
	b := &trust.ShamirRecoveryBriefCertificate{Author: d.ID, Timestamp: at, UserID: d.User, Threshold: 1, PerRecipientShares: map[trust.UserID]uint8{}}
	if l.once(20) {
		b.UserID = l.user()
	}
	req := &cloud.ShamirRecoverySetupReq{CipheredData: l.content(), RevealToken: trust.GenerateAccessToken()}
	for range 1 + l.random.IntN(3) {
		u := l.user()
		if u == d.User && !l.once(5) || b.PerRecipientShares[u] > 0 && !l.once(5) {
			continue
		}
		b.PerRecipientShares[u] = 1
		c := &trust.ShamirRecoveryShareCertificate{Author: d.ID, Timestamp: at, UserID: d.User, Recipient: u, CipheredShare: l.content()}
		if l.once(20) {
			c.Timestamp = l.at()
		}
		if l.once(20) {
			c.Recipient = l.user()
		}
		if l.once(20) {
			c.UserID = l.user()
		}
		req.ShamirRecoveryShareCertificates = append(req.ShamirRecoveryShareCertificates, l.sign(d, c))
	}
	if len(b.PerRecipientShares) == 0 {
		return l.ask(d)
	}
	req.ShamirRecoveryBriefCertificate = l.sign(d, b)
	return req, func() { l.setups[d.User] = append(l.setups[d.User], b) }
}

// setDown deletes the last recovery of somebody who has one, mostly.
func (l *life) setDown(d *Device) (cloud.Request, func()) {
	for _, o := range l.devices {
		if len(l.setups[o.User]) > 0 && !l.once(5) {
			d = o
			break
		}
	}
	l.sender = d
	c := &trust.ShamirRecoveryDeletionCertificate{
		Author: d.ID, Timestamp: l.at(), SetupToDeleteTimestamp: l.at(), SetupToDeleteUserID: d.User, ShareRecipients: map[trust.UserID]struct{}{},
	}
	if all := l.setups[d.User]; len(all) > 0 {
		b := all[len(all)-1]
		c.SetupToDeleteTimestamp = b.Timestamp
		for u := range b.PerRecipientShares {
			c.ShareRecipients[u] = struct{}{}
		}
	}
	if len(c.ShareRecipients) == 0 || l.once(8) {
		c.ShareRecipients[l.user()] = struct{}{}
	}
	if l.once(10) {
		c.SetupToDeleteUserID = l.user()
	}
	return &cloud.ShamirRecoveryDeleteReq{ShamirRecoveryDeletionCertificate: l.sign(d, c)}, nil
}
