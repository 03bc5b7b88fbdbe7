package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"sync"
	"testing"

	"github.com/hypercloud/hyper/internal/account"
)

// TestReadersAndWriters lets readers look while writers change pairs of rows together: no reader ever
// sees one without the other.
func TestReadersAndWriters(t *testing.T) {
	s := openNew(t)
	refs := []account.Ref{tenantOf(t, s, "a"), tenantOf(t, s, "b")}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, ref := range refs {
					v := s.View(ref)
					containers := v.Containers()
					if len(containers) != len(v.Volumes()) {
						t.Errorf("%d containers and %d volumes", len(containers), len(v.Volumes()))
						return
					}
					for _, c := range containers {
						if len(v.VolumesOf(c.ID)) != 1 || c.Spec.Env[0] != "A=1" {
							t.Error("a container without its volume")
							return
						}
					}
					s.FloatingIPOwner(netip.MustParseAddr("198.18.0.1"))
					s.Accounts()
				}
			}
		})
	}
	for i, ref := range refs {
		writers.Go(func() {
			for n := range 100 {
				c, v := aContainer(n%10), aVolume(n%10)
				v.Container = c.ID
				err := s.Update(context.Background(), ref, func(tx *Tx) error {
					if _, ok := tx.Container(c.ID); ok {
						if err := tx.DeleteVolume(v.ID); err != nil {
							return err
						}
						return tx.DeleteContainer(c.ID)
					}
					if err := tx.PutContainer(c); err != nil {
						return err
					}
					return tx.PutVolume(v)
				})
				if err != nil {
					t.Error(err)
				}
				if n%50 == 0 {
					if _, err := s.CreateAccount(context.Background(), fmt.Sprintf("more-%d-%d", i, n)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}

// TestMemoryFollowsDisk makes random changes, some of which fail, and compares what is in memory with
// what a fresh start reads.
func TestMemoryFollowsDisk(t *testing.T) {
	s := openNew(t)
	refs := []account.Ref{tenantOf(t, s, "a"), tenantOf(t, s, "b")}
	rng := rand.New(rand.NewPCG(1, 2))
	ip := func() netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, byte(rng.IntN(6))}) }
	for range 400 {
		_ = s.Update(context.Background(), refs[rng.IntN(2)], func(tx *Tx) error {
			for range 1 + rng.IntN(5) {
				n := rng.IntN(8)
				var err error
				switch rng.IntN(10) {
				case 0, 1:
					c := aContainer(n)
					c.Name = fmt.Sprint("name", rng.IntN(8))
					c.Endpoints = aContainer(rng.IntN(8)).Endpoints
					err = tx.PutContainer(c)
				case 2:
					err = tx.DeleteContainer(hexID(n))
				case 3:
					v := aVolume(n)
					v.Name, v.Container = fmt.Sprint("name", rng.IntN(8)), hexID(rng.IntN(3))
					err = tx.PutVolume(v)
				case 4:
					err = tx.DeleteVolume(hexID(n))
				case 5:
					err = tx.PutImage(anImage(n))
				case 6:
					err = tx.DeleteImage(anImage(n).ID)
				case 7:
					err = tx.PutTag(Tag{Repository: "r", Tag: []string{"", "x", "y"}[rng.IntN(3)], Digest: fmt.Sprint(rng.IntN(3)), ImageID: anImage(n).ID})
				case 8:
					err = tx.PutFloatingIP(FloatingIP{Address: ip(), Name: []string{"", "p", "q"}[rng.IntN(3)], Container: []string{"", "k"}[rng.IntN(2)]})
				case 9:
					err = tx.DeleteFloatingIP(ip())
				}
				if err != nil && rng.IntN(2) == 0 {
					return err
				}
			}
			return nil
		})
	}
	for _, ref := range refs {
		if s.View(ref).Empty() {
			t.Fatal("nothing was put")
		}
	}
	_ = s.Close()
	again := open(t, s.path)
	for _, ref := range refs {
		was, is := picture(s.View(ref)), picture(again.View(ref))
		for i := range was {
			if !reflect.DeepEqual(was[i], is[i]) {
				t.Errorf("part %d in memory:\n%v\non disk:\n%v", i, was[i], is[i])
			}
		}
	}
	if !reflect.DeepEqual(s.owners.Load(), again.owners.Load()) {
		t.Error("the owners of floating IPs differ")
	}
}

func fill(b *testing.B) (*Store, account.Ref) {
	b.Helper()
	s := openNew(b)
	a := tenantOf(b, s, "a")
	update(b, s, a, func(tx *Tx) error {
		for n := range 2000 {
			if err := tx.PutContainer(aContainer(n)); err != nil {
				return err
			}
		}
		return nil
	})
	return s, a
}

func BenchmarkView(b *testing.B) {
	s, a := fill(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.View(a).ContainerByName("c77"); !ok {
			b.Fatal("not there")
		}
	}
}

func BenchmarkList(b *testing.B) {
	s, a := fill(b)
	for b.Loop() {
		if len(s.View(a).Containers()) != 2000 {
			b.Fatal("not all")
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, synchronous := range []string{"FULL", "OFF"} {
		b.Run("synchronous="+synchronous, func(b *testing.B) {
			s, a := fill(b)
			if _, err := s.conn.ExecContext(context.Background(), "PRAGMA synchronous = "+synchronous); err != nil {
				b.Fatal(err)
			}
			c := aContainer(77)
			for b.Loop() {
				c.State.RestartCount++
				update(b, s, a, func(tx *Tx) error { return tx.PutContainer(c) })
			}
		})
	}
}
