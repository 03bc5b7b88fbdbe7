// Package system answers `hyper info`: facts about the machine, and how much of what the account has. It owns
// nothing and changes nothing.
package system

import (
	"context"
	"os"
	"slices"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Config is what a Service is made of.
type Config struct {
	Store  *store.Store
	Engine Machine
	// FIPs has sentences about floating IPs; nil: there are none.
	FIPs FloatingIPs
	// Operator is the operator's own account, which is told what concerns nobody else.
	Operator account.Ref
	ID       string // of this installation, stable across restarts
	Name     string // of this installation; "": the host name
	Root     string // data directory
}

// FloatingIPs is what a Service asks about floating IPs.
type FloatingIPs interface {
	Warnings(a account.Ref) []string // for the account
	HeldElsewhere() []string         // for the operator
}

// Service answers questions about the installation.
type Service struct{ Config }

// Info is what `hyper info` tells. The counts are the account's own.
type Info struct {
	engine.Info
	ID         string
	Name       string
	Containers int // Running + Paused + Stopped
	Running    int
	Paused     int
	Stopped    int // every other state, with those that were never started
	Images     int
	Root       string
}

// New returns a Service.
func New(c Config) *Service {
	if c.Name == "" {
		c.Name, _ = os.Hostname() // without one the name stays empty, which hurts nobody
	}
	return &Service{Config: c}
}

// Info tells of the machine and counts what the account has.
func (s *Service) Info(ctx context.Context, a account.Ref) (Info, error) {
	if err := a.Check(); err != nil {
		return Info{}, err
	}
	machine, err := s.Engine.Info(ctx)
	if err != nil {
		return Info{}, err
	}
	info := Info{Info: machine, ID: s.ID, Name: s.Name, Root: s.Root}
	v := s.Store.View(a)
	failures, err := Failures(ctx, s.Engine, a, v)
	if err != nil {
		return Info{}, err
	}
	info.Warnings = slices.Concat(info.Warnings, failures)
	if s.FIPs != nil {
		info.Warnings = append(info.Warnings, s.FIPs.Warnings(a)...)
		if a == s.Operator {
			info.Warnings = append(info.Warnings, s.FIPs.HeldElsewhere()...)
		}
	}
	info.Images = len(v.Images())
	for _, c := range v.Containers() {
		if c.Phase != store.Ready {
			continue
		}
		info.Containers++
		switch c.State.Status {
		case store.StatusRunning, store.StatusRestarting:
			info.Running++
		case store.StatusPaused:
			info.Paused++
		default:
			info.Stopped++
		}
	}
	return info, nil
}
