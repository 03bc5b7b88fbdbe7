package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
)

// TestCalls states for each call what is sent and what is made of the answer.
func TestCalls(t *testing.T) {
	for name, c := range map[string]struct {
		call   func(context.Context, *client.Client) (any, error)
		want   string // the request
		status int
		answer string
		result any
	}{
		"allocate": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				v, err := c.FIPAllocate(ctx, 2)
				return strings.Join(v, " "), err
			},
			want: "POST /fips/allocate?count=2", status: 201, answer: `["203.0.113.24","203.0.113.25"]`, result: "203.0.113.24 203.0.113.25",
		},
		"detach": {
			call: func(ctx context.Context, c *client.Client) (any, error) { return c.FIPDetach(ctx, "web") },
			want: "POST /fips/detach?container=web", status: 200, answer: `"203.0.113.24"`, result: "203.0.113.24",
		},
		"attach": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return nil, c.FIPAttach(ctx, "shopip", "web")
			},
			want: "POST /fips/attach?container=web&ip=shopip", status: 204,
		},
		"move": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return nil, c.FIPMove(ctx, "shopip", "web")
			},
			want: "POST /fips/attach?container=web&force=1&ip=shopip", status: 204,
		},
		"release": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return nil, c.FIPRelease(ctx, "203.0.113.24")
			},
			want: "POST /fips/release?ip=203.0.113.24", status: 204,
		},
		"take a name away": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return nil, c.FIPName(ctx, "203.0.113.24", "")
			},
			want: "POST /fips/name?ip=203.0.113.24&name=", status: 204,
		},
		"list": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				v, err := c.FIPList(ctx, map[string][]string{"dangling": {"true"}})
				return len(v) == 1 && v[0] == types.FloatingIP{Address: "203.0.113.24", Name: "shopip"} && v[0].Free(), err
			},
			want:   "GET /fips?filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D",
			status: 200, answer: `[{"fip":"203.0.113.24","name":"shopip","container":"","service":""}]`, result: true,
		},
		"remove with what stays": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				v, err := c.ContainerRemove(ctx, "/web", client.ContainerRemoveOptions{Force: true, Volumes: true})
				return strings.Join(v, "|"), err
			},
			want: "DELETE /containers/web?force=1&notices=1&v=1", status: 200, answer: `["a","b"]`, result: "a|b",
		},
		"remove of an older server": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				v, err := c.ContainerRemove(ctx, "web", client.ContainerRemoveOptions{})
				return len(v), err
			},
			want: "DELETE /containers/web?notices=1", status: 204, result: 0,
		},
		"a name is one segment": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				_, err := c.ContainerRemove(ctx, "a/../b?c", client.ContainerRemoveOptions{})
				return nil, err
			},
			want: "DELETE /containers/a%2F..%2Fb%3Fc?notices=1", status: 204,
		},
		"update": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return nil, c.ContainerUpdate(ctx, "web", types.ContainerUpdate{SetContainerProtection: "true"})
			},
			want: `PUT /containers/web {"SetContainerProtection":"true"}`, status: 204,
		},
		"a volume of its own": {
			call: func(ctx context.Context, c *client.Client) (any, error) {
				return c.VolumeCreate(ctx, types.VolumeCreate{Name: "pgdata", DriverOpts: map[string]string{"size": "20"}})
			},
			want: `POST /volumes/create?exclusive=1 {"Name":"pgdata","DriverOpts":{"size":"20"}}`, status: 201, answer: `{"Name":"pgdata"}`, result: "pgdata",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			cl := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
				w.WriteHeader(c.status)
				io.WriteString(w, c.answer)
			})
			result, err := c.call(t.Context(), cl)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("sent %s, want %s", got, c.want)
			}
			if result != c.result {
				t.Errorf("got %v, want %v", result, c.result)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		status            int
		contentType, body string
		is                func(error) bool
		want              string
	}{
		"json":       {404, "application/json", `{"message":"No such floating IP: x"}`, errdefs.IsNotFound, "Error response from daemon: No such floating IP: x"},
		"plain text": {409, "text/plain", "in use\n", errdefs.IsConflict, "Error response from daemon: in use"},
		"no body":    {503, "", "", errdefs.IsUnavailable, "Error: request returned Service Unavailable for API route and version http://hyper/fips/name?ip=x&name=y, check if the server supports the requested API version"},
	} {
		t.Run(name, func(t *testing.T) {
			cl := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			})
			err := cl.FIPName(t.Context(), "x", "y")
			if !c.is(err) {
				t.Errorf("class of %v", err)
			}
			if err.Error() != c.want {
				t.Errorf("got %q, want %q", err, c.want)
			}
			var e *client.Error
			if !errors.As(err, &e) || e.StatusCode != c.status {
				t.Errorf("status of %#v", err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	cl, err := client.New("unix:///nosuch/hyper.sock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cl.FIPList(t.Context(), nil); !client.IsConnectionFailed(err) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cl.FIPList(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
}

func TestAddresses(t *testing.T) {
	for _, host := range []string{"", "unix:///run/hyper/hyper.sock", "tcp://10.1.2.3:6443", "https://hyper.example.org"} {
		if _, err := client.New(host); err != nil {
			t.Errorf("New(%q): %v", host, err)
		}
	}
	for _, host := range []string{"hyper.example.org", "unix://", "ftp://x", "tcp://", "http://a b"} {
		if _, err := client.New(host); err == nil {
			t.Errorf("New(%q) is taken", host)
		}
	}
}

func TestRefusedNames(t *testing.T) {
	cl := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") })
	for _, name := range []string{"", "/", ".", ".."} {
		if err := cl.ContainerUpdate(t.Context(), name, types.ContainerUpdate{}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestHeaders(t *testing.T) {
	var got []string
	handler := func(_ http.ResponseWriter, r *http.Request) {
		got = []string{r.UserAgent(), r.Header.Get("Authorization")}
	}
	cl := serve(t, handler, client.WithUserAgent("Hyper-Client/1"), client.WithHeaders(map[string]string{"authorization": "Bearer x"}))
	if _, err := cl.FIPList(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Hyper-Client/1", "Bearer x"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// serve answers on a unix socket, as hyperd does, until the test ends.
func serve(t *testing.T, handler http.HandlerFunc, opts ...client.Option) *client.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	cl, err := client.New("unix://"+socket, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}
