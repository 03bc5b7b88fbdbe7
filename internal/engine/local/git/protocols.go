package git

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/hypercloud/hyper/internal/engine/local/door"
)

// answer is how long a server may think before it begins to answer.
const answer = 2 * time.Minute

// protocols lets go-git have these three, and no others, all by one way.
func protocols(dial door.Dialer, roots *x509.CertPool) {
	web := githttp.NewClient(&http.Client{Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 30 * time.Second,
		ResponseHeaderTimeout: answer, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
	}})
	clear(client.Protocols)
	client.InstallProtocol("http", web)
	client.InstallProtocol("https", web)
	client.InstallProtocol("git", daemon{dial})
}

// daemon speaks to git's own daemon. go-git's would connect by itself.
type daemon struct{ dial door.Dialer }

const daemonPort = 9418

// NewUploadPackSession implements transport.Transport. Nothing is asked before the session is.
func (d daemon) NewUploadPackSession(ep *transport.Endpoint, _ transport.AuthMethod) (transport.UploadPackSession, error) {
	return &session{dial: d.dial, ep: ep}, nil
}

// NewReceivePackSession implements transport.Transport. Nothing is ever sent.
func (d daemon) NewReceivePackSession(*transport.Endpoint, transport.AuthMethod) (transport.ReceivePackSession, error) {
	return nil, errors.New("nothing is pushed from here")
}

// session is one fetch.
type session struct {
	dial door.Dialer
	ep   *transport.Endpoint
	conn net.Conn
	refs *packp.AdvRefs
}

// AdvertisedReferences implements transport.Session.
func (s *session) AdvertisedReferences() (*packp.AdvRefs, error) {
	return s.AdvertisedReferencesContext(context.Background())
}

// AdvertisedReferencesContext implements transport.Session.
func (s *session) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	if s.refs != nil {
		return s.refs, nil
	}
	port := s.ep.Port
	if port == 0 {
		port = daemonPort
	}
	host := strings.Trim(s.ep.Host, "[]")
	address := net.JoinHostPort(host, strconv.Itoa(port))
	conn, err := s.dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s.conn = conn
	named := s.ep.Host
	if port != daemonPort {
		named = address
	}
	ask := packp.GitProtoRequest{RequestCommand: transport.UploadPackServiceName, Pathname: s.ep.Path, Host: named}
	if err := ask.Encode(conn); err != nil {
		return nil, err
	}
	refs := packp.NewAdvRefs()
	if err := refs.Decode(conn); err != nil {
		return nil, refusal(err)
	}
	if refs.IsEmpty() {
		return nil, transport.ErrEmptyRemoteRepository
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	s.refs = refs
	return refs, nil
}

// refusal is what a server means that lists no branches.
func refusal(err error) error {
	var said *pktline.ErrorLine
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs):
		return transport.ErrEmptyRemoteRepository
	case errors.As(err, &said) && strings.Contains(said.Text, "not exported"), errors.Is(err, packp.ErrEmptyInput):
		return transport.ErrRepositoryNotFound
	}
	return err
}

// UploadPack implements transport.UploadPackSession.
func (s *session) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if req.IsEmpty() {
		return nil, transport.ErrEmptyUploadPackRequest
	}
	if err := req.Validate(); err != nil {
		return nil, err
	}
	if _, err := s.AdvertisedReferencesContext(ctx); err != nil {
		return nil, err
	}
	if err := req.UploadRequest.Encode(s.conn); err != nil {
		return nil, fmt.Errorf("asking for what is wanted: %w", err)
	}
	if err := req.UploadHaves.Encode(s.conn, true); err != nil {
		return nil, fmt.Errorf("asking for what is wanted: %w", err)
	}
	if err := pktline.NewEncoder(s.conn).Encodef("done\n"); err != nil {
		return nil, fmt.Errorf("asking for what is wanted: %w", err)
	}
	out := packp.NewUploadPackResponse(req)
	if err := out.Decode(struct {
		io.Reader
		io.Closer
	}{s.conn, s}); err != nil {
		return nil, fmt.Errorf("reading what is sent: %w", err)
	}
	return out, nil
}

// Close implements io.Closer. Who reads a pack to its end closes it, and then who asked for it does.
func (s *session) Close() error {
	conn := s.conn
	if s.conn = nil; conn == nil {
		return nil
	}
	return conn.Close()
}
