package fip

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
)

func TestName(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 2)
	b.allocate(b.b, 1)
	if err := b.fips.Name(t.Context(), b.a, "198.18.0.2", "shop"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		a         account.Ref
		fip, name string
		is        func(error) bool
	}{
		"taken":                       {b.a, "198.18.0.3", "shop", errdefs.IsConflict},
		"its own":                     {b.a, "shop", "shop", isNil},
		"in another account":          {b.b, "198.18.0.4", "shop", isNil},
		"like an address":             {b.a, "198.18.0.3", "10.0.0.1", errdefs.IsInvalidArgument},
		"like a broken address":       {b.a, "198.18.0.3", "10.0.0.999", errdefs.IsInvalidArgument},
		"like an IPv6 address":        {b.a, "198.18.0.3", "fe80::1", errdefs.IsInvalidArgument},
		"which means any":             {b.a, "198.18.0.3", "auto", errdefs.IsInvalidArgument},
		"with a slash":                {b.a, "198.18.0.3", "a/b", errdefs.IsInvalidArgument},
		"too long":                    {b.a, "198.18.0.3", strings.Repeat("x", 49), errdefs.IsInvalidArgument},
		"as long as can be":           {b.a, "198.18.0.3", strings.Repeat("x", 48), isNil},
		"of an address of somebody's": {b.a, "198.18.0.4", "mine", errdefs.IsNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			if err := b.fips.Name(t.Context(), tc.a, tc.fip, tc.name); !tc.is(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if err := b.fips.Name(t.Context(), b.a, "shop", ""); err != nil {
		t.Fatal(err)
	}
	if err := b.fips.Name(t.Context(), b.a, "198.18.0.3", "shop"); err != nil {
		t.Errorf("a cleared name is not free: %v", err)
	}
}

func isNil(err error) bool { return err == nil }
