package container

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

var aliasPattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// parseLink reads NAME_OR_ID[:ALIAS]. Clients of Docker send /name:/consumer/alias.
func parseLink(s string) (target, alias string, err error) {
	target, alias, ok := strings.Cut(s, ":")
	target = strings.TrimLeft(target, "/")
	if i := strings.LastIndexByte(alias, '/'); i >= 0 {
		alias = alias[i+1:]
	}
	if !ok {
		alias = target
	}
	if target == "" || !aliasPattern.MatchString(alias) {
		return "", "", oops.Invalid("bad format for links: %s", s)
	}
	return target, alias, nil
}

// resolveLinks finds the targets of the request's links among the account's containers.
func resolveLinks(view *store.View, links []string) ([]store.Link, error) {
	var out []store.Link
	for _, l := range links {
		target, alias, err := parseLink(l)
		if err != nil {
			return nil, err
		}
		c, err := view.FindContainer(target)
		if err != nil || c.Phase != store.Ready {
			return nil, notFound(target)
		}
		link := store.Link{Target: c.ID, Alias: alias}
		if !slices.Contains(out, link) {
			out = append(out, link)
		}
	}
	return out, nil
}

// checkLinks refuses a start while a link's target does not run.
func checkLinks(view *store.View, c *Container) error {
	for _, l := range c.Spec.Links {
		t, ok := view.Container(l.Target)
		if !ok {
			return oops.Conflict("Cannot link to a removed container: %s AS %s", shortID(l.Target), l.Alias)
		}
		if _, own := c.On(""); !own {
			continue // links are of the account's own network: elsewhere they mean nothing
		}
		if !network.AddressFor(c, t).IsValid() {
			return oops.Conflict("Cannot link to %s AS %s, as they are in no network together", t.Name, l.Alias)
		}
		if !t.State.Status.Live() {
			return oops.Conflict("Cannot link to a non running container: %s AS %s", t.Name, l.Alias)
		}
	}
	return nil
}

// linkEnv are the variables that a container gets of its links (behaviour 3.2).
func linkEnv(view *store.View, c *Container) []string {
	var out []string
	for _, l := range c.Spec.Links {
		if t, ok := view.Container(l.Target); ok && network.AddressFor(c, t).IsValid() {
			out = append(out, targetEnv(t, network.AddressFor(c, t), l.Alias)...)
		}
	}
	return out
}

func targetEnv(t *Container, addr netip.Addr, alias string) []string {
	prefix := strings.ReplaceAll(strings.ToUpper(alias), "-", "_")
	out := []string{prefix + "_NAME=" + alias}
	ports := sortPorts(slices.Clone(t.Spec.Exposed))
	for i, p := range ports {
		url := fmt.Sprintf("%s://%s:%d", p.Proto, addr, p.Number)
		if i == 0 {
			out = append(out, prefix+"_PORT="+url)
		}
		one := fmt.Sprintf("%s_PORT_%d_%s", prefix, p.Number, strings.ToUpper(p.Proto))
		out = append(out,
			one+"="+url,
			fmt.Sprintf("%s_ADDR=%s", one, addr),
			fmt.Sprintf("%s_PORT=%d", one, p.Number),
			fmt.Sprintf("%s_PROTO=%s", one, p.Proto))
	}
	for _, kv := range t.Spec.Env {
		k, _, _ := strings.Cut(kv, "=")
		if k == "PATH" || k == "HOME" || k == "HOSTNAME" {
			continue
		}
		out = append(out, prefix+"_ENV_"+kv)
	}
	return out
}

// hostsFile is the content of a container's /etc/hosts (behaviour 3.3: one name a line for links).
func hostsFile(view *store.View, c *Container) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	name := c.Spec.Hostname
	if c.Spec.Domainname != "" {
		name += "." + c.Spec.Domainname + " " + c.Spec.Hostname
	}
	for _, e := range c.Endpoints {
		fmt.Fprintf(&b, "%s\t%s\n", e.Address, name)
	}
	for _, h := range c.Spec.ExtraHosts {
		if n, addr, ok := strings.Cut(h, ":"); ok {
			fmt.Fprintf(&b, "%s\t%s\n", addr, n)
		}
	}
	seen := map[string]bool{}
	for _, l := range c.Spec.Links {
		t, ok := view.Container(l.Target)
		if !ok || seen[l.Alias] {
			continue
		}
		if addr := network.AddressFor(c, t); addr.IsValid() {
			seen[l.Alias] = true
			fmt.Fprintf(&b, "%s\t%s\n", addr, l.Alias)
		}
	}
	return b.String()
}
