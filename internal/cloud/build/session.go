package build

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/containerd/containerd/v2/core/content"
	sessioncontent "github.com/moby/buildkit/session/content"
	"github.com/moby/buildkit/session/filesync"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"github.com/hypercloud/hyper/internal/oops"
)

// Headers and metadata of BuildKit's sessions.
const (
	sessionPrefix  = "X-Docker-Expose-Session-"
	sessionMethods = sessionPrefix + "Grpc-Method"
	storeID        = "buildkit-attachable-store-id"
	exporterID     = "buildkit-attachable-exporter-id"
)

// SessionID is the header that names a client's session.
const SessionID = sessionPrefix + "Uuid"

const (
	sendMethod    = "/moby.filesync.v1.FileSend/DiffCopy"
	contentPrefix = "/containerd.services.content.v1.Content/"
	ociShelf      = "oci:" + shelf
)

// ownMethods are what hyperd adds to what a client's session offers.
var ownMethods = []string{sendMethod, contentPrefix + "Info", contentPrefix + "Read"}

// clientSession is a client's session as hyperd sees it: which images are to be taken off it.
type clientSession struct {
	mu      sync.Mutex
	intakes map[string]*intake // by the number of the exporter
}

// takes tells whether a call of buildkitd's is for hyperd, and not for the client.
func (ss *clientSession) takes(ctx context.Context, method string) bool {
	md, _ := metadata.FromIncomingContext(ctx)
	switch {
	case strings.HasPrefix(method, contentPrefix):
		return first(md, storeID) == ociShelf
	case strings.EqualFold(method, sendMethod):
		return ss.intake(first(md, exporterID)) != nil
	}
	return false
}

func first(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (ss *clientSession) intake(exporter string) *intake {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.intakes[exporter]
}

// expect makes what an exporter sends go to in.
func (ss *clientSession) expect(exporter string, in *intake) (forget func()) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.intakes[exporter] = in
	return func() {
		ss.mu.Lock()
		defer ss.mu.Unlock()
		delete(ss.intakes, exporter)
	}
}

// own serves what hyperd itself offers on the session.
func (ss *clientSession) own(images content.Store) (*grpc.ClientConn, func(), error) {
	l := bufconn.Listen(1 << 20)
	srv := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	sessioncontent.NewAttachable(map[string]content.Store{ociShelf: images}).Register(srv)
	filesync.RegisterFileSendServer(srv, arrivals{ss: ss})
	go func() { _ = srv.Serve(l) }()
	cc, err := connection(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) })
	if err != nil {
		srv.Stop()
		return nil, nil, err
	}
	return cc, func() { _ = cc.Close(); srv.Stop() }, nil
}

// arrivals takes the archives that exporters send.
type arrivals struct {
	filesync.UnimplementedFileSendServer
	ss *clientSession
}

// DiffCopy takes one archive.
func (r arrivals) DiffCopy(stream filesync.FileSend_DiffCopyServer) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	in := r.ss.intake(first(md, exporterID))
	if in == nil {
		return oops.Conflict("nobody waits for this image any more")
	}
	w, err := in.begin()
	if err != nil {
		return err
	}
	for {
		var m filesync.BytesMessage
		if err := stream.RecvMsg(&m); err != nil {
			if errors.Is(err, io.EOF) {
				return w.Close()
			}
			_ = w.CloseWithError(err)
			return err
		}
		if _, err := w.Write(m.Data); err != nil {
			return err
		}
	}
}

// gone tells whether a connection has ended.
func gone(st connectivity.State) bool {
	return st == connectivity.TransientFailure || st == connectivity.Shutdown || st == connectivity.Idle
}
