package server_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/server/auth"
)

func TestListen(t *testing.T) {
	dir := t.TempDir()
	free := filepath.Join(dir, "free")
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(dir, "used")
	u, err := server.Listen("unix://"+used, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for _, tc := range []struct {
		name, host string
		ok         bool
	}{
		{"a free path", "unix://" + free, true},
		{"a socket that is left over", "unix://" + stale, true},
		{"a socket in use", "unix://" + used, false},
		{"a file", "unix://" + file, false},
		{"a relative path", "unix://run", false},
		{"TCP, where nobody would be known", "tcp://127.0.0.1:1", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := server.Listen(tc.host, nil)
			if (err == nil) != tc.ok {
				t.Fatalf("%v", err)
			}
			if l == nil {
				return
			}
			info, err := os.Stat(tc.host[len("unix://"):])
			if err != nil {
				t.Fatal(err)
			}
			same(t, "mode", info.Mode().Perm(), os.FileMode(0o660))
			l.Close()
			if _, err := os.Stat(tc.host[len("unix://"):]); !os.IsNotExist(err) {
				t.Errorf("the socket file is left: %v", err)
			}
		})
	}
	if _, err := os.Stat(used); err != nil {
		t.Errorf("the socket in use was touched: %v", err)
	}
}

// Whoever does not come over the socket is nobody.
func TestPeersOnly(t *testing.T) {
	b := newBench(t)
	s := httptest.NewServer(b.server.Handler())
	defer s.Close()
	for path, want := range map[string]int{"/_ping": 200, "/version": 200, "/v1.44/containers/json": 401, "/info": 401, "/fips": 401} {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		same(t, path, resp.StatusCode, want)
	}
	_, err := auth.Peers{Account: theAccount}.Authenticate(nil, httptest.NewRequest("GET", "/", nil))
	if !errdefs.IsUnauthorized(err) {
		t.Errorf("%v", err)
	}
}
