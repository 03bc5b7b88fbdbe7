// Command wire is both ends of the benchmark's traffic: a web server and a sink of bytes, and what asks and sends. It goes into
// containers, so it is one static file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	webPort, sinkPort = "8080", "8081"
	workers           = 8
	lasts             = 2 * time.Second
)

var kinds = map[string]func(host string) (float64, error){
	"requests":    func(host string) (float64, error) { return ask(host, true) },
	"connections": func(host string) (float64, error) { return ask(host, false) },
	"bytes":       send,
}

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		err = serve()
	case len(os.Args) == 3 && kinds[os.Args[1]] != nil:
		var rate float64
		if rate, err = kinds[os.Args[1]](os.Args[2]); err == nil {
			fmt.Printf("%.3f\n", rate)
		}
	default:
		err = errors.New("usage: wire serve | wire requests|connections|bytes HOST")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}

func serve() error {
	sink, err := net.Listen("tcp", ":"+sinkPort)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := sink.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				n, _ := io.Copy(io.Discard, c)
				fmt.Fprintf(c, "%d", n)
			}()
		}
	}()
	return http.ListenAndServe(":"+webPort, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}))
}

// ask counts the requests that are answered in a second, on connections that are kept or on one for each.
func ask(host string, keep bool) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lasts)
	defer cancel()
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if tcp, ok := c.(*net.TCPConn); ok {
			err = tcp.SetLinger(0) // ports are free again at once
		}
		return c, err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: !keep, MaxIdleConnsPerHost: workers}}
	var answered atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	begin := time.Now()
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, webPort)+"/", nil)
				if err == nil {
					var resp *http.Response
					if resp, err = client.Do(req); err == nil {
						_, err = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					}
				}
				switch {
				case err == nil:
					answered.Add(1)
				case ctx.Err() == nil:
					failed.Store(&err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(answered.Load()) / time.Since(begin).Seconds(), nil
}

// send counts the Gbit that arrive in a second on one connection.
func send(host string) (float64, error) {
	c, err := net.Dial("tcp", net.JoinHostPort(host, sinkPort))
	if err != nil {
		return 0, err
	}
	defer c.Close()
	b := make([]byte, 256<<10)
	begin := time.Now()
	for time.Since(begin) < lasts {
		if _, err := c.Write(b); err != nil {
			return 0, err
		}
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return 0, err
	}
	var n int64
	if _, err := fmt.Fscan(c, &n); err != nil {
		return 0, err
	}
	return float64(n) * 8 / 1e9 / time.Since(begin).Seconds(), nil
}
