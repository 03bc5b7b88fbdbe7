package network

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// OwnName is what the network is called that every account has. "default" means it too.
const OwnName = "bridge"

// owns are what Own has worked out, by account id.
var owns sync.Map

// Own is the network that every account has, as if it had a row. Its id follows from the account's. It is shared and must not be
// changed.
func Own(a account.Ref) *store.Network {
	if n, ok := owns.Load(a.ID()); ok {
		return n.(*store.Network)
	}
	n, _ := owns.LoadOrStore(a.ID(), newOwn(a))
	return n.(*store.Network)
}

func newOwn(a account.Ref) *store.Network {
	sum := sha256.Sum256([]byte("hyper network " + a.ID()))
	return &store.Network{
		ID: hex.EncodeToString(sum[:]), Name: OwnName, CreatedAt: time.Unix(0, 0).UTC(),
		Spec: store.NetworkSpec{Subnet: engine.PrivatePrefix, Gateway: engine.PrivateGateway},
	}
}

// List lists the networks of the account, its own first.
func List(v *store.View) []*store.Network {
	return append([]*store.Network{Own(v.Account())}, v.Networks()...)
}

// Find finds a network by name, id or the beginning of one id. Errors: ErrNotFound, ErrInvalidArgument.
func Find(v *store.View, ref string) (*store.Network, error) {
	own := Own(v.Account())
	if ref == OwnName || ref == "default" || ref == own.ID {
		return own, nil
	}
	n, err := v.FindNetwork(ref)
	if err != nil && ref != "" && strings.HasPrefix(own.ID, ref) {
		return own, nil
	}
	return n, err
}

// Key is how endpoints name a network.
func Key(v *store.View, n *store.Network) string {
	if n.ID == Own(v.Account()).ID {
		return ""
	}
	return n.ID
}

// Of is the network that an endpoint is in.
func Of(v *store.View, e store.Endpoint) *store.Network {
	if n, ok := v.Network(e.Network); ok {
		return n
	}
	return Own(v.Account())
}

// Ranked lists a container's endpoints, those first that lead out: not internal, of the highest priority, of the lowest
// interface. The first has the default route, if it leads out.
func Ranked(v *store.View, c *store.Container) []store.Endpoint {
	out := slices.Clone(c.Endpoints)
	inward := func(e store.Endpoint) int {
		if Of(v, e).Spec.Internal {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(out, func(x, y store.Endpoint) int {
		return cmp.Or(cmp.Compare(inward(x), inward(y)), cmp.Compare(y.Priority, x.Priority), cmp.Compare(x.Interface, y.Interface))
	})
	return out
}

// Outward is the endpoint that a container's floating IP leads to; there is none when all of its networks are internal.
func Outward(v *store.View, c *store.Container) (store.Endpoint, bool) {
	all := Ranked(v, c)
	if len(all) == 0 || Of(v, all[0]).Spec.Internal {
		return store.Endpoint{}, false
	}
	return all[0], true
}

// AddressFor is the address by which from reaches to: one in a network that both are in. Not valid: there is none.
func AddressFor(from, to *store.Container) netip.Addr {
	for _, e := range from.Endpoints {
		if there, ok := to.On(e.Network); ok {
			return there.Address
		}
	}
	return netip.Addr{}
}
