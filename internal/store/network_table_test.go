package store

import (
	"context"
	"database/sql"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

func TestNetworksOfAnAccountHaveNamesAndSubnetsOfTheirOwn(t *testing.T) {
	s := openNew(t)
	a, b := tenantOf(t, s, "a"), tenantOf(t, s, "b")
	update(t, s, a, func(tx *Tx) error { return tx.PutNetwork(aNetwork(1)) })
	named, within := aNetwork(2), aNetwork(2)
	named.Name = "n1"
	within.Spec.Subnet = netip.MustParsePrefix("172.24.16.128/25")
	for name, tc := range map[string]struct {
		put  Network
		want string
	}{
		"the name of another":    {named, "network with name n1 already exists"},
		"a part of another":      {within, "the subnet 172.24.16.128/25 overlaps 172.24.16.0/20 of network n1"},
		"the form of an old one": {aNetwork(1), ""},
	} {
		err := s.Update(context.Background(), a, func(tx *Tx) error { return tx.PutNetwork(tc.put) })
		if tc.want == "" && err != nil || tc.want != "" && (!errdefs.IsConflict(err) || err.Error() != tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	update(t, s, b, func(tx *Tx) error { return tx.PutNetwork(named) }) // what another account has is no concern
}

func TestNetworkOutlivesItsContainers(t *testing.T) {
	s := openNew(t)
	a := tenantOf(t, s, "a")
	c := aContainer(1)
	c.Endpoints = []Endpoint{{Network: hexID(1), Address: netip.MustParseAddr("172.24.16.2")}}
	put := func(tx *Tx) error { return tx.PutContainer(c) }
	if err := s.Update(context.Background(), a, put); !errdefs.IsNotFound(err) {
		t.Errorf("a container in a network that is not there: %v", err)
	}
	update(t, s, a, func(tx *Tx) error { return tx.PutNetwork(aNetwork(1)) })
	update(t, s, a, put)
	if on := s.View(a).ContainersOn(hexID(1)); len(on) != 1 || on[0].Name != "c1" {
		t.Errorf("on the network are %v", on)
	}
	if on := s.View(a).ContainersOn(""); len(on) != 0 {
		t.Errorf("on the account's own are %v", on)
	}
	err := s.Update(context.Background(), a, func(tx *Tx) error { return tx.DeleteNetwork(hexID(1)) })
	if !errdefs.IsConflict(err) || !strings.Contains(err.Error(), "running or not: c1") {
		t.Errorf("deleting a network in use: %v", err)
	}
	update(t, s, a, func(tx *Tx) error { return tx.DeleteContainer(c.ID) })
	update(t, s, a, func(tx *Tx) error { return tx.DeleteNetwork(hexID(1)) })
	if !s.View(a).Empty() {
		t.Error("the account is not empty")
	}
}

// TestContainersOfOldHaveOneEndpoint brings a database to the newest schema that was written when a container had one address.
func TestContainersOfOldHaveOneEndpoint(t *testing.T) {
	id := strings.Repeat("a", 32)
	path := oldDatabase(t, 3,
		`INSERT INTO accounts (id, slot, name, created_at) VALUES ('`+id+`', 1, 'ann', '2026-01-02T03:04:05Z')`,
		`INSERT INTO containers (account, id, name, image_id, address, phase, created_at, spec, state) VALUES
			('`+id+`', '`+hexID(1)+`', 'web', 'i', '172.16.0.10', 'ready', '2026-01-02T03:04:05Z', '{"Hostname":"h"}', '{"Status":"running"}'),
			('`+id+`', '`+hexID(2)+`', 'none', 'i', NULL, 'ready', '2026-01-02T03:04:05Z', '{}', '{}')`)
	s := open(t, path)
	v := s.View(s.Accounts()[0].Ref)
	c, ok := v.ContainerByName("web")
	if !ok || len(c.Endpoints) != 1 || c.Endpoints[0].Address != netip.MustParseAddr("172.16.0.10") || c.Endpoints[0].Network != "" || c.Spec.Hostname != "h" || c.State.Status != StatusRunning {
		t.Errorf("the container is %+v, %v", c, ok)
	}
	if c, ok := v.ContainerByName("none"); !ok || c.Endpoints != nil {
		t.Errorf("the container without an address is %+v, %v", c, ok)
	}
	if !v.AddressTaken(netip.MustParseAddr("172.16.0.10")) {
		t.Error("its address is not taken")
	}
}

// oldDatabase makes a database of an earlier schema, and writes to it.
func oldDatabase(t *testing.T, version int, queries ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), conn, 0, migrations[:version]); err != nil {
		t.Fatal(err)
	}
	for _, q := range queries {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := closeDatabase(db, conn); err != nil {
		t.Fatal(err)
	}
	return path
}
