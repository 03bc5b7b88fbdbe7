// Package secgroup holds the rules of security groups: lists of what is allowed to the containers that carry them (behaviour 8).
//
// A group is made of a file that the user writes, read strictly and kept as what it says. Containers carry groups by name, from their
// creation (label sh_hyper_sg_<name>=yes) or by an update; package container sees to that. A container without groups may do and be done
// everything; one with groups what the rules of any of them allow. What rules mean on the way of a packet is package network's and
// engine/local/network/ruleset's.
//
// The row in the store is what is intended. A change of a group that containers carry is at once brought to the account's router; if
// that fails the row is put back. A group stays as long as a container carries it, running or not, or another group's rule names it.
package secgroup

import (
	"context"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Bounds of a group.
const (
	MaxRules       = 100
	maxName        = 63
	maxDescription = 255 // characters
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// CheckName says what is wrong with a group's name: ErrInvalidArgument.
func CheckName(name string) error {
	if len(name) > maxName || !namePattern.MatchString(name) {
		return oops.Invalid("%q is not a name for a security group: use up to %d of the characters a-z, A-Z, 0-9, '_', '.' and '-', beginning with a letter or digit", clip(name), maxName)
	}
	return nil
}

// Config is what a Service is made of.
type Config struct {
	Store   *store.Store
	Network *network.Service
	Events  *event.Bus
	Log     *slog.Logger
}

// Service carries out the rules of security groups.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Events == nil {
		c.Events = event.NewBus()
	}
	return &Service{Config: c}
}

// List lists the account's groups by name.
func (s *Service) List(a account.Ref) []*store.SecurityGroup { return s.Store.View(a).SecurityGroups() }

// Get finds a group. Errors: ErrNotFound.
func (s *Service) Get(a account.Ref, name string) (*store.SecurityGroup, error) {
	return s.Store.View(a).FindSecurityGroup(name)
}

// Create makes a group of a file; name is that of the file if it is "". Errors: ErrInvalidArgument for what is wrong with the file,
// with the line; ErrConflict for a name that is taken; ErrResourceExhausted over quota.
func (s *Service) Create(ctx context.Context, a account.Ref, name string, file []byte) error {
	d, err := read(name, file)
	if err != nil {
		return err
	}
	err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
		if _, taken := tx.SecurityGroup(d.name); taken {
			return oops.Conflict("A security group named %s already exists: change it by 'hyper sg update', or choose another name", d.name)
		}
		if err := quota.Room(tx.View, quota.SecurityGroups, int64(tx.Counts().SecurityGroups), 1); err != nil {
			return err
		}
		if err := d.peersExist(tx.View); err != nil {
			return err
		}
		return tx.PutSecurityGroup(store.SecurityGroup{Name: d.name, CreatedAt: time.Now().UTC(), Spec: d.spec})
	})
	if err == nil {
		s.publish(a, "create", d.name)
	}
	return err
}

// Update replaces the description and the rules of a group by those of a file, for all containers that carry it, at once: connections
// that no rule allows any more end. Errors: as Create's, and ErrNotFound.
func (s *Service) Update(ctx context.Context, a account.Ref, name string, file []byte) error {
	if _, err := s.Get(a, name); err != nil {
		return err
	}
	d, err := read(name, file)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	var before store.SecurityGroup
	err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
		g, err := tx.FindSecurityGroup(name)
		if err != nil {
			return err
		}
		if err := d.peersExist(tx.View); err != nil {
			return err
		}
		before = *g
		after := before
		after.Spec = d.spec
		return tx.PutSecurityGroup(after)
	})
	if err != nil {
		return err
	}
	failpoint.Hit("secgroup.update.after-intent")
	if len(s.Store.View(a).Carriers(name)) > 0 {
		if err := s.Network.Apply(ctx, a); err != nil {
			s.putBack(ctx, a, before, d.spec)
			return err
		}
	}
	s.publish(a, "update", name)
	return nil
}

// putBack undoes a change that the network did not follow, unless something else has changed the group meanwhile.
func (s *Service) putBack(ctx context.Context, a account.Ref, before store.SecurityGroup, changed store.SecurityGroupSpec) {
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		if g, ok := tx.SecurityGroup(before.Name); !ok || !reflect.DeepEqual(g.Spec, changed) {
			return nil
		}
		return tx.PutSecurityGroup(before)
	})
	if err != nil {
		s.Log.Error("putting a security group back after the network failed", "group", before.Name, "error", err)
	}
	if err := s.Network.Apply(ctx, a); err != nil {
		s.Log.Warn("applying the network once more", "group", before.Name, "error", err)
	}
}

// Remove removes a group. Errors: ErrNotFound; ErrConflict while a container carries it or a rule of another group names it.
func (s *Service) Remove(ctx context.Context, a account.Ref, name string) error {
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		if _, err := tx.FindSecurityGroup(name); err != nil {
			return err
		}
		if users := tx.Carriers(name); len(users) > 0 {
			one := users[len(users)-1].Name
			return oops.Conflict("security group %s is in use by container %s: take it from that by 'hyper update --sg-rm %s %s', or remove the container", name, one, name, one)
		}
		for _, g := range tx.SecurityGroups() {
			if g.Name != name && slices.ContainsFunc(g.Spec.Rules, func(r store.SecurityGroupRule) bool { return r.Group == name }) {
				return oops.Conflict("security group %s is in use by the rules of security group %s: change those first by 'hyper sg update'", name, g.Name)
			}
		}
		return tx.DeleteSecurityGroup(name)
	})
	if err == nil {
		s.publish(a, "destroy", name)
	}
	return err
}

func (s *Service) publish(a account.Ref, action, name string) {
	s.Events.Publish(a, event.Event{Type: "sg", Action: action, ID: name, Attributes: map[string]string{"name": name}})
}

// read checks a file all but for what the account's other groups have to do with it.
func read(name string, file []byte) (definition, error) {
	d, err := parse(file)
	if err != nil {
		return d, err
	}
	switch {
	case name == "" && d.name == "":
		return d, oops.Invalid("the security group has no name: give it one in its file")
	case name != "" && d.name != "" && name != d.name:
		return d, oops.Invalid("the security group is named %s, and its file says %s: make them the same, or leave the name out of the file", clip(name), clip(d.name))
	case name != "":
		d.name = name
	}
	if err := CheckName(d.name); err != nil {
		return d, err
	}
	d.spec.Description = strings.TrimSpace(d.spec.Description)
	if n := utf8.RuneCountInString(d.spec.Description); n > maxDescription || strings.ContainsFunc(d.spec.Description, unicode.IsControl) {
		return d, oops.Invalid("the description of a security group is one line of at most %d characters", maxDescription)
	}
	if n := len(d.spec.Rules); n > MaxRules {
		return d, oops.Invalid("the security group has %d rules, it may have at most %d: give containers several groups", n, MaxRules)
	}
	return d, nil
}

// peersExist refuses rules that name groups which are not there. A group may name itself.
func (d definition) peersExist(v *store.View) error {
	for i, r := range d.spec.Rules {
		if _, ok := v.SecurityGroup(r.Group); !ok && r.Group != "" && r.Group != d.name {
			return wrong(d.line[i], "No such security group: %s: the rule names one that has to be made first", r.Group)
		}
	}
	return nil
}
