package network

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// How often links are looked at before something about them is believed, and how long what hyperd is about to do is waited for.
const (
	looks       = 4
	betweenThem = 150 * time.Millisecond
	aboutTo     = 5 * time.Second
)

// report collects what was looked at, in order.
type report struct{ checks []engine.Check }

// check begins to look at something.
func (r *report) check(name string) { r.checks = append(r.checks, engine.Check{Name: name}) }

// drift adds to what is looked at a way in which the machine differs.
func (r *report) drift(format string, args ...any) {
	r.find(engine.Finding{Kind: engine.Drift, Text: fmt.Sprintf(format, args...)})
}

func (r *report) find(f engine.Finding) {
	last := &r.checks[len(r.checks)-1]
	last.Findings = append(last.Findings, f)
}

// wrong tells whether anything was found.
func (r *report) wrong() bool {
	return slices.ContainsFunc(r.checks, func(c engine.Check) bool { return len(c.Findings) > 0 })
}

// agree leaves what another report says too.
func (r *report) agree(with *report) {
	for i, c := range r.checks {
		r.checks[i].Findings = slices.DeleteFunc(c.Findings, func(f engine.Finding) bool {
			return !slices.ContainsFunc(with.checks, func(other engine.Check) bool {
				return other.Name == c.Name && slices.ContainsFunc(other.Findings, func(g engine.Finding) bool { return f.Text == g.Text && slices.Equal(f.Lines, g.Lines) })
			})
		})
	}
}

// AuditNetwork implements engine.Auditor. What ApplyNetwork changes is looked at while it waits, for some hundredths of a second;
// links, which come and go without asking, are looked at more than once.
func (n *Network) AuditNetwork(ctx context.Context, a account.Ref, meant func() engine.Routing) ([]engine.Check, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	out := &report{}
	r := n.entry(a.ID())
	r.life.RLock()
	defer r.life.RUnlock()
	if !r.open {
		return n.withoutRouter(ctx, a, out, meant)
	}
	if err := n.auditRouter(ctx, a, r, out, meant); err != nil {
		return nil, err
	}
	for range 2 { // who changed something besides hyperd may be at it still
		if !out.wrong() {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(betweenThem):
		}
		again := &report{}
		if err := n.auditRouter(ctx, a, r, again, meant); err != nil {
			return nil, err
		}
		out.agree(again)
	}
	if err := n.auditLinks(ctx, a, r, out, meant); err != nil {
		return nil, err
	}
	if !out.wrong() { // a router that is wrong elsewhere carries no questions
		out.check("names")
		n.auditNames(ctx, a, out, meant)
	}
	return out.checks, nil
}

// withoutRouter reports on an account that this hyperd has not made a router for. One has it as soon as a container of it runs.
func (n *Network) withoutRouter(ctx context.Context, a account.Ref, out *report, meant func() engine.Routing) ([]engine.Check, error) {
	out.check("router")
	first := meant()
	select { // somebody may be about to
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(betweenThem):
	}
	still := slices.DeleteFunc(slices.Clone(meant().Running), func(p engine.Process) bool { return !slices.Contains(first.Running, p) })
	switch {
	case len(still) == 0:
		out.checks[0].Fact = "it is made when a container starts"
	case isNamespace(n.namespacePath(a.ID())):
		out.drift("containers of the account run, and hyperd could not take up its router when it started")
	default:
		out.drift("containers of the account run, and it has no router")
	}
	return out.checks, nil
}

// render is the text of the rules that a state has in a router.
func (n *Network) render(r *router, state engine.NetworkState) string {
	return ruleset.Account(state, ruleset.Router{Address: r.far, Uplinks: n.cfg.UplinkPool})
}

// matters tells what of a state has to be applied by now: where running containers are, and what is published. Networks that nobody
// is in are added and taken away with the next container that starts.
func matters(state *applied, m engine.Routing) string {
	var out []string
	for _, e := range state.Endpoints {
		if e.FloatingIP.IsValid() {
			out = append(out, fmt.Sprint(e.FloatingIP, e.Ports, e.Address))
		}
	}
	for _, p := range m.Running {
		out = append(out, placed(state, p.ContainerID)...)
		for _, e := range state.byID[p.ContainerID] {
			for _, name := range e.Groups {
				out = append(out, fmt.Sprint(e.Address, " ", name, state.groups[name].Rules))
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// expectation is the state that the router is to be of, or nil if any will do: nobody runs, and this hyperd has applied nothing. It
// waits until what matters of what is meant was applied, since who changes it writes it down before. When nobody applies
// what has been meant all the time, hyperd has failed to: it is stuck, and what is meant is expected.
func (n *Network) expectation(ctx context.Context, r *router, meant func() engine.Routing) (state *applied, stuck bool, err error) {
	first := meant()
	wanted, changed := matters(routing(first), first), false
	for end := time.Now().Add(n.aboutTo); ; {
		m := meant()
		now := matters(routing(m), m)
		changed = changed || now != wanted
		is := r.state.Load()
		switch {
		case is != nil && matters(is, m) == now && r.hasRules():
			return is, false, nil
		case is == nil && len(m.Endpoints) == 0:
			return nil, false, nil
		case time.Now().After(end) && (is == nil || !changed):
			return routing(m), true, nil
		case time.Now().After(end):
			return is, false, nil // it changes all the time
		}
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-time.After(betweenThem / 3):
		}
	}
}

// hasRules tells whether the last application succeeded as far as to the rules.
func (r *router) hasRules() bool {
	r.apply.Lock()
	defer r.apply.Unlock()
	return r.rules != ""
}

// auditRouter looks at all that ApplyNetwork makes, and keeps it from making anything meanwhile.
func (n *Network) auditRouter(ctx context.Context, a account.Ref, r *router, out *report, meant func() engine.Routing) error {
	state, stuck, err := n.expectation(ctx, r, meant)
	if err != nil {
		return err
	}
	var expected chains
	if state != nil {
		if expected, err = listed(n.render(r, state.NetworkState)); err != nil { // takes the longest
			return err
		}
	}
	r.apply.Lock()
	defer r.apply.Unlock()
	if now := r.state.Load(); state != nil && !stuck && now != state { // something was applied meanwhile
		before := n.render(r, state.NetworkState)
		if state = now; n.render(r, state.NetworkState) != before {
			if expected, err = listed(n.render(r, state.NetworkState)); err != nil {
				return err
			}
		}
	}
	out.check("router")
	n.auditNamespace(a, r, out)
	if err := r.auditSettings(out); err != nil {
		return err
	}
	out.check("uplink")
	if err := n.auditUplink(a, r, out); err != nil {
		return err
	}
	if state == nil {
		return nil
	}
	out.check("networks")
	if err := r.auditNetworks(out, state.NetworkState); err != nil {
		return err
	}
	out.check("floating IPs")
	if err := n.auditFloating(r, out, state.NetworkState, meant); err != nil {
		return err
	}
	out.check("rules")
	is, err := rulesIn(r.ns)
	if err != nil {
		return err
	}
	out.differences(expected, is)
	return nil
}
