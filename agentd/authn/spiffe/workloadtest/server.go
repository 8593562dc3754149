package workloadtest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// Server is a Workload API on a Unix socket. It validates tokens of the authorities that
// it was started with, and issues tokens of the first of them.
type Server struct {
	workload.UnimplementedSpiffeWorkloadAPIServer

	path        string
	authorities []*Authority
	// Identity is the path of the identity that FetchJWTSVID issues, "/client" by default.
	Identity string
	// Fault, if set before a call, answers it instead of the server.
	Fault atomic.Pointer[func(ctx context.Context, token string) (*workload.ValidateJWTSVIDResponse, error)]
	// Validations counts the tokens that were asked about.
	Validations atomic.Int64

	mu   sync.Mutex // guards grpc and done
	grpc *grpc.Server
	done chan struct{}
}

// Serve starts a server on the socket at path and stops it with the test.
func Serve(t testing.TB, path string, authorities ...*Authority) *Server {
	t.Helper()
	s := &Server{path: path, authorities: authorities, Identity: "/client"}
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// Endpoint is the address of the server.
func (s *Server) Endpoint() string { return "unix://" + s.path }

// Start starts a stopped server.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, done := grpc.NewServer(), make(chan struct{})
	workload.RegisterSpiffeWorkloadAPIServer(g, s)
	s.grpc, s.done = g, done
	go func() {
		defer close(done)
		if err := g.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	}()
}

// Stop ends the server and removes its socket.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grpc != nil {
		s.grpc.Stop()
		<-s.done
		s.grpc = nil
	}
}

// bundles returns what every authority vouches for at present.
func (s *Server) bundles() *jwtbundle.Set {
	set := jwtbundle.NewSet()
	for _, a := range s.authorities {
		set.Add(a.bundle)
	}
	return set
}

// secured refuses calls without the header that every Workload API client must send.
func secured(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if v := md.Get("workload.spiffe.io"); len(v) != 1 || v[0] != "true" {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	return nil
}

// ValidateJWTSVID validates a token as the specification of the Workload API says.
func (s *Server) ValidateJWTSVID(
	ctx context.Context, req *workload.ValidateJWTSVIDRequest,
) (*workload.ValidateJWTSVIDResponse, error) {
	if err := secured(ctx); err != nil {
		return nil, err
	}
	s.Validations.Add(1)
	if fault := s.Fault.Load(); fault != nil {
		return (*fault)(ctx, req.GetSvid())
	}
	if req.GetAudience() == "" || req.GetSvid() == "" {
		return nil, status.Error(codes.InvalidArgument, "audience and svid must be specified")
	}
	svid, err := jwtsvid.ParseAndValidate(req.GetSvid(), s.bundles(), []string{req.GetAudience()})
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	claims, err := structpb.NewStruct(svid.Claims)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &workload.ValidateJWTSVIDResponse{SpiffeId: svid.ID.String(), Claims: claims}, nil
}

// FetchJWTSVID issues a token of the first authority.
func (s *Server) FetchJWTSVID(ctx context.Context, req *workload.JWTSVIDRequest) (*workload.JWTSVIDResponse, error) {
	if err := secured(ctx); err != nil {
		return nil, err
	}
	if len(req.GetAudience()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "audience must be specified")
	}
	issuer := s.authorities[0]
	id := issuer.domain.IDString() + s.Identity
	if want := req.GetSpiffeId(); want != "" && want != id {
		return nil, status.Error(codes.PermissionDenied, "no identity issued")
	}
	claims := Claims{Subject: id, Audience: req.GetAudience(), Expiry: 5 * time.Minute}
	token, err := issuer.sign(claims)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &workload.JWTSVIDResponse{Svids: []*workload.JWTSVID{{SpiffeId: id, Svid: token}}}, nil
}
