package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/hypercloud/hyper/test/lab"
)

// The quiet account has a web server and runs a container now and then. The noisy one does its worst, one kind at a time. Quiet and
// noisy samples of one kind are taken in turns, so that what else happens on the machine disturbs both.

const api = "127.0.0.1:6443"

// stage is a lab with the two accounts.
type stage struct {
	*lab.Lab
	quiet []string // environment of the quiet account's client
	site  string   // its web server
	noisy *http.Client
	token string
}

// noise is one way to be a bad neighbour. It goes on until ctx ends.
type noise struct {
	name string
	make func(ctx context.Context, s *stage) error
}

// crowd runs a script in ten containers of the noisy account.
func crowd(size, script string) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		for n := range 10 {
			args := []string{"--account", "noisy", "run", "-d", "--size", size, "--name", fmt.Sprint("noise", n), "busybox", "sh", "-c", script}
			if _, errOut, code := s.Hyper(args...); code != 0 {
				return fmt.Errorf("hyper %v: %s", args, errOut)
			}
		}
		<-ctx.Done()
		return nil
	}
}

var noises = []noise{
	{"nothing", func(ctx context.Context, _ *stage) error { <-ctx.Done(); return nil }},
	{"busy processors: 10 x 8 loops, size l2", crowd("l2", `i=0; while [ $i -lt 8 ]; do (while :; do :; done) & i=$((i+1)); done; wait`)},
	{"fork bombs: 10", crowd("s4", `f() { f | f & }; f; sleep 1000`)},
	{"memory without end: 10", crowd("s2", `while :; do tail /dev/zero; done`)},
	{"killed for memory and started again: 10", outOfMemory},
	{"files without end: 10", crowd("s4", `i=0; mkdir /f; while :; do i=$((i+1)); : > /f/$i; done`)},
	{"writing to disk without end: 10", crowd("s4", `while :; do dd if=/dev/zero of=/big bs=1M count=500 conv=fsync 2>/dev/null; done`)},
	{"logs without end: 10", crowd("s4", `yes 0123456789012345678901234567890123456789`)},
	{"events: start and kill, 50 watchers", stormOfEvents},
	{"exec, as many as it gets", stormOfExec},
	{"connections that say nothing: 2000", slowConnections},
	{"pulling a large image, over and over", pulls},
}

// fair measures what each noise does to the quiet account.
func fair(samples int, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	s, err := newStage()
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Printf("%-40s %10s %10s %7s   %10s %10s %7s %7s\n", "the other account makes", "run quiet", "noisy", "ratio", "web quiet", "noisy", "ratio", "p99")
	for _, n := range noises {
		if !pattern.MatchString(n.name) {
			continue
		}
		if err := s.measure(n, samples); err != nil {
			fmt.Printf("%-40s %v\n", n.name, err)
		}
	}
	return nil
}

func newStage() (*stage, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	l, err := lab.New(root, "fair")
	if err != nil {
		return nil, err
	}
	s := &stage{Lab: l}
	if err := s.furnish(); err != nil {
		l.Close()
		return nil, err
	}
	return s, nil
}

func (s *stage) furnish() error {
	if err := s.StartRegistry(os.Getenv("HYPER_TEST_REGISTRY"), os.Getenv("HYPER_TEST_IMAGES")); err != nil {
		return err
	}
	if err := s.Start("--trace", "--host", "tcp://"+api); err != nil {
		return err
	}
	said := func(args ...string) (string, error) {
		out, errOut, code := s.Hyper(args...)
		if code != 0 {
			return "", fmt.Errorf("hyper %v: %s", args, errOut)
		}
		return strings.TrimSpace(out), nil
	}
	if _, err := said("admin", "account", "create", "noisy"); err != nil {
		return err
	}
	created, err := said("admin", "account", "create", "quiet")
	if err != nil {
		return err
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(created, name+": ")
		return strings.Fields(rest + " ?")[0]
	}
	s.quiet = append(os.Environ(), "HYPER_HOST=", "HYPER_DEFAULT_REGION=tcp://"+api, "HYPER_ACCESS="+field("access key"), "HYPER_SECRET="+field("secret key"),
		"HYPER_CERT_PATH="+filepath.Join(s.Dir, "data", "tls"), "HYPER_CONFIG="+filepath.Join(s.Dir, "quiet"), "HOME="+s.Dir)
	if s.token, err = said("--account", "noisy", "token", "create", "--name", "noise"); err != nil {
		return err
	}
	s.token = strings.Fields(s.token)[len(strings.Fields(s.token))-1]
	for _, args := range [][]string{
		{"--account", "noisy", "pull", "busybox"},
		{"--account", "quiet", "pull", "busybox"},
		{"--account", "quiet", "run", "-d", "--name", "web", "-p", "80", "nginx"},
	} {
		if _, err := said(args...); err != nil {
			return err
		}
	}
	fip, err := said("--account", "quiet", "fip", "allocate", "-y", "1")
	if err != nil {
		return err
	}
	if _, err := said("--account", "quiet", "fip", "attach", fip, "web"); err != nil {
		return err
	}
	s.site = fip + ":80"
	s.noisy = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 64, //nolint:gosec // a lab on loopback
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return s.Dial(ctx, network, addr, "127.0.0.2")
		},
	}}
	return nil
}

// run is the quiet account's run of a container, from the command to its end.
func (s *stage) run() (time.Duration, error) {
	cmd := s.Command(context.Background(), filepath.Join(s.Bin, "hyper"), "run", "--rm", "busybox", "true")
	cmd.Env = s.quiet
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("the quiet account's run: %w: %s", err, out)
	}
	return time.Since(begin), nil
}

// request asks the quiet account's web server for a page.
func (s *stage) request() (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	begin := time.Now()
	conn, err := s.Dial(ctx, "tcp4", s.site, "")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(begin.Add(10 * time.Second))
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return 0, err
	}
	b, err := io.ReadAll(conn)
	if err == nil && !bytes.Contains(b, []byte(" 200 ")) {
		err = fmt.Errorf("the site says %q", b[:min(len(b), 80)])
	}
	return time.Since(begin), err
}

type figures struct{ runs, requests []time.Duration }

func (f *figures) take(s *stage, samples int) error {
	for range samples {
		d, err := s.run()
		if err != nil {
			return err
		}
		f.runs = append(f.runs, d)
		for range 40 {
			d, err := s.request()
			if err != nil {
				return fmt.Errorf("the quiet account's site: %w", err)
			}
			f.requests = append(f.requests, d)
		}
	}
	return nil
}

const turns = 3

func (s *stage) measure(n noise, samples int) error {
	var quiet, noisy figures
	each := max(1, samples/turns)
	for range turns {
		if err := quiet.take(s, each); err != nil {
			return err
		}
		err := s.during(n, func() error { return noisy.take(s, each) })
		if err != nil {
			return err
		}
	}
	rq, rn, wq, wn := median(quiet.runs), median(noisy.runs), median(quiet.requests), median(noisy.requests)
	pq, pn := quiet.requests[len(quiet.requests)*99/100], noisy.requests[len(noisy.requests)*99/100]
	fmt.Printf("%-40s %7.0f ms %7.0f ms %7.2f   %7.2f ms %7.2f ms %7.2f %7.2f\n", n.name, ms(rq), ms(rn), float64(rn)/float64(rq),
		ms(wq), ms(wn), float64(wn)/float64(wq), float64(pn)/float64(pq))
	return nil
}

// during makes a noise while fn runs, and clears it away.
func (s *stage) during(n noise, fn func() error) error {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.make(ctx, s) }()
	time.Sleep(4 * time.Second)
	err := fn()
	cancel()
	err = errors.Join(err, <-ended)
	if out, _, _ := s.Hyper("--account", "noisy", "ps", "-aq"); out != "" {
		_, errOut, code := s.Hyper(append([]string{"--account", "noisy", "rm", "-f"}, strings.Fields(out)...)...)
		if code != 0 {
			err = errors.Join(err, errors.New(errOut))
		}
	}
	time.Sleep(time.Second)
	return err
}

// ask makes a call as the noisy account and throws the answer away.
func (s *stage) ask(ctx context.Context, method, path, body string) (status int, answer []byte) {
	req, err := http.NewRequestWithContext(ctx, method, "https://"+api+path, strings.NewReader(body))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.noisy.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	answer, _ = io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, answer
}

// workers runs fn in many goroutines, over and over, until ctx ends.
func workers(ctx context.Context, n int, fn func(n int)) error {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				fn(i)
			}
		})
	}
	wg.Wait()
	return nil
}

func stormOfEvents(ctx context.Context, s *stage) error {
	for range 50 {
		go func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+api+"/events", nil)
			req.Header.Set("Authorization", "Bearer "+s.token)
			if resp, err := s.noisy.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
	}
	for n := range 8 {
		s.ask(ctx, http.MethodPost, fmt.Sprintf("/containers/create?name=noise%d", n), `{"Image":"busybox","Cmd":["sleep","1000"]}`)
	}
	return workers(ctx, 8, func(n int) {
		s.ask(ctx, http.MethodPost, fmt.Sprintf("/containers/noise%d/start", n), "")
		s.ask(ctx, http.MethodPost, fmt.Sprintf("/containers/noise%d/kill", n), "")
	})
}

func stormOfExec(ctx context.Context, s *stage) error {
	for n := range 4 {
		s.ask(ctx, http.MethodPost, fmt.Sprintf("/containers/create?name=noise%d", n), `{"Image":"busybox","Cmd":["sleep","1000"]}`)
		s.ask(ctx, http.MethodPost, fmt.Sprintf("/containers/noise%d/start", n), "")
	}
	return workers(ctx, 64, func(n int) {
		status, answer := s.ask(ctx, http.MethodPost, fmt.Sprintf("/containers/noise%d/exec", n%4), `{"Cmd":["true"]}`)
		if status != http.StatusCreated {
			time.Sleep(50 * time.Millisecond) // a client that heeds no Retry-After, but that is no measurement of loopback either
			return
		}
		_, id, _ := strings.Cut(string(answer), `"Id":"`)
		id, _, _ = strings.Cut(id, `"`)
		s.ask(ctx, http.MethodPost, "/exec/"+id+"/start", `{"Detach":true}`)
	})
}

// slowConnections holds connections open from many addresses, with a byte now and then.
func slowConnections(ctx context.Context, s *stage) error {
	return workers(ctx, 2000, func(n int) {
		conn, err := s.Dial(ctx, "tcp4", api, fmt.Sprintf("127.0.0.%d", 2+n%8))
		if err != nil {
			time.Sleep(time.Second)
			return
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		for i := 0; ctx.Err() == nil; i++ {
			hello := []byte{22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}
			if _, err := conn.Write(hello[i%len(hello) : i%len(hello)+1]); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	})
}

// outOfMemory has containers whose first process eats their memory and is killed. A restart policy would leave one that ends within seconds as it
// is; their owner starts each again as soon as it has ended.
func outOfMemory(ctx context.Context, s *stage) error {
	for n := range 10 {
		status, answer := s.ask(ctx, http.MethodPost, fmt.Sprintf("/containers/create?name=noise%d", n),
			`{"Image":"busybox","Cmd":["tail","/dev/zero"],"Labels":{"sh_hyper_instancetype":"s2"}}`)
		if status != http.StatusCreated {
			return fmt.Errorf("creating a container that eats its memory: %d %s", status, answer)
		}
	}
	return workers(ctx, 10, func(n int) {
		s.ask(ctx, http.MethodPost, fmt.Sprintf("/containers/noise%d/start", n), "")
		time.Sleep(100 * time.Millisecond)
	})
}

func pulls(ctx context.Context, s *stage) error {
	return workers(ctx, 2, func(n int) {
		image := []string{"wordpress", "mysql"}[n]
		s.ask(ctx, http.MethodPost, "/images/create?fromImage="+image+"&tag=latest", "")
		s.ask(ctx, http.MethodDelete, "/images/"+image+"?force=1", "")
	})
}
