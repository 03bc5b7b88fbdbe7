package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openNew(t testing.TB) *Store { return open(t, filepath.Join(t.TempDir(), "state", "hyper.db")) }

func tenantOf(t testing.TB, s *Store, name string) account.Ref {
	t.Helper()
	a, err := s.CreateAccount(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return a.Ref
}

func update(t testing.TB, s *Store, a account.Ref, fn func(*Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), a, fn); err != nil {
		t.Fatal(err)
	}
}

// hexID is a 64-digit id that begins with n.
func hexID(n int) string { return fmt.Sprintf("%04x%060x", n, n) }

func aContainer(n int) Container {
	return Container{
		ID: hexID(n), Name: fmt.Sprintf("c%d", n), ImageID: "sha256:" + hexID(1), Phase: Ready,
		Endpoints: []Endpoint{{Address: netip.AddrFrom4([4]byte{172, 16, byte((n + 2) >> 8), byte(n + 2)})}},
		CreatedAt: time.Unix(1_700_000_000+int64(n), 5),
		Spec:      ContainerSpec{Image: "mysql", Hostname: "h", Size: "s4", Env: []string{"A=1"}, Labels: map[string]string{"k": "v"}},
		State:     ContainerState{Status: StatusCreated},
	}
}

func aNetwork(n int) Network {
	return Network{ID: hexID(n), Name: fmt.Sprintf("n%d", n), CreatedAt: time.Unix(1_700_000_000+int64(n), 0), Spec: NetworkSpec{
		Subnet: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 24, byte(n << 4), 0}), 20), Gateway: netip.AddrFrom4([4]byte{172, 24, byte(n << 4), 1}),
	}}
}

func aVolume(n int) Volume {
	return Volume{ID: hexID(n), Name: fmt.Sprintf("v%d", n), SizeGB: 10, Phase: Ready, CreatedAt: time.Unix(1_700_000_000+int64(n), 0)}
}

func aSnapshot(n int) Snapshot {
	return Snapshot{
		ID: hexID(n), Name: fmt.Sprintf("s%d", n), Volume: hexID(1), SizeGB: 10, Phase: Ready, CreatedAt: time.Now().Add(time.Duration(n) * time.Second),
		Spec: SnapshotSpec{Schedule: "é", Written: n == 1},
	}
}

func anImage(n int) Image {
	return Image{PulledAt: time.Now(), Image: engine.Image{ID: "sha256:" + hexID(n), Digest: "sha256:" + hexID(n+1), Size: 5, Created: time.Unix(int64(n), 0)}}
}

// everything fills an account with one row of each kind, with all that is awkward to keep.
func everything(t testing.TB, s *Store, a account.Ref) {
	t.Helper()
	update(t, s, a, func(tx *Tx) error {
		zone := time.FixedZone("far", 5*3600)
		five := 5
		c := aContainer(1)
		c.CreatedAt = time.Now().In(zone)
		c.Spec.Cmd = []string{}
		c.Spec.StopTimeout = &five
		c.Spec.Published = []PublishedPort{{Port: Port{Number: 80, Proto: "tcp"}, Public: 8080}}
		c.Spec.Healthcheck = &engine.Healthcheck{Test: []string{"CMD", "true"}, Interval: time.Second}
		c.Spec.ConsoleSize = [2]uint16{24, 80}
		c.State = ContainerState{Status: StatusExited, ExitCode: 3, StartedAt: time.Now(), FinishedAt: time.Now().In(zone), Error: "no <&> \x00 way\xff"}
		bare := aContainer(2)
		bare.Endpoints = nil
		second := aContainer(3)
		n := aNetwork(1)
		n.CreatedAt = time.Now().In(zone)
		second.Endpoints = append(second.Endpoints, Endpoint{
			Network: n.ID, Interface: 1, Address: netip.MustParseAddr("172.24.16.3"), Asked: true, Priority: -1,
			Aliases: []string{"é"}, Links: []NameLink{{Target: "c1", Alias: "one"}}, Options: map[string]string{},
		})
		v := aVolume(1)
		v.Container, v.Labels = c.ID, map[string]string{"é": "\n"}
		plain := aVolume(2)
		v.Spec = VolumeSpec{Snapshot: "s", Source: "https://é", File: "f"}
		plain.Labels, plain.Auto, plain.Written = map[string]string{}, true, true
		img := anImage(1)
		built := time.Now().In(zone)
		img.Config = ocispec.Image{Created: &built, Config: ocispec.ImageConfig{Volumes: map[string]struct{}{"/var": {}}}}
		img.Docker.Healthcheck = &engine.Healthcheck{Retries: 3}
		return errors.Join(
			tx.PutNetwork(n), tx.PutNetwork(aNetwork(2)), tx.PutContainer(c), tx.PutContainer(bare), tx.PutContainer(second), tx.PutVolume(v), tx.PutVolume(plain), tx.PutSnapshot(aSnapshot(1)), tx.PutSnapshot(aSnapshot(2)), tx.PutImage(img),
			tx.PutTag(Tag{Repository: "docker.io/library/mysql", Tag: "latest", Digest: img.Digest, ImageID: img.ID}),
			tx.PutTag(Tag{Repository: "docker.io/library/mysql", Digest: img.Digest, ImageID: img.ID}),
			tx.PutFloatingIP(FloatingIP{Address: netip.MustParseAddr("198.18.0.1"), Name: "web", Container: c.ID, AllocatedAt: time.Now()}),
			tx.PutFloatingIP(FloatingIP{Address: netip.MustParseAddr("2001:db8::1"), AllocatedAt: time.Now()}),
			tx.PutCredential(Credential{Access: "KEY" + a.ID(), Name: "laptop", Sealed: []byte{0, 255, 7}, CreatedAt: time.Now().In(zone)}),
			tx.PutToken(Token{Hash: "f00d" + a.ID(), Name: "ci", CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour).In(zone)}),
			tx.PutToken(Token{Hash: "beef" + a.ID(), Name: "for ever", CreatedAt: time.Now()}),
			tx.PutCertificate(Certificate{Serial: "abc" + a.ID(), Name: "desk", Fingerprint: "12", CreatedAt: time.Now(), ExpiresAt: time.Now().In(zone)}),
			tx.PutProject(Project{Name: "blog", CreatedAt: time.Now().In(zone), Spec: ProjectSpec{
				Services: map[string]ProjectService{"web": {Image: "nginx", Command: []string{}, Labels: map[string]string{"é": "<&>"}}}}}),
			tx.PutProject(Project{Name: "bare", CreatedAt: time.Now()}),
			tx.PutSecurityGroup(SecurityGroup{Name: "web", CreatedAt: time.Now().In(zone), Spec: SecurityGroupSpec{Description: "é", Rules: []SecurityGroupRule{
				{Direction: "ingress", Protocol: "tcp", PortMin: 80, PortMax: 80, Prefix: "0.0.0.0/0"}, {Direction: "egress", Group: "web"}}}}),
			tx.PutSecurityGroup(SecurityGroup{Name: "bare", Spec: SecurityGroupSpec{Rules: []SecurityGroupRule{}}}),
			tx.PutQuota("containers", 10), tx.PutQuota("fips", -1), tx.PutQuota("memory", 1<<40),
		)
	})
}

// picture is all that a view shows, comparable by reflect.DeepEqual.
func picture(v *View) []any {
	return []any{v.Account(), v.Containers(), v.Volumes(), v.Images(), v.Tags(), v.FloatingIPs(), v.Empty(),
		v.containers.byName, v.containers.byAddress, v.Networks(), v.networks.byName, v.volumes.byName, v.Snapshots(), v.snapshots.byName, v.SnapshotsOf(hexID(1)), v.floatingIPs.byName, v.SecurityGroups(), v.securityGroups.byName, v.floatingIPs.byContainer,
		v.Credentials(), v.Tokens(), v.Certificates(), v.quotas, v.Counts(), v.Projects()}
}

func TestReopenGivesTheSameView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hyper #1?.db")
	s := open(t, path)
	a, b := tenantOf(t, s, "a"), tenantOf(t, s, "b")
	everything(t, s, a)
	accounts, before, empty := s.Accounts(), picture(s.View(a)), picture(s.View(b))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if got := s.Accounts(); !reflect.DeepEqual(got, accounts) {
		t.Errorf("accounts are %v, were %v", got, accounts)
	}
	for i, got := range picture(s.View(a)) {
		if !reflect.DeepEqual(got, before[i]) {
			t.Errorf("part %d is\n%+v, was\n%+v", i, got, before[i])
		}
	}
	if !reflect.DeepEqual(picture(s.View(b)), empty) {
		t.Error("the empty account's view has changed")
	}
	if owner, ok := s.FloatingIPOwner(netip.MustParseAddr("198.18.0.1")); !ok || owner != a {
		t.Errorf("the floating IP is %v's, %v", owner, ok)
	}
	for _, f := range []string{path, path + "-wal"} {
		if fi, err := os.Stat(f); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", f, fi, err)
		}
	}
}

// TestKilledWriter opens what a process that died in the middle of an Update left behind.
func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hyper.db")
	s := open(t, path)
	a := tenantOf(t, s, "a")
	everything(t, s, a)
	before := picture(s.View(a))
	copied := filepath.Join(dir, "after", "hyper.db")
	if err := os.Mkdir(filepath.Dir(copied), 0o700); err != nil {
		t.Fatal(err)
	}
	update(t, s, a, func(tx *Tx) error {
		if err := tx.PutVolume(aVolume(7)); err != nil {
			return err
		}
		for _, end := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + end)
			if err != nil {
				return err
			}
			if err := os.WriteFile(copied+end, b, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	if got := picture(open(t, copied).View(a)); !reflect.DeepEqual(got, before) {
		t.Error("the unfinished change is seen, or a finished one is lost")
	}
}

func TestFailingUpdateChangesNothing(t *testing.T) {
	s := openNew(t)
	a := tenantOf(t, s, "a")
	everything(t, s, a)
	before, view := picture(s.View(a)), s.View(a)
	boom := errors.New("boom")
	spoil := func(tx *Tx) error {
		c, _ := tx.Container(hexID(1))
		changed := *c
		changed.Name = "other"
		img := tx.Images()[0]
		return errors.Join(
			tx.PutContainer(changed), tx.DeleteContainer(hexID(2)), tx.PutContainer(aContainer(9)),
			tx.DeleteVolume(hexID(1)), tx.PutVolume(aVolume(9)), tx.DeleteImage(img.ID), tx.PutImage(anImage(9)),
			tx.DeleteFloatingIP(netip.MustParseAddr("198.18.0.1")),
			tx.DeleteCredential("KEY"+a.ID()), tx.PutCredential(Credential{Access: "NEW", Sealed: []byte{1}}),
			tx.DeleteToken("ci"), tx.DeleteCertificate("abc"+a.ID()), tx.PutQuota("containers", 0), tx.PutQuota("volumes", 4),
			tx.PutFloatingIP(FloatingIP{Address: netip.MustParseAddr("198.18.0.9")}))
	}
	for name, fn := range map[string]func(*Tx) error{
		"error":          func(tx *Tx) error { return errors.Join(spoil(tx), boom) },
		"database error": func(tx *Tx) error { return errors.Join(spoil(tx), tx.write("INSERT INTO nowhere VALUES (1)")) },
		"hidden database error": func(tx *Tx) error {
			_ = tx.write("INSERT INTO nowhere VALUES (1)")
			return spoil(tx)
		},
		"swallowed database error": func(tx *Tx) error {
			_ = spoil(tx)
			_ = tx.write("INSERT INTO nowhere VALUES (1)")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.Update(context.Background(), a, fn); err == nil {
				t.Fatal("no error")
			}
			if s.View(a) != view || !reflect.DeepEqual(picture(s.View(a)), before) {
				t.Error("the view has changed")
			}
			if _, ok := s.FloatingIPOwner(netip.MustParseAddr("198.18.0.9")); ok {
				t.Error("an address of the failed change has an owner")
			}
			if _, _, ok := s.Credential("NEW"); ok {
				t.Error("a credential of the failed change opens something")
			}
		})
	}
	t.Run("panic", func(t *testing.T) {
		func() {
			defer func() { _ = recover() }()
			_ = s.Update(context.Background(), a, func(tx *Tx) error { _ = spoil(tx); panic("boom") })
		}()
		if s.View(a) != view {
			t.Error("the view has changed")
		}
	})
	update(t, s, a, func(tx *Tx) error { return tx.PutVolume(aVolume(5)) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	after := open(t, s.path).View(a)
	if len(after.Volumes()) != 3 || len(after.Containers()) != 3 || len(after.Tags()) != 2 || len(after.FloatingIPs()) != 2 {
		t.Error("a failed change is on disk")
	}
}

func TestUpdate(t *testing.T) {
	s := openNew(t)
	a := tenantOf(t, s, "a")
	var leaked *Tx
	update(t, s, a, func(tx *Tx) error {
		leaked = tx
		if err := tx.PutVolume(aVolume(1)); err != nil {
			return err
		}
		if _, ok := tx.Volume(hexID(1)); !ok {
			t.Error("the draft does not show its own write")
		}
		if !s.View(a).Empty() {
			t.Error("a reader sees what is not committed")
		}
		return nil
	})
	if err := leaked.PutVolume(aVolume(2)); !errors.Is(err, errOver) {
		t.Errorf("put after the end: %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Update(cancelled, a, func(*Tx) error { t.Error("fn ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	held, cancel := context.WithCancel(context.Background())
	if err := s.Update(held, a, func(tx *Tx) error { cancel(); return tx.PutVolume(aVolume(3)) }); err != nil {
		t.Errorf("cancelled after it began: %v", err)
	}
	if err := s.Update(context.Background(), account.Ref{}, nil); !errors.Is(err, account.ErrNone) {
		t.Errorf("no account: %v", err)
	}
	stranger, _ := account.New(strings.Repeat("a", 32), 9)
	if err := s.Update(context.Background(), stranger, nil); !errdefs.IsNotFound(err) {
		t.Errorf("unknown account: %v", err)
	}
	if v := s.View(stranger); v == nil || !v.Empty() {
		t.Error("an unknown account's view is not empty")
	}
	forged, _ := account.New(a.ID(), 7)
	if !s.View(forged).Empty() {
		t.Error("an account with the right id and a wrong slot is served")
	}
	_ = s.Close()
	if err := s.Update(context.Background(), a, func(*Tx) error { return nil }); !errors.Is(err, errClosed) {
		t.Errorf("closed: %v", err)
	}
	if len(s.View(a).Volumes()) != 2 {
		t.Error("the view went with the database")
	}
}

func TestPutSharesNothingWithTheCaller(t *testing.T) {
	s := openNew(t)
	a := tenantOf(t, s, "a")
	c := aContainer(1)
	update(t, s, a, func(tx *Tx) error { return tx.PutContainer(c) })
	c.Spec.Env[0], c.Spec.Labels["k"] = "changed", "changed"
	got, _ := s.View(a).Container(c.ID)
	if got.Spec.Env[0] != "A=1" || got.Spec.Labels["k"] != "v" {
		t.Error("a published row has changed with the caller's copy")
	}
	list := s.View(a).Containers()
	list[0] = nil
	if s.View(a).Containers()[0] == nil {
		t.Error("a list is shared between callers")
	}
}

func TestRefusedDatabases(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, path string)
		want  string
	}{
		"newer version": {func(t *testing.T, path string) {
			execute(t, path, "PRAGMA user_version = 900")
		}, "has version 900"},
		"not a database": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("mysql ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is damaged"},
		"pages overwritten": {func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			fi, _ := f.Stat()
			for at := int64(4096); at < fi.Size(); at += 4096 {
				_, _ = f.WriteAt([]byte(strings.Repeat("\xa5", 64)), at)
			}
		}, "is damaged"},
		"cut short": {func(t *testing.T, path string) {
			if err := os.Truncate(path, 9000); err != nil {
				t.Fatal(err)
			}
		}, "is damaged"},
		"unreadable row": {func(t *testing.T, path string) {
			execute(t, path, "UPDATE containers SET spec = 'x'")
		}, "read database"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openNew(t)
			everything(t, s, tenantOf(t, s, "a"))
			_ = s.Close()
			tc.spoil(t, s.path)
			if _, err := Open(s.path); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want one with %q", err, tc.want)
			}
			if _, err := os.Stat(s.path + "-wal"); name == "newer version" && err == nil {
				t.Error("the refused database was written to")
			}
		})
	}
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestDurableSettings(t *testing.T) {
	s := openNew(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := s.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
		}
	}
}

func TestOneDatabaseOneProcess(t *testing.T) {
	s := openNew(t)
	done := make(chan error, 1)
	go func() {
		second, err := Open(s.path)
		if err == nil {
			_ = second.Close()
		}
		done <- err
	}()
	time.Sleep(100 * time.Millisecond)
	_ = s.Close()
	if err := <-done; err != nil {
		t.Errorf("the lock was not waited for: %v", err)
	}
}

func TestMigrate(t *testing.T) {
	ctx := context.Background()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "m.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	steps := []migration{
		{"one", "CREATE TABLE a (x); INSERT INTO a VALUES (1)"},
		{"two", "INSERT INTO a VALUES (2); INSERT INTO missing VALUES (1)"},
	}
	if err := migrate(ctx, conn, 0, steps); err == nil || !strings.Contains(err.Error(), "two") {
		t.Fatalf("error is %v", err)
	}
	state := func() (version, rows int) {
		if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM a").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		return
	}
	if v, n := state(); v != 1 || n != 1 {
		t.Errorf("after the failure: version %d with %d rows, want 1 with 1", v, n)
	}
	steps[1].sql = "INSERT INTO a VALUES (2)"
	if err := migrate(ctx, conn, 1, steps); err != nil {
		t.Fatal(err)
	}
	if v, n := state(); v != 2 || n != 2 {
		t.Errorf("in the end: version %d with %d rows, want 2 with 2", v, n)
	}
}
