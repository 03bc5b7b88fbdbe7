package network

import (
	"context"
	"fmt"
	"slices"
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

// agree leaves what another report, of the same checks, says too.
func (r *report) agree(with *report) {
	for i := range r.checks {
		r.checks[i].Findings = slices.DeleteFunc(r.checks[i].Findings, func(f engine.Finding) bool {
			return !slices.ContainsFunc(with.checks[i].Findings, func(g engine.Finding) bool { return f.Text == g.Text && slices.Equal(f.Lines, g.Lines) })
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
	for range 2 { // a floating IP that another account just got is routed elsewhere before this one has let go of it
		if !out.wrong() {
			break
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
	out.check("names")
	// A router that is wrong elsewhere carries no questions: that has been said.
	if !out.wrong() {
		n.auditNames(ctx, a, r, out, meant)
	}
	return out.checks, nil
}

// withoutRouter reports on an account that this hyperd has not made a router for. One with containers has it as soon as one of them is made.
func (n *Network) withoutRouter(ctx context.Context, a account.Ref, out *report, meant func() engine.Routing) ([]engine.Check, error) {
	out.check("router")
	if len(meant().Endpoints) == 0 {
		return out.checks, nil
	}
	select { // somebody may be about to
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(betweenThem):
	}
	if len(meant().Endpoints) > 0 {
		if isNamespace(n.namespacePath(a.ID())) {
			out.drift("the account has containers and a router, which hyperd could not take up when it started")
		} else {
			out.drift("the account has containers and no router")
		}
	}
	return out.checks, nil
}

// render is the text of the rules that a state has in a router.
func (n *Network) render(r *router, state engine.NetworkState) string {
	return ruleset.Account(state, ruleset.Router{Address: r.far, Uplinks: n.cfg.UplinkPool})
}

// awaitApplied waits until what is meant is what was applied last, since who changes it writes it down before. It returns the text of the
// rules, and whether hyperd is stuck: nobody applies what has been meant all the time.
func (n *Network) awaitApplied(ctx context.Context, r *router, meant func() engine.Routing) (rules string, stuck bool, err error) {
	first, _ := n.pending(r, meant)
	changed := false
	for end := time.Now().Add(n.aboutTo); ; {
		rules, applied := n.pending(r, meant)
		changed = changed || rules != first
		if rules == applied || applied == "" || time.Now().After(end) {
			return rules, rules != applied && !changed, nil
		}
		select {
		case <-ctx.Done():
			return "", false, ctx.Err()
		case <-time.After(betweenThem / 3):
		}
	}
}

// pending are the rules that are meant, and those applied last.
func (n *Network) pending(r *router, meant func() engine.Routing) (rules, applied string) {
	r.apply.Lock()
	defer r.apply.Unlock()
	return n.render(r, meant().NetworkState), r.rules
}

// auditRouter looks at all that ApplyNetwork makes, and keeps it from making anything meanwhile.
func (n *Network) auditRouter(ctx context.Context, a account.Ref, r *router, out *report, meant func() engine.Routing) error {
	rules, stuck, err := n.awaitApplied(ctx, r, meant)
	if err != nil {
		return err
	}
	expected, err := listed(rules) // takes the longest, and is true whoever applies what
	if err != nil {
		return err
	}
	r.apply.Lock()
	defer r.apply.Unlock()
	state := meant().NetworkState
	if s := r.state.Load(); s != nil && !stuck && r.rules != "" && r.rules != n.render(r, state) {
		state = s.NetworkState // something else is meant by now, and about to be applied
	}
	if now := n.render(r, state); now != rules {
		if expected, err = listed(now); err != nil {
			return err
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
	out.check("networks")
	if err := r.auditNetworks(out, state); err != nil {
		return err
	}
	out.check("floating IPs")
	if err := n.auditFloating(r, out, state); err != nil {
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
