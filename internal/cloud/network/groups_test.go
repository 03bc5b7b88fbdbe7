package network

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

func TestStateHasTheGroupsThatMatter(t *testing.T) {
	b := newBench(t)
	b.update(func(tx *store.Tx) error {
		for name, rules := range map[string][]store.SecurityGroupRule{
			"web": {
				{Direction: "ingress", Protocol: "tcp", PortMin: 80, PortMax: 81, Prefix: "0.0.0.0/0"}, {Direction: "ingress", Protocol: "icmp", PortMin: 8, Prefix: "10.0.0.0/8"},
				{Direction: "ingress", Protocol: "icmp", Prefix: "10.0.0.0/8"}, {Direction: "ingress", Protocol: "icmp", PortMax: 8, Prefix: "10.0.0.0/8"},
				{Direction: "egress", Protocol: "udp", Group: "db"}, {Direction: "egress", Prefix: "2001:db8::/32"},
			},
			"db":     {{Direction: "ingress", Group: "far"}},
			"far":    nil,
			"nobody": {{Direction: "ingress", Group: "far"}},
		} {
			if err := tx.PutSecurityGroup(store.SecurityGroup{Name: name, Spec: store.SecurityGroupSpec{Rules: rules}}); err != nil {
				return err
			}
		}
		return put(tx,
			store.Container{ID: id(1), Name: "web", Phase: store.Ready, Endpoints: at("172.16.0.20"), Spec: store.ContainerSpec{SecGroups: []string{"gone", "web"}}},
			store.Container{ID: id(2), Name: "free", Phase: store.Ready, Endpoints: at("172.16.0.21")},
			store.Container{ID: id(3), Name: "going", Phase: store.Removing, Endpoints: at("172.16.0.12"), Spec: store.ContainerSpec{SecGroups: []string{"nobody"}}},
		)
	})
	ten := netip.MustParsePrefix("10.0.0.0/8")
	want := []engine.SecurityGroup{
		{Name: "db"}, // by name only: nobody carries it
		{Name: "gone"},
		{Name: "web", Rules: []engine.GroupRule{
			{Proto: "tcp", First: 80, Last: 81, Prefix: netip.MustParsePrefix("0.0.0.0/0")}, {Proto: "icmp", First: 8, Last: 8, Prefix: ten},
			{Proto: "icmp", Last: 255, Prefix: ten}, {Proto: "icmp", Last: 8, Prefix: ten},
			{Egress: true, Proto: "udp", Last: 65535, Group: "db"}, {Egress: true, Last: 65535, Prefix: netip.MustParsePrefix("2001:db8::/32")},
		}},
	}
	got := State(b.store.View(b.a))
	if !reflect.DeepEqual(got.Groups, want) {
		t.Errorf("the groups are\n%+v\nwant\n%+v", got.Groups, want)
	}
	for _, e := range got.Endpoints {
		if groups := map[string][]string{id(1): {"gone", "web"}, id(2): nil}[e.ContainerID]; !reflect.DeepEqual(e.Groups, groups) {
			t.Errorf("%s carries %v, want %v", e.Names[0], e.Groups, groups)
		}
	}
}
