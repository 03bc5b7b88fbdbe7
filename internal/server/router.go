package server

import (
	"net/http"
	"strings"

	"github.com/hypercloud/hyper/internal/server/rest"
)

// router finds the route of a path. Unlike net/http's mux it takes doubled slashes as they come (a container's
// name may have a leading one), never redirects, and has names of several segments in the middle of a pattern.
type router struct {
	byMethod map[string][]compiled
}

type compiled struct {
	segments []segment
	literals int // more of them win
	greedy   int // index of the {x...} segment, or -1
	route    *rest.Route
}

type segment struct {
	literal string // or
	name    string
}

func newRouter(routes []rest.Route) *router {
	rt := &router{byMethod: map[string][]compiled{}}
	for i := range routes {
		c := compile(&routes[i])
		rt.byMethod[c.route.Method] = append(rt.byMethod[c.route.Method], c)
	}
	return rt
}

func compile(route *rest.Route) compiled {
	c := compiled{greedy: -1, route: route}
	for i, s := range split(route.Pattern) {
		name, ok := strings.CutPrefix(s, "{")
		if !ok {
			c.segments = append(c.segments, segment{literal: s})
			c.literals++
			continue
		}
		name = strings.TrimSuffix(name, "}")
		if n, greedy := strings.CutSuffix(name, "..."); greedy {
			name, c.greedy = n, i
		}
		c.segments = append(c.segments, segment{name: name})
	}
	return c
}

// split cuts a path into its segments; empty ones are left out.
func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// find returns the most literal route that matches, and notes the path's values in r.
func (rt *router) find(r *http.Request, path string) *rest.Route {
	segments := split(path)
	var best *compiled
	list := rt.byMethod[r.Method]
	for i := range list {
		if c := &list[i]; (best == nil || c.literals > best.literals) && c.match(segments, nil) {
			best = c
		}
	}
	if best == nil {
		return nil
	}
	best.match(segments, r)
	return best.route
}

// match reports whether segments fit; with r it notes what the names stand for.
func (c *compiled) match(segments []string, r *http.Request) bool {
	more := len(segments) - len(c.segments)
	if more < 0 || more > 0 && c.greedy < 0 {
		return false
	}
	at := 0
	for i, s := range c.segments {
		n := 1
		if i == c.greedy {
			n += more
		}
		switch {
		case s.name == "" && s.literal != segments[at]:
			return false
		case s.name != "" && r != nil:
			r.SetPathValue(s.name, strings.Join(segments[at:at+n], "/"))
		}
		at += n
	}
	return true
}

// cutVersion takes the API version off a path, if it has one: /v1.44/info is 1.44 and /info.
func cutVersion(path string) (v rest.Version, bare string, ok bool) {
	path = "/" + strings.TrimLeft(path, "/")
	head, tail, _ := strings.Cut(path[1:], "/")
	number, found := strings.CutPrefix(head, "v")
	if !found {
		return rest.Version{}, path, false
	}
	v, ok = rest.ParseVersion(number)
	if !ok {
		return rest.Version{}, path, false
	}
	return v, "/" + tail, true
}
