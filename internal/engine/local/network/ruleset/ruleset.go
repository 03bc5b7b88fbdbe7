// Package ruleset renders nftables rules as a pure function of what they are for.
//
// Account renders the tables of one account's router, Host the machine's own. Each text replaces a whole table in one
// transaction (make it if it is not there, delete it, make it anew), so a packet meets the old rules or the new
// ones; connection tracking is not part of a table, and established connections go on. Each line carries its reason.
// The pages under docs/network, which tests render, hold one text for each scenario and are meant to be read; testdata has cases that are not worth a page.
//
// Of what a tenant has chosen, only the names of security groups get into a text, which the caller has checked: letters, digits and
// ". _ -". Addresses, ports and hardware addresses are printed from their parsed form, and interfaces are named by hashes.
package ruleset

import (
	"fmt"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
)

// Uplink is the router's interface towards the machine, and Link the prefix of those towards containers.
const (
	Uplink = "up0"
	Link   = "v"
)

// links matches all interfaces towards containers.
const links = Link + "*"

// linkLocal holds the services that clouds and machines keep for themselves (metadata, credentials).
const linkLocal = "169.254.0.0/16"

// text is a ruleset in the making.
type text struct {
	strings.Builder
	depth int
}

// line adds one line; what comes after a # is the reason.
func (t *text) line(format string, args ...any) {
	t.WriteString(strings.Repeat("\t", t.depth))
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
}

// block adds a named block around what body adds.
func (t *text) block(head string, body func()) {
	t.line("%s {", head)
	t.depth++
	body()
	t.depth--
	t.line("}")
}

// table replaces a table by what body adds.
func (t *text) table(name string, body func()) {
	t.line("table %s # made if it is not there, so that it can be deleted", name)
	t.line("delete table %s", name)
	t.block("table "+name, body)
}

// base begins a chain that the kernel calls.
func (t *text) base(kind, hook, priority, policy string) {
	t.line("type %s hook %s priority %s; policy %s;", kind, hook, priority, policy)
}

// private is where containers have their addresses, as long as an account has not asked for others.
var private = "{ " + engine.PrivatePrefix.String() + ", " + engine.NetworkPool.String() + " }"
