package compose

import (
	"context"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// UpOptions are the flags of up and create.
type UpOptions struct {
	Services      []string // and what they depend on; none: all
	ForceRecreate bool
	NoRecreate    bool
	Auths         Auths
}

// Up makes the project's containers as the definition says, and starts them in the order of what they need. Errors before the first
// message: ErrInvalidArgument, ErrNotFound, ErrConflict and ErrNotImplemented for what is wrong with the request.
func (s *Service) Up(ctx context.Context, a account.Ref, project string, spec store.ProjectSpec, o UpOptions, out func(Message)) error {
	ctx, r, services, leave, err := s.define(ctx, a, project, spec, o, out)
	if err != nil {
		return err
	}
	defer leave()
	return r.phase("Starting", "Started", func() error {
		return inOrder(r.spec, services, false, func(service string) error {
			r.tellService(service, "Starting", false)
			if err := r.makeService(ctx, service, o); err != nil {
				return err
			}
			if err := r.startService(ctx, service); err != nil {
				return err
			}
			r.tellService(service, "Started", true)
			return nil
		})
	})
}

// Create is Up without the start.
func (s *Service) Create(ctx context.Context, a account.Ref, project string, spec store.ProjectSpec, o UpOptions, out func(Message)) error {
	ctx, r, services, leave, err := s.define(ctx, a, project, spec, o, out)
	if err != nil {
		return err
	}
	defer leave()
	return r.phase("Creating", "Created", func() error {
		return inOrder(r.spec, services, false, func(service string) error {
			r.tellService(service, "Creating", false)
			if err := r.makeService(ctx, service, o); err != nil {
				return err
			}
			r.tellService(service, "Created", false)
			return nil
		})
	})
}

// define checks a definition and keeps it. It returns the services that the command is for.
func (s *Service) define(ctx context.Context, a account.Ref, typed string, spec store.ProjectSpec, o UpOptions, out func(Message)) (context.Context, *run, []string, func(), error) {
	fail := func(err error) (context.Context, *run, []string, func(), error) { return nil, nil, nil, nil, err }
	if o.ForceRecreate && o.NoRecreate {
		return fail(oops.Invalid("no-recreate and force-recreate cannot be combined"))
	}
	ctx, r, leave, err := s.begin(ctx, a, typed, false, out)
	if err != nil {
		return fail(err)
	}
	services, err := r.define(ctx, spec, o)
	if err != nil {
		leave()
		return fail(err)
	}
	return ctx, r, services, leave, nil
}

func (r *run) define(ctx context.Context, spec store.ProjectSpec, o UpOptions) ([]string, error) {
	spec, err := fipLabels(spec)
	if err != nil {
		return nil, err
	}
	if err := r.check(r.a, r.project, spec); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for name := range spec.Services {
		known[name] = true
	}
	services, err := chosen(known, o.Services)
	if err != nil {
		return nil, err
	}
	services = withDependencies(spec, services)
	r.before, r.spec = r.spec, spec
	if err := r.takeFIPs(ctx, services); err != nil {
		return nil, err
	}
	err = r.Store.Update(ctx, r.a, func(tx *store.Tx) error {
		row := store.Project{Name: r.project, CreatedAt: time.Now()}
		if old, ok := tx.Project(r.project); ok {
			row.CreatedAt = old.CreatedAt
		}
		if _, known := tx.Project(r.project); !known && len(tx.Projects()) >= maxProjects {
			return oops.Exhausted("the account has %d compose projects, which is the most that it may have: take one down", maxProjects)
		}
		row.Spec = r.spec
		return tx.PutProject(row)
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit("compose.up.after-intent")
	return services, nil
}
