package network

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// at is a place in the account's own network.
func at(addr string) []store.Endpoint {
	return []store.Endpoint{{Address: netip.MustParseAddr(addr)}}
}

func TestState(t *testing.T) {
	b := newBench(t)
	b.update(func(tx *store.Tx) error {
		err := put(tx,
			store.Container{
				ID: id(1), Name: "Web", Phase: store.Ready, Endpoints: at("172.16.0.20"),
				State: store.ContainerState{Status: store.StatusRunning},
				Spec: store.ContainerSpec{
					Hostname: "WWW", Domainname: "example.org",
					Published: []store.PublishedPort{
						{Port: store.Port{Number: 80, Proto: "tcp"}, Public: 8080},
						{Port: store.Port{Number: 53, Proto: "udp"}, Public: 53},
						{Port: store.Port{Number: 9, Proto: "sctp"}, Public: 9},
					},
				},
			},
			// Its hostname is the name of another container, which wins.
			store.Container{ID: id(2), Name: "db", Phase: store.Creating, Endpoints: at("172.16.0.11"), Spec: store.ContainerSpec{Hostname: "web"}},
			store.Container{ID: id(3), Name: "going", Phase: store.Removing, Endpoints: at("172.16.0.12")},
			store.Container{ID: id(4), Name: "nowhere", Phase: store.Creating},
		)
		if err != nil {
			return err
		}
		return tx.PutFloatingIP(store.FloatingIP{Address: netip.MustParseAddr("198.18.0.2"), Container: id(1)})
	})
	want := engine.NetworkState{Endpoints: []engine.Endpoint{
		{ContainerID: id(2), Address: netip.MustParseAddr("172.16.0.11"), MAC: "02:42:ac:10:00:0b", Names: []string{"db", id(2)[:12]}, Idle: true},
		{
			ContainerID: id(1), Address: netip.MustParseAddr("172.16.0.20"), MAC: "02:42:ac:10:00:14",
			Names:      []string{"web", "www", "www.example.org", id(1)[:12]},
			FloatingIP: netip.MustParseAddr("198.18.0.2"),
			Ports:      []engine.PublishedPort{{Proto: "tcp", Public: 8080, Private: 80}, {Proto: "udp", Public: 53, Private: 53}, {Proto: "sctp", Public: 9, Private: 9}},
		},
	}}
	if got := State(b.store.View(b.a)); !reflect.DeepEqual(got, want) {
		t.Errorf("State =\n%+v\nwant\n%+v", got, want)
	}
}
