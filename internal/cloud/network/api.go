package network

import (
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/store"
)

// Place is a container's endpoint with the network that it is in.
type Place struct {
	store.Endpoint
	Network *store.Network
}

// Networks lists the networks of the account, its own first.
func (s *Service) Networks(a account.Ref) []*store.Network { return List(s.Store.View(a)) }

// Get finds a network by name, id or the beginning of one id. Errors: ErrNotFound, ErrInvalidArgument.
func (s *Service) Get(a account.Ref, ref string) (*store.Network, error) {
	return Find(s.Store.View(a), ref)
}

// Used tells whether a container is in the network, running or not.
func (s *Service) Used(a account.Ref, n *store.Network) bool {
	v := s.Store.View(a)
	return len(v.ContainersOn(Key(v, n))) > 0
}

// Places lists where a container is, in the order of its interfaces.
func (s *Service) Places(a account.Ref, c *store.Container) []Place {
	v := s.Store.View(a)
	out := make([]Place, 0, len(c.Endpoints))
	for _, e := range c.Endpoints {
		out = append(out, Place{e, Of(v, e)})
	}
	return out
}
