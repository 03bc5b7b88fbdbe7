package build

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/session/grpchijack"
	"github.com/siderolabs/grpc-proxy/proxy"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// BuildKit's own clients (docker buildx) talk to buildkitd itself. Two connections make a build: one on which they call the control
// API, and one on which buildkitd calls them, for their files and credentials: the session. Both pass through here. Nearly all of it is
// handed on unread. What is not:
//
//   - a Solve whose image is to stay in the daemon (the exporter that Docker calls moby): buildkitd has no such place, so the image is
//     made an archive, which buildkitd sends to the session; there it is taken off, and loaded into the account;
//   - base images that the account has: the frontend is told their names, and what they consist of is read over the session.

// sessionTime is how long a build waits for its session.
const sessionTime = 5 * time.Second

// maxMessage bounds one message: BuildKit's own bound for clients.
const maxMessage = 16 << 20

// Control hands on calls of the control API that come on conn, until it ends or ctx does.
func (s *Service) Control(ctx context.Context, a account.Ref, conn net.Conn) error {
	b, err := s.Builder(ctx, a)
	if err != nil {
		return err
	}
	defer b.Release()
	id, ok := s.Containers.Builder(a)
	if !ok {
		return oops.Unavailable("the builder is gone")
	}
	cc, err := connection(s.dialer(a, id.ID))
	if err != nil {
		return err
	}
	defer cc.Close()
	srv := server(only(cc))
	srv.RegisterService(&controlDesc, &control{s: s, a: a, cc: cc})
	srv.RegisterService(&bridgeDesc, &control{s: s, a: a, cc: cc})
	serve(ctx, srv, conn)
	return nil
}

// Session offers buildkitd what a client offers on conn, and the account's images beside it, until conn ends or ctx does. header is that of the
// client's request: it names the session, and what the client offers.
func (s *Service) Session(ctx context.Context, a account.Ref, conn net.Conn, header http.Header) error {
	key := sessionKey{a, header.Get(SessionID)}
	b, err := s.Builder(ctx, a)
	if err != nil {
		return err
	}
	defer b.Release()
	ss := &clientSession{intakes: map[string]*intake{}}
	if !s.open(key, ss) {
		return oops.Conflict("a session of the id %s is open", key.id)
	}
	defer s.close(key)
	client, err := connection(func(context.Context, string) (net.Conn, error) { return conn, nil })
	if err != nil {
		return err
	}
	defer client.Close()
	own, end, err := ss.own(blobs{s, a})
	if err != nil {
		return err
	}
	defer end()
	meta := map[string][]string{}
	for k, v := range header {
		if strings.HasPrefix(k, sessionPrefix) {
			meta[k] = v
		}
	}
	meta[sessionMethods] = append(meta[sessionMethods], ownMethods...)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inner, err := grpchijack.Dialer(b.ControlClient())(ctx, "h2c", meta)
	if err != nil {
		return err
	}
	go func() { // when the client goes, so does the session
		defer cancel()
		for st := client.GetState(); client.WaitForStateChange(ctx, st); st = client.GetState() {
			if gone(client.GetState()) {
				return
			}
		}
	}()
	client.Connect()
	serve(ctx, server(func(ctx context.Context, method string) (*grpc.ClientConn, error) {
		if ss.takes(ctx, method) {
			return own, nil
		}
		return client, nil
	}), inner)
	return nil
}

// connection is a gRPC connection on what dial gives.
func connection(dial func(context.Context, string) (net.Conn, error)) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///buildkit", grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage), grpc.ForceCodecV2(proxy.Codec())))
}

// only hands all calls on to one connection.
func only(cc *grpc.ClientConn) func(context.Context, string) (*grpc.ClientConn, error) {
	return func(context.Context, string) (*grpc.ClientConn, error) { return cc, nil }
}

// server is one that hands on what it does not know to where the router says.
func server(route func(ctx context.Context, method string) (*grpc.ClientConn, error)) *grpc.Server {
	director := func(ctx context.Context, method string) (proxy.Mode, []proxy.Backend, error) {
		cc, err := route(ctx, method)
		if err != nil {
			return proxy.One2One, nil, err
		}
		return proxy.One2One, []proxy.Backend{&proxy.SingleBackend{GetConn: func(ctx context.Context) (context.Context, *grpc.ClientConn, error) {
			return outgoing(ctx), cc, nil
		}}}, nil
	}
	return grpc.NewServer(grpc.ForceServerCodecV2(proxy.Codec()), grpc.UnknownServiceHandler(proxy.TransparentHandler(director)),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
}

// outgoing gives a call that is handed on the metadata that it came with.
func outgoing(ctx context.Context) context.Context {
	md, _ := metadata.FromIncomingContext(ctx)
	return metadata.NewOutgoingContext(ctx, md.Copy())
}

// serve answers calls on one connection, until it ends or ctx does.
func serve(ctx context.Context, srv *grpc.Server, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer srv.Stop()
	defer conn.Close()
	(&http2.Server{}).ServeConn(conn, &http2.ServeConnOpts{Context: ctx, Handler: srv})
}

// sessionKey names a client's session.
type sessionKey struct {
	account account.Ref
	id      string
}

// sessions are those that are open.
type sessions struct {
	mu   sync.Mutex
	open map[sessionKey]*clientSession
}

func (s *Service) open(key sessionKey, ss *clientSession) bool {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	if s.sessions.open == nil {
		s.sessions.open = map[sessionKey]*clientSession{}
	}
	if s.sessions.open[key] != nil {
		return false
	}
	s.sessions.open[key] = ss
	return true
}

func (s *Service) close(key sessionKey) {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	delete(s.sessions.open, key)
}

// session finds an open session. A client opens it beside its calls, so that it may not be there yet: BuildKit waits for so long, too.
func (s *Service) session(ctx context.Context, key sessionKey) *clientSession {
	for end := time.Now().Add(sessionTime); ; {
		s.sessions.mu.Lock()
		ss := s.sessions.open[key]
		s.sessions.mu.Unlock()
		if ss != nil || ctx.Err() != nil || time.Now().After(end) {
			return ss
		}
		time.Sleep(20 * time.Millisecond)
	}
}
