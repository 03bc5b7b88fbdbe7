package container

import (
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// open refuses an account's builder to its owner: what runs in it may do more than a tenant's own programs may, so that nothing gets in but
// by BuildKit's door. It is started, stopped, watched and removed as any container is.
func open(c *Container) error {
	if c.Spec.Builder {
		return oops.Forbidden("container %s builds images: nothing else can be run in it, be copied to it, or have its volumes", c.Name)
	}
	return nil
}

// Builder finds the container that builds the account's images.
func (s *Service) Builder(a account.Ref) (*Container, bool) {
	for _, c := range s.Store.View(a).Containers() {
		if c.Spec.Builder && c.Phase == store.Ready {
			return c, true
		}
	}
	return nil, false
}
