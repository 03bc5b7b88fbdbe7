package hyper

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/cloud/budget"
	"github.com/hypercloud/hyper/internal/cloud/compose"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/doctor"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/cloud/secgroup"
	"github.com/hypercloud/hyper/internal/cloud/snapshot"
	"github.com/hypercloud/hyper/internal/cloud/usage"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/store"
)

// FIPs is what the calls need of fip.Service. A floating IP is meant by its address or its name.
type FIPs interface {
	Allocate(ctx context.Context, a account.Ref, count int) ([]netip.Addr, error)
	Attach(ctx context.Context, a account.Ref, fip, container string) error
	Move(ctx context.Context, a account.Ref, fip, container string) error
	Detach(ctx context.Context, a account.Ref, container string) (netip.Addr, error)
	Release(ctx context.Context, a account.Ref, fip string) error
	Name(ctx context.Context, a account.Ref, fip, name string) error
	List(a account.Ref, filters map[string][]string) ([]*store.FloatingIP, error)
}

// Snapshots is what the calls need of snapshot.Service. A snapshot is meant by its name or id.
type Snapshots interface {
	List(a account.Ref, filters map[string][]string) ([]*store.Snapshot, error)
	Find(a account.Ref, ref string) (*store.Snapshot, error)
	VolumeName(a account.Ref, s *store.Snapshot) string
	Create(ctx context.Context, a account.Ref, req snapshot.CreateRequest) (*store.Snapshot, error)
	Remove(ctx context.Context, a account.Ref, ref string) error
	Schedules(a account.Ref) []snapshot.Scheduled
	AddSchedule(ctx context.Context, a account.Ref, volume string, plan store.Schedule) error
	RemoveSchedule(ctx context.Context, a account.Ref, volume, name string) error
	Restore(ctx context.Context, a account.Ref, ref string) (safety *store.Snapshot, err error)
}

// SecGroups is what the calls need of secgroup.Service. A file is the user's, as it was written.
type SecGroups interface {
	List(a account.Ref) []*store.SecurityGroup
	Get(a account.Ref, name string) (*store.SecurityGroup, error)
	Create(ctx context.Context, a account.Ref, name string, file []byte) error
	Update(ctx context.Context, a account.Ref, name string, file []byte) error
	Remove(ctx context.Context, a account.Ref, name string) error
}

// Containers is what the calls need of container.Service.
type Containers interface {
	Update(ctx context.Context, a account.Ref, ref string, req container.UpdateRequest) (warnings []string, err error)
	ExportVolume(ctx context.Context, a account.Ref, name string, begin func(), w io.Writer) error
}

// Compose is what the calls need of compose.Service.
type Compose interface {
	Up(ctx context.Context, a account.Ref, project string, spec store.ProjectSpec, o compose.UpOptions, out func(compose.Message)) error
	Create(ctx context.Context, a account.Ref, project string, spec store.ProjectSpec, o compose.UpOptions, out func(compose.Message)) error
	Start(ctx context.Context, a account.Ref, project string, services []string, out func(compose.Message)) error
	Stop(ctx context.Context, a account.Ref, project string, services []string, seconds *int, out func(compose.Message)) error
	Kill(ctx context.Context, a account.Ref, project string, services []string, signal string, out func(compose.Message)) error
	Remove(ctx context.Context, a account.Ref, project string, services []string, volumes bool, out func(compose.Message)) error
	Down(ctx context.Context, a account.Ref, project string, o compose.DownOptions, out func(compose.Message)) error
}

// Doctor is what the calls need of doctor.Service.
type Doctor interface {
	Examine(ctx context.Context) (doctor.Report, error)
	Mend(ctx context.Context) (doctor.Report, error)
}

// Usage is what the calls need of usage.Service.
type Usage interface {
	Self(a account.Ref) (usage.Subject, error)
	Named(ctx context.Context, name string) (usage.Subject, error)
	Usage(ctx context.Context, sub usage.Subject, span usage.Span, by metering.Cut) (usage.Report, error)
	Entries(ctx context.Context, sub usage.Subject, span usage.Span, begin func(), fn func(metering.Entry) error) error
	Bill(ctx context.Context, sub usage.Subject, month string) (usage.Bill, error)
	Bills(ctx context.Context, month string) ([]usage.Bill, error)
	Prices() *metering.Book
	Correct(ctx context.Context, sub usage.Subject, amount, note string) (metering.Entry, error)
}

// Budgets is what the calls need of budget.Service.
type Budgets interface {
	State(ctx context.Context, a account.Ref) (budget.State, error)
	Set(ctx context.Context, a account.Ref, by store.BudgetBy, req budget.Request) error
	Remove(ctx context.Context, a account.Ref, by store.BudgetBy) error
}

// Volumes is what the calls need of volume.Service.
type Volumes interface {
	Initialize(ctx context.Context, a account.Ref, req volume.InitializeRequest) (volume.Upload, error)
	Upload(ctx context.Context, session, cookie, name string, archive io.Reader) error
	FinishUpload(ctx context.Context, a account.Ref, session string) error
	Resize(ctx context.Context, a account.Ref, name string, gb int) error
}

// Accounts is what the calls need of accounts.Service.
type Accounts interface {
	List() []store.Account
	Named(name string) (account.Ref, error)
	Inspect(name string) (accounts.Detail, error)
	Create(ctx context.Context, name string, limits quota.Limits) (store.Account, accounts.Credential, error)
	Disable(ctx context.Context, name string) error
	Enable(ctx context.Context, name string) error
	Remove(ctx context.Context, name string, force bool) error
	SetQuotas(ctx context.Context, name string, limits quota.Limits) error

	Quotas(a account.Ref) []accounts.Use
	Credentials(a account.Ref) []*store.Credential
	CreateCredential(ctx context.Context, a account.Ref, name string) (accounts.Credential, error)
	RemoveCredential(ctx context.Context, a account.Ref, access string) error
	Tokens(a account.Ref) []*store.Token
	CreateToken(ctx context.Context, a account.Ref, name string, lifetime time.Duration) (accounts.Token, error)
	RevokeToken(ctx context.Context, a account.Ref, name string) error
	Certificates(a account.Ref) []*store.Certificate
	IssueCertificate(ctx context.Context, a account.Ref, name string, validity time.Duration) (accounts.Certificate, error)
	RevokeCertificate(ctx context.Context, a account.Ref, serial string) error
	CAPEM() []byte
}

// The services of internal/cloud are what the interfaces are made after.
var (
	_ FIPs       = (*fip.Service)(nil)
	_ Volumes    = (*volume.Service)(nil)
	_ Compose    = (*compose.Service)(nil)
	_ Accounts   = (*accounts.Service)(nil)
	_ Containers = (*container.Service)(nil)
	_ Doctor     = (*doctor.Service)(nil)
	_ Usage      = (*usage.Service)(nil)
	_ Budgets    = (*budget.Service)(nil)
	_ Snapshots  = (*snapshot.Service)(nil)
	_ SecGroups  = (*secgroup.Service)(nil)
)
