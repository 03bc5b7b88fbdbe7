package auth

import (
	"context"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// AccountHeader names the account that the operator acts as. From anybody else it is not heeded.
const AccountHeader = "X-Hyper-Account"

// Peers authenticates whoever comes over a unix socket by what the kernel says of the process: root, the user that
// runs hyperd, and the members of the socket's group are the operator, who acts as Account unless AccountHeader says otherwise.
type Peers struct {
	Account account.Ref
	// Named finds an account by its name. Nil: there are no others.
	Named func(name string) (account.Ref, error)
}

// Authenticate implements Authenticator.
func (p Peers) Authenticate(_ http.ResponseWriter, r *http.Request) (Identity, error) {
	peer, ok := r.Context().Value(peerKey{}).(peer)
	if !ok {
		return Identity{}, oops.Unauthenticated("this connection does not say who you are: use the unix socket of hyperd")
	}
	if !peer.trusted() {
		return Identity{}, oops.Unauthenticated("user %d is neither root nor in the group of hyperd's socket", peer.uid)
	}
	id := Identity{Account: p.Account, Operator: true}
	if name := r.Header.Get(AccountHeader); name != "" && p.Named != nil {
		a, err := p.Named(name)
		if err != nil {
			return Identity{}, err
		}
		id.Account = a
	}
	return id, id.Account.Check()
}

// SocketConn is a connection over a unix socket whose file has a group.
type SocketConn interface {
	net.Conn
	syscall.Conn
	// SocketGroup is the group of the socket's file.
	SocketGroup() uint32
}

// peer is the process at the other end of a unix socket.
type peer struct {
	uid    uint32
	groups []uint32
	socket uint32 // group of the socket's file
}

func (p peer) trusted() bool {
	return p.uid == 0 || int(p.uid) == os.Geteuid() || slices.Contains(p.groups, p.socket)
}

type peerKey struct{}

func onSocket(r *http.Request) bool {
	_, ok := r.Context().Value(peerKey{}).(peer)
	return ok
}

// WithPeer notes in a connection's context who is at its other end.
func WithPeer(ctx context.Context, conn net.Conn) context.Context {
	c, ok := conn.(SocketConn)
	if !ok {
		return ctx
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return ctx
	}
	p := peer{socket: c.SocketGroup()}
	known := false
	_ = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			return
		}
		p.uid, p.groups, known = cred.Uid, append(peerGroups(int(fd)), cred.Gid), true
	})
	if !known {
		return ctx
	}
	return contextWithPeer(ctx, p)
}

func contextWithPeer(ctx context.Context, p peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}
