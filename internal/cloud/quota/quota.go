// Package quota says how much an account may have of what, and in which words it hears that there is no more
// (behaviour 16).
//
// The limits are rows of the account in the store. Room is called in the very transaction that writes the intent to
// make something, where what it counts cannot change: any number of requests at once make exactly as much as the limit
// allows. What is there in any phase counts; what is removed has no row and counts no more.
//
// 0 is no limit, and None leaves the account nothing of the kind. An account without limits, as "default" is until its
// operator sets some, has no rows.
package quota

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// What can be limited. Memory is in bytes and CPUs in whole ones, summed over the sizes of all containers.
const (
	Containers     = "containers"
	Images         = "images"
	Volumes        = "volumes"
	Snapshots      = "snapshots"
	FloatingIPs    = "fips"
	SecurityGroups = "security-groups"
	Services       = "services"
	Credentials    = "credentials"
	Memory         = "memory"
	CPUs           = "cpus"
)

// None is the limit of an account that may have nothing of a kind.
const None = -1

// Limits are limits by resource. A resource that is not in it is not limited, or, where Limits are a change, left as it is.
type Limits map[string]int64

// Defaults are the limits of a new account (behaviour 16).
func Defaults() Limits {
	return Limits{
		Containers: 10, Images: 20, Volumes: 40, Snapshots: 40, FloatingIPs: 2, SecurityGroups: 100, Services: 5,
		Credentials: 3, Memory: 0, CPUs: 0,
	}
}

// Resources lists what can be limited, in the order that it is shown in.
func Resources() []string {
	return []string{Containers, Images, Volumes, Snapshots, FloatingIPs, SecurityGroups, Services, Credentials, Memory, CPUs}
}

// Check says what is wrong with limits: ErrInvalidArgument.
func (l Limits) Check() error {
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if !slices.Contains(Resources(), name) {
			return oops.Invalid("there is no quota of %q: choose of %s", name, strings.Join(Resources(), ", "))
		}
		if l[name] < None {
			return oops.Invalid("the quota of %s cannot be %d: give a number above 0, 0 for no limit, or %d for none at all", name, l[name], None)
		}
	}
	return nil
}

// Put writes the limits; resources that are not in them keep theirs.
func (l Limits) Put(tx *store.Tx) error {
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if err := tx.PutQuota(name, l[name]); err != nil {
			return err
		}
	}
	return nil
}

// Room says whether the view's account, which has so much of a resource, may have more of it. Errors: ErrResourceExhausted.
func Room(v *store.View, resource string, have, more int64) error {
	limit := v.Quota(resource)
	if limit == 0 || more <= 0 || have+more <= max(limit, 0) {
		return nil
	}
	t := texts[resource]
	msg := fmt.Sprintf("Exceeded quota, please either %s, or ask the operator to raise it: the account has %s of %s",
		t.remedy, t.amount(have), t.amount(max(limit, 0)))
	if t.noun != "" {
		msg += " " + t.noun
	}
	if t.sized {
		msg += fmt.Sprintf(", and %s more is asked for", t.amount(more))
	}
	return oops.Exhausted("%s", msg)
}

type text struct {
	remedy string // what frees some
	noun   string
	amount func(int64) string
	sized  bool // how much is asked for is worth telling
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func size(n int64) string { return units.BytesSize(float64(n)) }

// counted is the text of things that are counted one by one.
func counted(verb, what string) text {
	return text{remedy: verb + " " + what, noun: what, amount: number}
}

var texts = map[string]text{
	Containers:     counted("delete", "containers"),
	Images:         counted("delete", "images"),
	Volumes:        counted("delete", "volumes"),
	Snapshots:      counted("delete", "snapshots"),
	FloatingIPs:    counted("release", "floating IPs"),
	SecurityGroups: counted("delete", "security groups"),
	Services:       counted("delete", "services"),
	Credentials:    counted("delete", "credentials"),
	Memory:         {remedy: "delete containers or choose smaller sizes", noun: "memory", amount: size, sized: true},
	CPUs:           {remedy: "delete containers or choose smaller sizes", noun: "CPUs", amount: number, sized: true},
}
