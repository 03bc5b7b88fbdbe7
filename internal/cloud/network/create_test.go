package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/store"
)

func subnet(s string) CreateRequest {
	return CreateRequest{Name: "n", Subnet: netip.MustParsePrefix(s)}
}

func TestCreate(t *testing.T) {
	b := newBench(t)
	bus := event.NewBus()
	b.net.Events = bus
	_, events, cancel := bus.Subscribe(b.a, time.Time{})
	defer cancel()
	create := func(req CreateRequest) *store.Network {
		t.Helper()
		n, err := b.net.Create(t.Context(), b.a, req)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	one := create(CreateRequest{Name: "one"})
	if e := <-events; e.Type != "network" || e.Action != "create" || e.ID != one.ID || e.Attributes["name"] != "one" {
		t.Errorf("event is %+v", e)
	}
	given := subnet("172.24.16.0/24")
	create(given)
	// The pool is gone through in order; what a given subnet overlaps is passed over.
	if three := create(CreateRequest{Name: "three"}); fmt.Sprint(one.Spec.Subnet, one.Spec.Gateway, three.Spec.Subnet) != "172.24.0.0/20 172.24.0.1 172.24.32.0/20" {
		t.Errorf("subnets are %s (%s) and %s", one.Spec.Subnet, one.Spec.Gateway, three.Spec.Subnet)
	}
	if err := b.net.Remove(t.Context(), b.a, "one"); err != nil {
		t.Fatal(err)
	}
	if four := create(CreateRequest{Name: "four"}); four.Spec.Subnet != one.Spec.Subnet {
		t.Errorf("a free subnet is not given again: %s", four.Spec.Subnet)
	}
	if len(b.engine.Calls("ApplyNetwork")) != 0 {
		t.Error("an account without containers got a router")
	}
}

func TestCreateRefuses(t *testing.T) {
	b := newBench(t)
	b.net.Reserved = []netip.Prefix{netip.MustParsePrefix("100.64.0.0/16"), netip.MustParsePrefix("198.18.0.0/24")}
	if _, err := b.net.Create(t.Context(), b.a, CreateRequest{Name: "taken", Subnet: netip.MustParsePrefix("10.9.0.0/16")}); err != nil {
		t.Fatal(err)
	}
	with := func(req CreateRequest, change func(*CreateRequest)) CreateRequest { change(&req); return req }
	for name, tc := range map[string]struct {
		req   CreateRequest
		class func(error) bool
		says  string
	}{
		"no name":                          {CreateRequest{}, errdefs.IsInvalidArgument, "1 to 128"},
		"a name with a space":              {CreateRequest{Name: "a b"}, errdefs.IsInvalidArgument, "a b"},
		"a name with a slash":              {CreateRequest{Name: "a/b"}, errdefs.IsInvalidArgument, "a/b"},
		"a long name":                      {CreateRequest{Name: strings.Repeat("a", 129)}, errdefs.IsInvalidArgument, "1 to 128"},
		"the account's own":                {CreateRequest{Name: "bridge"}, errdefs.IsPermissionDenied, "predefined bridge"},
		"the machine's":                    {CreateRequest{Name: "host"}, errdefs.IsPermissionDenied, "predefined host"},
		"none":                             {CreateRequest{Name: "none"}, errdefs.IsPermissionDenied, "predefined none"},
		"a name that is taken":             {CreateRequest{Name: "taken"}, errdefs.IsConflict, "already exists"},
		"a subnet of another":              {subnet("10.9.7.0/24"), errdefs.IsConflict, "10.9.0.0/16 of network taken"},
		"a subnet of the own":              {subnet("172.16.0.0/24"), errdefs.IsInvalidArgument, "172.16.0.0/16"},
		"a subnet around the own":          {subnet("172.0.0.0/8"), errdefs.IsInvalidArgument, "172.16.0.0/16"},
		"the routers' links":               {subnet("100.64.0.0/24"), errdefs.IsInvalidArgument, "100.64.0.0/16"},
		"floating IPs":                     {subnet("198.18.0.0/16"), errdefs.IsInvalidArgument, "198.18.0.0/24"},
		"link-local":                       {subnet("169.254.169.0/24"), errdefs.IsInvalidArgument, "169.254.0.0/16"},
		"loopback":                         {subnet("127.0.0.0/16"), errdefs.IsInvalidArgument, "127.0.0.0/8"},
		"multicast":                        {subnet("239.0.0.0/16"), errdefs.IsInvalidArgument, "224.0.0.0/3"},
		"everything":                       {subnet("0.0.0.0/0"), errdefs.IsInvalidArgument, "/8 to /29"},
		"too small":                        {subnet("10.0.0.0/30"), errdefs.IsInvalidArgument, "/8 to /29"},
		"an address":                       {subnet("10.0.0.7/24"), errdefs.IsInvalidArgument, "it should be 10.0.0.0/24"},
		"IPv6":                             {subnet("fd00::/64"), errdefs.IsInvalidArgument, "IPv4"},
		"IPv4 in IPv6":                     {subnet("::ffff:10.0.0.0/120"), errdefs.IsInvalidArgument, "IPv4"},
		"a gateway without subnet":         {CreateRequest{Name: "n", Gateway: netip.MustParseAddr("10.0.0.1")}, errdefs.IsInvalidArgument, "give that too"},
		"a gateway elsewhere":              {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.Gateway = netip.MustParseAddr("10.0.1.1") }), errdefs.IsInvalidArgument, "10.0.1.1"},
		"the network as gateway":           {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.Gateway = netip.MustParseAddr("10.0.0.0") }), errdefs.IsInvalidArgument, "10.0.0.0"},
		"everybody as gateway":             {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.Gateway = netip.MustParseAddr("10.0.0.255") }), errdefs.IsInvalidArgument, "10.0.0.255"},
		"a range elsewhere":                {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.IPRange = netip.MustParsePrefix("10.0.1.0/25") }), errdefs.IsInvalidArgument, "10.0.1.0/25"},
		"a range that is wider":            {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.IPRange = netip.MustParsePrefix("10.0.0.0/16") }), errdefs.IsInvalidArgument, "10.0.0.0/16"},
		"a range of the broadcast address": {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.IPRange = netip.MustParsePrefix("10.0.0.255/32") }), errdefs.IsInvalidArgument, "no address for a container"},
		"a range of the network's own":     {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.IPRange = netip.MustParsePrefix("10.0.0.0/32") }), errdefs.IsInvalidArgument, "no address for a container"},
		"too many reserved":                {with(subnet("10.0.0.0/16"), func(r *CreateRequest) { r.Reserved = manyAddresses(257) }), errdefs.IsInvalidArgument, "at most 256"},
		"labels without end":               {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.Labels = map[string]string{"a": strings.Repeat("b", 64<<10)} }), errdefs.IsInvalidArgument, "65536 are the most"},
		"a reserved one elsewhere":         {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.Reserved = map[string]netip.Addr{"x": netip.MustParseAddr("10.0.1.9")} }), errdefs.IsInvalidArgument, "10.0.1.9"},
		"the gateway, reserved too":        {with(subnet("10.0.0.0/24"), func(r *CreateRequest) { r.Reserved = map[string]netip.Addr{"x": netip.MustParseAddr("10.0.0.1")} }), errdefs.IsInvalidArgument, "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.net.Create(t.Context(), b.a, tc.req)
			if !tc.class(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v, want one that says %q", err, tc.says)
			}
			if n := len(b.store.View(b.a).Networks()); n != 1 {
				t.Errorf("there are %d networks", n)
			}
		})
	}
}

func manyAddresses(n int) map[string]netip.Addr {
	out, addr := map[string]netip.Addr{}, netip.MustParseAddr("10.0.1.0")
	for range n {
		out[addr.String()] = addr
		addr = addr.Next()
	}
	return out
}

func TestJoinIsBounded(t *testing.T) {
	b := newBench(t)
	if _, err := b.net.Create(t.Context(), b.a, CreateRequest{Name: "n"}); err != nil {
		t.Fatal(err)
	}
	many := func(n int) []string { return slices.Repeat([]string{"a:b"}, n) }
	for name, req := range map[string]EndpointRequest{
		"aliases": {Network: "n", Aliases: slices.Repeat([]string{"a"}, 100_000)},
		"links":   {Network: "n", Links: many(100_000)},
		"options": {Network: "n", Options: map[string]string{"a": strings.Repeat("b", 1<<20)}},
	} {
		err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error {
			return b.net.Join(tx, &store.Container{ID: id(1), Name: "c"}, req)
		})
		if !errdefs.IsInvalidArgument(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The platform's own addresses are passed over, wherever an operator has put them.
func TestPoolLeavesReservedRangesOut(t *testing.T) {
	b := newBench(t)
	b.net.Reserved = []netip.Prefix{netip.MustParsePrefix("172.24.0.0/24"), netip.MustParsePrefix("172.24.31.0/24")}
	n, err := b.net.Create(t.Context(), b.a, CreateRequest{Name: "n"})
	if err != nil || n.Spec.Subnet.String() != "172.24.32.0/20" {
		t.Errorf("the subnet is %v, %v", n, err)
	}
}

func TestAsManyNetworksAsAnAccountMayHave(t *testing.T) {
	b := newBench(t)
	for n := range MaxNetworks {
		if _, err := b.net.Create(t.Context(), b.a, CreateRequest{Name: fmt.Sprint("n", n)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.net.Create(t.Context(), b.a, CreateRequest{Name: "more"}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("one more: %v", err)
	}
	names, err := b.net.Prune(t.Context(), b.a, func(n *store.Network) bool { return n.Name != "n7" })
	if err != nil || len(names) != MaxNetworks-1 || slices.Contains(names, "n7") {
		t.Errorf("pruned %d, %v", len(names), err)
	}
}

func TestAddressesOfANetwork(t *testing.T) {
	b := newBench(t)
	req := subnet("10.0.0.0/29") // .1 to .6; .1 is the gateway
	req.Reserved = map[string]netip.Addr{"printer": netip.MustParseAddr("10.0.0.3")}
	if _, err := b.net.Create(t.Context(), b.a, req); err != nil {
		t.Fatal(err)
	}
	number := 0
	join := func(address string) (got string, err error) {
		number++
		c := store.Container{ID: id(number), Name: fmt.Sprint("c", number), Phase: store.Ready}
		err = b.store.Update(t.Context(), b.a, func(tx *store.Tx) error {
			if err := b.net.Join(tx, &c, EndpointRequest{Network: "n", Address: address}); err != nil {
				return err
			}
			return put(tx, c)
		})
		if err != nil {
			return "", err
		}
		return c.Endpoints[0].Address.String(), nil
	}
	for _, tc := range []struct {
		asked, want string
		class       func(error) bool
	}{
		{"", "10.0.0.2", nil},
		{"10.0.0.5", "10.0.0.5", nil},
		{"", "10.0.0.4", nil}, // what is reserved is passed over
		{"10.0.0.5", "", errdefs.IsConflict},
		{"10.0.0.1", "", errdefs.IsInvalidArgument},
		{"10.0.0.7", "", errdefs.IsInvalidArgument},
		{"10.0.1.5", "", errdefs.IsInvalidArgument},
		{"here", "", errdefs.IsInvalidArgument},
		{"", "10.0.0.6", nil},
		{"", "", errdefs.IsResourceExhausted},
		{"10.0.0.3", "10.0.0.3", nil}, // and given to who asks
	} {
		got, err := join(tc.asked)
		if got != tc.want || tc.class != nil && !tc.class(err) || tc.class == nil && err != nil {
			t.Errorf("asked for %q: %q, %v; want %q", tc.asked, got, err, tc.want)
		}
	}
}

func TestRangeOfANetwork(t *testing.T) {
	b := newBench(t)
	for name, tc := range map[string]struct{ subnet, within, first, last string }{
		"the whole subnet":       {"10.0.0.0/24", "", "10.0.0.1", "10.0.0.254"},
		"a range in the middle":  {"10.0.0.0/24", "10.0.0.64/26", "10.0.0.64", "10.0.0.127"},
		"a range up to the end":  {"10.0.0.0/24", "10.0.0.128/25", "10.0.0.128", "10.0.0.254"},
		"a range of one address": {"10.0.0.0/24", "10.0.0.9/32", "10.0.0.9", "10.0.0.9"},
	} {
		n := &store.Network{ID: "n", Spec: store.NetworkSpec{Subnet: netip.MustParsePrefix(tc.subnet)}}
		if tc.within != "" {
			n.Spec.IPRange = netip.MustParsePrefix(tc.within)
		}
		if r := b.net.rangeOf(n, "n"); r.first.String() != tc.first || r.last.String() != tc.last {
			t.Errorf("%s: from %s to %s, want %s to %s", name, r.first, r.last, tc.first, tc.last)
		}
	}
}

// The endpoint that leads out is the one with the default route and the floating IP, in State and everywhere.
func TestStateOfAContainerInSeveralNetworks(t *testing.T) {
	b := newBench(t)
	for _, req := range []CreateRequest{{Name: "back", Internal: true}, {Name: "front"}, {Name: "side"}} {
		if _, err := b.net.Create(t.Context(), b.a, req); err != nil {
			t.Fatal(err)
		}
	}
	c := store.Container{ID: id(1), Name: "web", Phase: store.Ready, Spec: store.ContainerSpec{
		Published: []store.PublishedPort{{Port: store.Port{Number: 80, Proto: "tcp"}, Public: 80}},
	}}
	b.update(func(tx *store.Tx) error {
		for _, req := range []EndpointRequest{
			{Network: "back", Aliases: []string{"Store", "web"}, Links: []string{"db:DB", id(2) + ":other"}}, {Network: "front"}, {Network: "side", Priority: 1},
		} {
			if err := b.net.Join(tx, &c, req); err != nil {
				return err
			}
		}
		if err := put(tx, c); err != nil {
			return err
		}
		return tx.PutFloatingIP(store.FloatingIP{Address: netip.MustParseAddr("198.18.0.2"), Container: c.ID})
	})
	state := State(b.store.View(b.a))
	var got []string
	for _, e := range state.Endpoints {
		n, _ := b.store.View(b.a).Network(e.Network)
		got = append(got, fmt.Sprint(n.Name, " ", e.Device(), " ", e.FloatingIP.IsValid(), " ", len(e.Ports)))
	}
	if want := []string{"side eth2 true 1", "front eth1 false 0", "back eth0 false 0"}; !slices.Equal(got, want) {
		t.Errorf("endpoints are %q, want %q", got, want)
	}
	back := state.Endpoints[2]
	if want := []string{"web", id(1)[:12], "store"}; !slices.Equal(back.Names, want) {
		t.Errorf("names are %q, want %q", back.Names, want)
	}
	if back.Links["db"] != "db" || back.Links["other"] != id(2)[:12] {
		t.Errorf("links are %v", back.Links)
	}
	if len(state.Networks) != 3 || !state.Networks[0].Internal {
		t.Errorf("networks are %+v", state.Networks)
	}
}
