package cloudtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// Upload plays the events of an organisation to a server, in the order in which they happened.
type Upload struct {
	server trust.ServerAddress
	client *cloud.Client
	id     trust.OrganizationID
	root   trust.VerifyKey
}

// NewUpload returns an upload to an organisation of a server, which makes it when it is asked first.
func NewUpload(server trust.ServerAddress, client *cloud.Client, id trust.OrganizationID, root trust.VerifyKey) *Upload {
	return &Upload{server: server, client: client, id: id, root: root}
}

// Caller returns a device of the organisation.
func (u *Upload) Caller(d *trusttest.Device) *cloud.Caller {
	return u.client.Device(u.id, d.ID, d.Signing)
}

// Send sends an event in its command. It returns the status of the reply, or that of HTTP.
func (u *Upload) Send(ctx context.Context, e *trusttest.Event) (string, error) {
	status, err := u.send(ctx, e)
	if refused := (*cloud.HTTPError)(nil); errors.As(err, &refused) {
		return fmt.Sprintf("HTTP %d", refused.Status), nil
	}
	return status, err
}

func (u *Upload) send(ctx context.Context, e *trusttest.Event) (string, error) {
	switch e.Command {
	case trusttest.OrganizationBootstrap:
		return u.found(ctx, e)
	case trusttest.SequesterCreateService:
		return u.administer(ctx, "", map[string]any{"service_certificate": e.Certificates[0].Signed, "config": map[string]string{"type": "storage"}})
	case trusttest.SequesterRevokeService:
		return u.administer(ctx, "/revoke", map[string]any{"revoked_service_certificate": e.Certificates[0].Signed})
	default:
		return command(ctx, u.Caller(e.Author), e)
	}
}

// only are the bytes of the only certificate.
func only(e *trusttest.Event) []byte { return e.Certificates[0].Signed }

func command(ctx context.Context, by *cloud.Caller, e *trusttest.Event) (string, error) {
	switch e.Command {
	case trusttest.UserCreate:
		user, device := e.Certificates[0], e.Certificates[1]
		return do(ctx, by, &cloud.UserCreateReq{
			UserCertificate: user.Signed, RedactedUserCertificate: user.Redacted, DeviceCertificate: device.Signed, RedactedDeviceCertificate: device.Redacted,
		})
	case trusttest.DeviceCreate:
		return do(ctx, by, &cloud.DeviceCreateReq{DeviceCertificate: only(e), RedactedDeviceCertificate: e.Certificates[0].Redacted})
	case trusttest.UserUpdate:
		return do(ctx, by, &cloud.UserUpdateReq{UserUpdateCertificate: only(e)})
	case trusttest.UserRevoke:
		return do(ctx, by, &cloud.UserRevokeReq{RevokedUserCertificate: only(e)})
	case trusttest.ShamirRecoverySetup:
		req := &cloud.ShamirRecoverySetupReq{CipheredData: e.CipheredData, RevealToken: e.RevealToken, ShamirRecoveryBriefCertificate: only(e)}
		for _, share := range e.Certificates[1:] {
			req.ShamirRecoveryShareCertificates = append(req.ShamirRecoveryShareCertificates, share.Signed)
		}
		return do(ctx, by, req)
	case trusttest.ShamirRecoveryDelete:
		return do(ctx, by, &cloud.ShamirRecoveryDeleteReq{ShamirRecoveryDeletionCertificate: only(e)})
	default:
		return realmCommand(ctx, by, e)
	}
}

func realmCommand(ctx context.Context, by *cloud.Caller, e *trusttest.Event) (string, error) {
	switch e.Command {
	case trusttest.RealmCreate:
		return do(ctx, by, &cloud.RealmCreateReq{RealmRoleCertificate: only(e)})
	case trusttest.RealmShare:
		return do(ctx, by, &cloud.RealmShareReq{RealmRoleCertificate: only(e), RecipientKeysBundleAccess: e.RecipientAccess, KeyIndex: e.KeyIndex})
	case trusttest.RealmUnshare:
		return do(ctx, by, &cloud.RealmUnshareReq{RealmRoleCertificate: only(e)})
	case trusttest.RealmSelfPromoteToOwner:
		return do(ctx, by, &cloud.RealmSelfPromoteToOwnerReq{RealmRoleCertificate: only(e)})
	case trusttest.RealmRename:
		return do(ctx, by, &cloud.RealmRenameReq{RealmNameCertificate: only(e), InitialNameOrFail: e.InitialName})
	case trusttest.RealmRotateKey:
		return do(ctx, by, &cloud.RealmRotateKeyReq{
			RealmKeyRotationCertificate: only(e), KeysBundle: e.KeysBundle,
			PerParticipantKeysBundleAccess: e.UserAccess, PerSequesterServiceKeysBundleAccess: e.ServiceAccess,
		})
	case trusttest.RealmUpdateArchiving:
		return do(ctx, by, &cloud.RealmUpdateArchivingReq{ArchivingCertificate: only(e)})
	default:
		return "", fmt.Errorf("no command carries event %q", e.Command)
	}
}

func do[R cloud.Reply](ctx context.Context, by *cloud.Caller, req cloud.Exchange[R]) (string, error) {
	rep, err := cloud.Do(ctx, by, req)
	if err != nil {
		return "", err
	}
	return rep.Status(), nil
}

// found sends the foundation, with a sequester authority or without.
func (u *Upload) found(ctx context.Context, e *trusttest.Event) (string, error) {
	req, users := &cloud.OrganizationBootstrapReq{RootVerifyKey: u.root}, e.Certificates
	if first := users[0]; first.Topic == trust.TopicSequester {
		req.SequesterAuthorityCertificate, users = first.Signed, users[1:]
	}
	req.UserCertificate, req.RedactedUserCertificate = users[0].Signed, users[0].Redacted
	req.DeviceCertificate, req.RedactedDeviceCertificate = users[1].Signed, users[1].Redacted
	return do(ctx, u.client.Organization(u.id), req)
}

// administer asks what only the server's administration may: JSON has bytes in base64.
func (u *Upload) administer(ctx context.Context, path string, body map[string]any) (string, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	url := fmt.Sprintf("%s/administration/organizations/%s/sequester/services%s", strings.TrimSuffix(u.server.HTTP(), "/"), u.id, path)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+AdministrationToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	_, _ = io.Copy(io.Discard, resp.Body) // keeps the connection
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Sprintf("HTTP %d", resp.StatusCode), nil
	}
	return "ok", nil
}
