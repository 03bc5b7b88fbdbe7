package hyper

import (
	"context"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/store"
)

// FIPs is what the calls need of fip.Service. A floating IP is meant by its address or its name.
type FIPs interface {
	Allocate(ctx context.Context, a account.Ref, count int) ([]netip.Addr, error)
	Attach(ctx context.Context, a account.Ref, fip, container string) error
	Detach(ctx context.Context, a account.Ref, container string) (netip.Addr, error)
	Release(ctx context.Context, a account.Ref, fip string) error
	Name(ctx context.Context, a account.Ref, fip, name string) error
	List(a account.Ref, filters map[string][]string) ([]*store.FloatingIP, error)
}

// Containers is what the calls need of container.Service.
type Containers interface {
	Update(ctx context.Context, a account.Ref, ref string, req container.UpdateRequest) (warnings []string, err error)
}

// The services of internal/cloud are what the interfaces are made after.
var (
	_ FIPs       = (*fip.Service)(nil)
	_ Containers = (*container.Service)(nil)
)
