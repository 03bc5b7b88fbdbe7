package server

import (
	"context"
	"net"
	"net/http"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// Authenticator says for which account a request acts. Errors: ErrUnauthenticated, which keeps what is wrong vague.
type Authenticator interface {
	Authenticate(r *http.Request) (account.Ref, error)
}

// Peers authenticates whoever comes over a unix socket by what the kernel says of the process: root, the user that
// runs hyperd, and the members of the socket's group are the operator, who acts as Account.
type Peers struct {
	Account account.Ref
}

// Authenticate implements Authenticator.
func (p Peers) Authenticate(r *http.Request) (account.Ref, error) {
	peer, ok := r.Context().Value(peerKey{}).(peer)
	if !ok {
		return account.Ref{}, oops.Unauthenticated("this connection does not say who you are: use the unix socket of hyperd")
	}
	if !peer.trusted() {
		return account.Ref{}, oops.Unauthenticated("user %d is neither root nor in the group of hyperd's socket", peer.uid)
	}
	return p.Account, p.Account.Check()
}

// peer is the process at the other end of a unix socket.
type peer struct {
	uid      uint32
	groups   []uint32
	socket   uint32 // group of the socket file
	hasGroup bool
}

func (p peer) trusted() bool {
	return p.uid == 0 || int(p.uid) == os.Geteuid() || p.hasGroup && slices.Contains(p.groups, p.socket)
}

type peerKey struct{}

// withPeer notes in a connection's context who is at its other end.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	c, ok := conn.(*peerConn)
	if !ok {
		return ctx
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return ctx
	}
	p := peer{socket: c.group, hasGroup: true}
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
	return context.WithValue(ctx, peerKey{}, p)
}
