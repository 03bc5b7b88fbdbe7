// Package doctor answers the operator's question whether the machine is as the store says, and mends what of it hyperd makes.
//
// What can be wrong is of two kinds. Drift is a difference between the machine and what hyperd made of it: a firewall rule that
// somebody deleted, an uplink that is down, what is left of an account that is gone. Mending repairs drift by doing again what was done
// when it was made. A problem is what somebody has to look at: a volume that met an error of the disk, a process that
// ended without a word, a disk that is nearly full. Notes are worth knowing, and nothing is wrong.
//
// Looking disturbs nobody and changes nothing. What is being changed while it is looked at is not reported: the engine is given a
// function that tells what is meant at each moment, and who is at work.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/system"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Machine is what a Service looks at.
type Machine interface {
	engine.Auditor
	system.Machine
	Tasks(ctx context.Context, a account.Ref) ([]engine.Task, error)
}

// Containers is what a Service needs of container.Service.
type Containers interface {
	// Moving lists the containers that somebody is at work with.
	Moving(a account.Ref) []string
}

// Config is what a Service is made of.
type Config struct {
	Store      *store.Store
	Engine     Machine
	Containers Containers
	Log        *slog.Logger
}

// Service looks and mends, for one operator at a time.
type Service struct {
	Config
	turn sync.Mutex
}

// New returns a Service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{Config: c}
}

// Report is what was looked at: of the machine first, then of each account.
type Report struct{ Checks []Check }

// Check is one thing that was looked at, with what was found.
type Check struct {
	Account  string // its name; "" is the machine
	Name     string
	Fact     string
	Findings []Finding
}

// Finding is a way in which the machine is not as it is meant to be, or was not before it was mended.
type Finding struct {
	engine.Finding
	Mended bool
}

// Well tells whether there is nothing that anybody should care for: notes, and what was mended, are not counted.
func (r Report) Well() bool {
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			if f.Kind != engine.Note && !f.Mended {
				return false
			}
		}
	}
	return true
}

// Examine looks at the whole machine.
func (s *Service) Examine(ctx context.Context) (Report, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.look(ctx)
}

// Mend looks, mends where something drifted, and looks again.
func (s *Service) Mend(ctx context.Context) (Report, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	before, err := s.look(ctx)
	if err != nil {
		return Report{}, err
	}
	drifted := map[string]bool{}
	for _, c := range before.Checks {
		if slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Kind == engine.Drift }) {
			drifted[c.Account] = true
			s.Log.Warn("mending what drifted", "account", c.Account, "what", c.Name)
		}
	}
	if len(drifted) == 0 {
		return before, nil
	}
	ctx = context.WithoutCancel(ctx) // who began to mend ends it
	failed := s.mend(ctx, drifted)
	after, err := s.look(ctx)
	if err != nil {
		return Report{}, errors.Join(failed, err)
	}
	return merge(before, after), failed
}

// mend mends the accounts that are named, and the machine for "".
func (s *Service) mend(ctx context.Context, drifted map[string]bool) error {
	var errs []error
	// The machine's table and forwarding first: accounts lean on them.
	if drifted[""] {
		errs = append(errs, s.Engine.MendMachine(ctx, s.owners))
	}
	for _, acc := range s.Store.Accounts() {
		if !drifted[acc.Name] {
			continue
		}
		if err := s.Engine.MendNetwork(ctx, acc.Ref, s.routing(acc.Ref)); err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", acc.Name, err))
		}
	}
	return errors.Join(errs...)
}

// merge adds to what is found after mending what was found before and is not any more.
func merge(before, after Report) Report {
	for i, c := range after.Checks {
		var mended []Finding
		for _, old := range before.Checks {
			if old.Account != c.Account || old.Name != c.Name {
				continue
			}
			for _, f := range old.Findings {
				if f.Kind != engine.Note && !slices.ContainsFunc(c.Findings, func(x Finding) bool { return x.Text == f.Text }) {
					mended = append(mended, Finding{f.Finding, true})
				}
			}
		}
		after.Checks[i].Findings = append(mended, c.Findings...)
	}
	return after
}

// look looks at the machine and at each account. One that cannot be looked at does not keep the others from being.
func (s *Service) look(ctx context.Context) (Report, error) {
	var r Report
	checks, err := s.Engine.AuditMachine(ctx, s.owners)
	if err != nil {
		return Report{}, fmt.Errorf("looking at the machine: %w", err)
	}
	r.add("", checks)
	for _, acc := range s.Store.Accounts() {
		checks, err := s.lookAt(ctx, acc.Ref)
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		if _, there := s.Store.AccountOf(acc.Ref); !there {
			continue // removed meanwhile
		}
		if err != nil {
			checks = append(checks, engine.Check{Name: "account", Findings: []engine.Finding{{Kind: engine.Problem, Text: fmt.Sprintf("not all of the account could be looked at: %v", err)}}})
		}
		r.add(acc.Name, checks)
	}
	return r, nil
}

func (r *Report) add(account string, checks []engine.Check) {
	for _, c := range checks {
		out := Check{Account: account, Name: c.Name, Fact: c.Fact}
		for _, f := range c.Findings {
			out.Findings = append(out.Findings, Finding{Finding: f})
		}
		r.Checks = append(r.Checks, out)
	}
}

// lookAt looks at what one account has.
func (s *Service) lookAt(ctx context.Context, a account.Ref) ([]engine.Check, error) {
	checks, err := s.Engine.AuditNetwork(ctx, a, s.routing(a))
	if err != nil {
		err = fmt.Errorf("its network: %w", err)
	}
	containers, failed := s.containers(ctx, a)
	if failed != nil {
		err = errors.Join(err, fmt.Errorf("its containers: %w", failed))
	}
	volumes, failed := s.volumes(ctx, a)
	if failed != nil {
		err = errors.Join(err, fmt.Errorf("its volumes: %w", failed))
	}
	return append(checks, containers, volumes), err
}

// routing tells what the account's network is meant to be at each moment.
func (s *Service) routing(a account.Ref) func() engine.Routing {
	return func() engine.Routing {
		moving := s.Containers.Moving(a)
		v := s.Store.View(a)
		out := engine.Routing{NetworkState: network.State(v)}
		for _, c := range v.Containers() {
			if c.Phase == store.Ready && c.State.Status.Live() && c.State.Pid > 0 {
				out.Running = append(out.Running, engine.Process{ContainerID: c.ID, Pid: c.State.Pid})
			}
		}
		// Somebody may have begun between the two looks, or ended.
		out.Moving = append(moving, s.Containers.Moving(a)...)
		return out
	}
}

// owners tells what each account has.
func (s *Service) owners() []engine.Owner {
	var out []engine.Owner
	for _, acc := range s.Store.Accounts() {
		v := s.Store.View(acc.Ref)
		o := engine.Owner{Account: acc.Ref}
		for _, c := range v.Containers() {
			o.Containers = append(o.Containers, c.ID)
		}
		for _, vol := range v.Volumes() {
			o.Volumes = append(o.Volumes, vol.ID)
		}
		for _, f := range v.FloatingIPs() {
			o.FloatingIPs = append(o.FloatingIPs, f.Address)
		}
		out = append(out, o)
	}
	return out
}
