package network

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	// maxReserved is how many addresses of a network can be kept back.
	maxReserved = 256
	// maxText bounds, in bytes, the labels and options of a network, all of them together.
	maxText = 64 << 10
	// maxOptions bounds those of a container's place in one.
	maxOptions = 4 << 10
)

// sizeOf is how many bytes maps of text hold.
func sizeOf(maps ...map[string]string) (n int) {
	for _, m := range maps {
		for k, v := range m {
			n += len(k) + len(v)
		}
	}
	return n
}

// MaxNetworks is how many networks an account may make.
const MaxNetworks = 64

// CreateRequest asks for a network. What is not valid is chosen.
type CreateRequest struct {
	Name        string
	Subnet      netip.Prefix // /8 to /29, IPv4
	Gateway     netip.Addr   // default: the subnet's first address
	IPRange     netip.Prefix // inside the subnet
	Reserved    map[string]netip.Addr
	Internal    bool
	Attachable  bool
	Labels      map[string]string
	Options     map[string]string
	IPAMOptions map[string]string
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$`)

// Create makes a network. Nothing of it is on the machine before a container is in it. Errors: ErrInvalidArgument,
// ErrPermissionDenied for a reserved name, ErrConflict for a name that is taken or a subnet that overlaps another's,
// ErrResourceExhausted.
func (s *Service) Create(ctx context.Context, a account.Ref, req CreateRequest) (*store.Network, error) {
	if slices.Contains([]string{OwnName, "default", "host", "none", "null", "ingress"}, req.Name) {
		return nil, oops.Forbidden("operation is not permitted on predefined %s network", req.Name)
	}
	if !namePattern.MatchString(req.Name) {
		return nil, oops.Invalid("invalid network name: %q: use 1 to 128 of the characters a-z, A-Z, 0-9, '_', '.' and '-', and begin with a letter or digit", req.Name)
	}
	if n := sizeOf(req.Labels, req.Options, req.IPAMOptions); n > maxText {
		return nil, oops.Invalid("the network's labels and options have %d bytes, %d are the most", n, maxText)
	}
	if req.Subnet.IsValid() {
		if err := s.checkSubnet(req.Subnet); err != nil {
			return nil, err
		}
	} else if req.Gateway.IsValid() || req.IPRange.IsValid() || len(req.Reserved) > 0 {
		return nil, oops.Invalid("a gateway, a range or reserved addresses are chosen within a subnet: give that too")
	}
	n := store.Network{
		ID: newID(), Name: req.Name, CreatedAt: time.Now().UTC(),
		Spec: store.NetworkSpec{
			Subnet: req.Subnet, Gateway: req.Gateway, IPRange: req.IPRange, Reserved: req.Reserved, Given: req.Subnet.IsValid(),
			Internal: req.Internal, Attachable: req.Attachable, Labels: req.Labels, Options: req.Options, IPAMOptions: req.IPAMOptions,
		},
	}
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		if tx.Counts().Networks >= MaxNetworks {
			return oops.Exhausted("the account has %d networks, as many as it may: remove one", MaxNetworks)
		}
		if !n.Spec.Given {
			var err error
			if n.Spec.Subnet, err = s.freeSubnet(tx.View); err != nil {
				return err
			}
		}
		if err := completeAddresses(&n.Spec); err != nil {
			return err
		}
		return tx.PutNetwork(n)
	})
	if err != nil {
		return nil, err
	}
	s.Publish(a, &n, "create", "")
	return &n, nil
}

// completeAddresses chooses a gateway, and checks the addresses that were asked for.
func completeAddresses(s *store.NetworkSpec) error {
	if !s.Gateway.IsValid() {
		s.Gateway = s.Subnet.Addr().Next()
	}
	if !usable(s.Subnet, s.Gateway) {
		return oops.Invalid("the gateway %s is not an address within the subnet %s", s.Gateway, s.Subnet)
	}
	if r := s.IPRange; r.IsValid() && (!r.Addr().Is4() || r.Bits() < s.Subnet.Bits() || !s.Subnet.Contains(r.Addr())) {
		return oops.Invalid("the range %s is not within the subnet %s", r, s.Subnet)
	}
	if r := s.IPRange; r.IsValid() {
		s.IPRange = r.Masked()
		if free := rangeWithin(s.Subnet, s.IPRange); free.last.Less(free.first) {
			return oops.Invalid("the range %s has no address for a container", r)
		}
	}
	if len(s.Reserved) > maxReserved {
		return oops.Invalid("%d reserved addresses are too many: a network has at most %d", len(s.Reserved), maxReserved)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Reserved)) {
		if addr := s.Reserved[name]; !usable(s.Subnet, addr) || addr == s.Gateway {
			return oops.Invalid("the reserved address %s (%s) is not within the subnet %s, or is the gateway", addr, name, s.Subnet)
		}
	}
	return nil
}

// Publish tells what happens to a network; container is the id of one that comes or goes.
func (s *Service) Publish(a account.Ref, n *store.Network, action, container string) {
	if s.Events == nil {
		return
	}
	attrs := map[string]string{"name": n.Name, "type": "bridge"}
	if container != "" {
		attrs["container"] = container
	}
	s.Events.Publish(a, event.Event{Type: "network", Action: action, ID: n.ID, Attributes: attrs})
}

func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
