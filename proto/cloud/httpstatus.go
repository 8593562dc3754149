package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// HTTPStatus is a status of HTTP with its meaning here. What a command did is in the body of a reply with [StatusOK].
type HTTPStatus int

// Statuses, and what they say.
const (
	StatusOK                   HTTPStatus = http.StatusOK
	StatusNoAuthorization      HTTPStatus = http.StatusUnauthorized
	StatusBadAuthorization     HTTPStatus = http.StatusForbidden
	StatusOrganizationNotFound HTTPStatus = http.StatusNotFound
	StatusBadAccept            HTTPStatus = http.StatusNotAcceptable
	StatusInvitationGone       HTTPStatus = http.StatusGone
	StatusTooLarge             HTTPStatus = http.StatusRequestEntityTooLarge
	StatusBadContent           HTTPStatus = http.StatusUnsupportedMediaType
	StatusUnsupportedAPI       HTTPStatus = http.StatusUnprocessableEntity
	StatusOrganizationExpired  HTTPStatus = 460
	StatusUserRevoked          HTTPStatus = 461
	StatusUserFrozen           HTTPStatus = 462
	StatusMustAcceptTOS        HTTPStatus = 463
	StatusWebClientNotAllowed  HTTPStatus = 464
	StatusTokenExpired         HTTPStatus = 498
	StatusNoRedirection        HTTPStatus = http.StatusNotImplemented
	StatusStopping             HTTPStatus = http.StatusServiceUnavailable
)

// Errors that statuses are, for errors.Is.
var (
	ErrAuthorization        = errors.New("the server wants an authorization and got none that is well formed")
	ErrCredentials          = errors.New("the server does not know the credentials, or they are wrong")
	ErrOrganizationNotFound = errors.New("the server has no such organisation")
	ErrAccept               = errors.New("the server does not send what is accepted")
	ErrInvitationGone       = errors.New("the invitation was used or deleted")
	ErrTooLarge             = errors.New("the request is too large")
	ErrContent              = errors.New("the server does not know the command, or cannot read it")
	ErrUnsupportedAPI       = errors.New("the server speaks other versions of the API")
	ErrOrganizationExpired  = errors.New("the organisation has expired")
	ErrUserRevoked          = errors.New("the user is revoked")
	ErrUserFrozen           = errors.New("the user is frozen")
	ErrMustAcceptTOS        = errors.New("the user must accept the terms of service first")
	ErrWebClientNotAllowed  = errors.New("the organisation allows no web client")
	ErrTokenExpired         = errors.New("the clocks of client and server differ by more than five minutes")
	ErrNoRedirection        = errors.New("the server has no address to redirect to")
	// ErrOffline is a server that cannot be reached, or whose proxy says so. Trying again later may help.
	ErrOffline = errors.New("the server cannot be reached")
	// ErrServer is everything else that a server may say; trying again does not help.
	ErrServer = errors.New("the server failed, or does not speak this protocol")
)

var statusErrors = map[HTTPStatus]error{
	StatusNoAuthorization: ErrAuthorization, StatusBadAuthorization: ErrCredentials, StatusOrganizationNotFound: ErrOrganizationNotFound,
	StatusBadAccept: ErrAccept, StatusInvitationGone: ErrInvitationGone, StatusTooLarge: ErrTooLarge, StatusBadContent: ErrContent,
	StatusUnsupportedAPI: ErrUnsupportedAPI, StatusOrganizationExpired: ErrOrganizationExpired, StatusUserRevoked: ErrUserRevoked,
	StatusUserFrozen: ErrUserFrozen, StatusMustAcceptTOS: ErrMustAcceptTOS, StatusWebClientNotAllowed: ErrWebClientNotAllowed,
	StatusTokenExpired: ErrTokenExpired, StatusNoRedirection: ErrNoRedirection, StatusStopping: ErrOffline,
	http.StatusBadGateway: ErrOffline, http.StatusGatewayTimeout: ErrOffline, http.StatusTooManyRequests: ErrOffline,
}

// HTTPError is a status other than [StatusOK].
type HTTPError struct {
	Status HTTPStatus
	// Supported are the versions that a server names with [StatusUnsupportedAPI].
	Supported []Version
}

// Error says what the status means.
func (e *HTTPError) Error() string {
	s := fmt.Sprintf("%v (HTTP status %d)", e.Unwrap(), e.Status)
	if len(e.Supported) > 0 {
		s += fmt.Sprintf(": %v", e.Supported)
	}
	return s
}

// Unwrap returns the error that the status is.
func (e *HTTPError) Unwrap() error {
	if err, ok := statusErrors[e.Status]; ok {
		return err
	}
	return ErrServer
}

// Refuse answers a request with a status other than [StatusOK], in the name of a server with the version of this package.
func Refuse(w http.ResponseWriter, status HTTPStatus) { RefuseAs(w, status, Current) }

// RefuseAs is Refuse in the name of a server with another version.
func RefuseAs(w http.ResponseWriter, status HTTPStatus, version Version) {
	h := w.Header()
	if status == StatusUnsupportedAPI {
		h.Set(HeaderSupportedVersions, version.String())
	} else {
		h.Set(HeaderVersion, version.String())
	}
	h.Set("Content-Type", "application/json")
	detail := (&HTTPError{Status: status}).Unwrap().Error()
	w.WriteHeader(int(status))
	_, _ = w.Write([]byte(`{"detail":"` + strings.ToUpper(detail[:1]) + detail[1:] + `"}`)) // a peer that is gone needs no answer
}
