package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/server/auth"
	"github.com/hypercloud/hyper/internal/store"
)

// known takes everybody for one account.
type known struct{ account.Ref }

func (k known) Authenticate(http.ResponseWriter, *http.Request) (auth.Identity, error) {
	return auth.Identity{Account: k.Ref, Operator: true}, nil
}

// crowded is a server, with the rules that hyperd has, of an account that has so many containers which have ended.
func crowded(tb testing.TB, n int) http.Handler {
	tb.Helper()
	st, err := store.Open(filepath.Join(tb.TempDir(), "hyper.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = st.Close() })
	acc, err := st.CreateAccount(tb.Context(), "default")
	if err != nil {
		tb.Fatal(err)
	}
	begin := time.Now().Add(-time.Hour)
	err = st.Update(tb.Context(), acc.Ref, func(tx *store.Tx) error {
		for i := range n {
			at := begin.Add(time.Duration(i) * time.Second)
			err := tx.PutContainer(store.Container{
				ID: fmt.Sprintf("%064x", i+1), Name: fmt.Sprintf("crowd%d", i), ImageID: imageID, Phase: store.Ready, CreatedAt: at,
				Endpoints: []store.Endpoint{{Address: netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)})}},
				Spec:      container.Spec{Image: "busybox", Args: []string{"true"}, Cmd: []string{"true"}, Env: []string{"PATH=/bin"}, Hostname: "x", Size: "s4"},
				State:     container.State{Status: store.StatusExited, StartedAt: at, FinishedAt: at.Add(time.Second)},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	eng, bus, log := fake.New(), event.NewBus(), slog.New(slog.NewTextHandler(io.Discard, nil))
	nets := network.New(network.Config{Store: st, Engine: eng})
	containers := container.New(container.Config{Store: st, Engine: eng, Events: bus, Network: nets, Log: log, DataRoot: tb.TempDir()})
	tb.Cleanup(containers.Close)
	return server.New(server.Config{
		Containers: containers, Images: &fakeImages{}, Volumes: &fakeVolumes{}, Networks: nets, FIPs: &fakeFIPs{}, System: fakeSystem{},
		Events: bus, Auth: known{acc.Ref}, Log: log,
	}).Handler()
}

// discarding takes an answer and keeps only how much it was.
type discarding struct {
	http.ResponseWriter
	n int
}

func (d *discarding) Write(p []byte) (int, error) {
	d.n += len(p)
	return len(p), nil
}

// BenchmarkListThousand is what `docker ps -a` and `docker inspect` ask of a server with a thousand containers. What is allocated is the answer.
func BenchmarkListThousand(b *testing.B) {
	h := crowded(b, 1000)
	for _, target := range []string{"/v1.41/containers/json?all=1", "/v1.52/containers/json?all=1", "/v1.41/containers/crowd7/json"} {
		b.Run(target, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := &discarding{ResponseWriter: httptest.NewRecorder()}
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
				if w.n < 500 {
					b.Fatalf("the answer has %d bytes", w.n)
				}
			}
		})
	}
}
