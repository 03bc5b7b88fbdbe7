package network

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	// maxEndpoints is how many networks a container can be in.
	maxEndpoints = 32
	// maxNames bounds aliases, and links, of an endpoint.
	maxNames = 64
)

// EndpointRequest asks for a container's place in a network.
type EndpointRequest struct {
	Network  string   // name, id or the beginning of one
	Aliases  []string // further names of the container in this network
	Links    []string // container[:alias]
	Address  string   // "": chosen
	Priority int      // the higher, the likelier to have the default route
	Options  map[string]string
}

var aliasPattern = regexp.MustCompile(`^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_])?$`)

// Join gives the container c, which tx is about to put, a place in a further network, under the lowest interface number that is free.
// Errors: ErrNotFound, ErrInvalidArgument, ErrPermissionDenied when it is there already, ErrConflict, ErrResourceExhausted.
func (s *Service) Join(tx *store.Tx, c *store.Container, req EndpointRequest) error {
	n, err := Find(tx.View, req.Network)
	if err != nil {
		return err
	}
	if n := sizeOf(req.Options); n > maxOptions {
		return oops.Invalid("the endpoint's driver options have %d bytes, %d are the most", n, maxOptions)
	}
	e := store.Endpoint{Network: Key(tx.View, n), Priority: req.Priority, Options: req.Options}
	if _, on := c.On(e.Network); on {
		return oops.Forbidden("endpoint with name %s already exists in network %s", c.Name, n.Name)
	}
	if len(c.Endpoints) >= maxEndpoints {
		return oops.Exhausted("container %s is in %d networks, as many as it may", c.Name, maxEndpoints)
	}
	// In its own network an account's containers have their names only, and what else is asked for means nothing.
	if e.Network != "" {
		if e.Aliases, err = aliases(req.Aliases); err != nil {
			return err
		}
		if e.Links, err = links(req.Links); err != nil {
			return err
		}
	}
	if req.Address != "" {
		addr, err := netip.ParseAddr(req.Address)
		if err != nil {
			return oops.Invalid("invalid IPv4 address: %s", req.Address)
		}
		if err := asked(tx.View, n, addr); err != nil {
			return err
		}
		e.Address, e.Asked = addr, true
	} else if e.Address, err = s.allocate(tx, n); err != nil {
		return err
	}
	for slices.ContainsFunc(c.Endpoints, func(x store.Endpoint) bool { return x.Interface == e.Interface }) {
		e.Interface++
	}
	c.Endpoints = append(slices.Clone(c.Endpoints), e)
	slices.SortFunc(c.Endpoints, func(x, y store.Endpoint) int { return x.Interface - y.Interface })
	return nil
}

// Leave takes the container's place in a network from it. Errors: ErrPermissionDenied when it has none there.
func Leave(v *store.View, c *store.Container, n *store.Network) error {
	key := Key(v, n)
	if _, on := c.On(key); !on {
		return oops.Forbidden("container %s is not connected to network %s", c.Name, n.Name)
	}
	c.Endpoints = slices.DeleteFunc(slices.Clone(c.Endpoints), func(e store.Endpoint) bool { return e.Network == key })
	return nil
}

func aliases(list []string) ([]string, error) {
	if len(list) > maxNames {
		return nil, oops.Invalid("%d network aliases are too many: a container has at most %d in a network", len(list), maxNames)
	}
	var out []string
	for _, name := range list {
		if !aliasPattern.MatchString(name) {
			return nil, oops.Invalid("invalid network alias: %q: use up to 253 letters, digits, '_', '-' and '.'", name)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

func links(list []string) ([]store.NameLink, error) {
	if len(list) > maxNames {
		return nil, oops.Invalid("%d links are too many: a container has at most %d in a network", len(list), maxNames)
	}
	var out []store.NameLink
	for _, l := range list {
		target, alias, ok := strings.Cut(strings.TrimPrefix(l, "/"), ":")
		if alias = alias[strings.LastIndexByte(alias, '/')+1:]; !ok {
			alias = target
		}
		if !aliasPattern.MatchString(target) || !aliasPattern.MatchString(alias) {
			return nil, oops.Invalid("bad format for links: %s", l)
		}
		out = append(out, store.NameLink{Target: target, Alias: alias})
	}
	return out, nil
}
