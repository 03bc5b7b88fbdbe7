package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestOddRequests sends what no client of Docker's sends, as bytes. Each gets an answer whose text is a sentence, and the server answers the next one.
func TestOddRequests(t *testing.T) {
	const create, asJSON = "POST /v1.44/volumes/create HTTP/1.1\nHost: x\n", "Content-Type: application/json\n"
	withBody := func(body string) string {
		return create + asJSON + fmt.Sprintf("Content-Length: %d\n\n", len(body)) + body
	}
	for _, tc := range []struct {
		name, request string
		status        int
		says          string
	}{
		{"HTTP/1.0", "GET /_ping HTTP/1.0\n\n", 200, "OK"},
		{"an odd version of HTTP", "GET /_ping HTTP/9.9\nHost: x\n\n", 505, ""},
		{"no host", "GET /_ping HTTP/1.1\n\n", 400, ""},
		{"two lengths", create + asJSON + "Content-Length: 2\nContent-Length: 3\n\n{}", 400, ""},
		{"a negative length", create + asJSON + "Content-Length: -1\n\n{}", 400, ""},
		{"headers beyond all measure", "GET /_ping HTTP/1.1\nHost: x\nX: " + strings.Repeat("x", 1<<20) + "\n\n", 431, ""},
		{"a path beyond all measure", "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\nHost: x\n\n", 431, ""},
		{"a chunk of no size", create + asJSON + "Transfer-Encoding: chunked\n\nzz\n{}\n0\n\n", 400, "reading the request's body: invalid byte in chunk length"},
		{"a chunk of all sizes", create + asJSON + "Transfer-Encoding: chunked\n\nffffffffffffffffff\n{}\n0\n\n", 400, "reading the request's body: http chunk length too large"},
		{"an unknown encoding", create + asJSON + "Transfer-Encoding: brotli\n\n{}", 501, ""},

		{"no content type", create + "Content-Length: 2\n\n{}", 400, "unsupported Content-Type header (): must be 'application/json'"},
		{"a content type with an alphabet", create + "Content-Type: application/json; charset=utf-8\nContent-Length: 2\n\n{}", 201, ""},
		{"a content type that is none", create + "Content-Type: ;;\nContent-Length: 2\n\n{}", 400, "unsupported Content-Type header (;;)"},
		{"no JSON", withBody("{"), 400, "invalid JSON: unexpected end of JSON input, at byte 1"},
		{"more than JSON", withBody(`{"Name":"data"} rm -rf`), 400, "invalid JSON: invalid character 'r' after top-level value"},
		{"two values", withBody(`{}{}`), 400, "invalid JSON: invalid character '{' after top-level value"},
		{"a field of another kind", withBody(`{"Labels":7}`), 400, "invalid JSON: Labels is a number, and should be an object"},
		{"a list for an object", withBody(`[]`), 400, "invalid JSON: it is a list, and should be an object"},
		{"a field that nobody knows", withBody(`{"Name":"data","Colour":"blue"}`), 201, ""},
		{"a field twice: the last counts", withBody(`{"Name":"no","Name":"data"}`), 201, ""},
		{"a field in other letters", withBody(`{"name":"data"}`), 201, ""},
		{"objects without an end", withBody(`{"Labels":` + strings.Repeat("[", 20000)), 400, "exceeded max depth"},
		{"more values than anybody needs", withBody(`{"X":[` + strings.Repeat("1,", 70000) + `1]}`), 400, "invalid JSON: it holds 70003 values, and may hold 65536"},
		{"bytes that are no text", withBody("{\"Name\":\"\xff\xfe\"}"), 201, ""},
		{"a zero byte", withBody("{\"Name\":\"\x00\"}"), 400, "invalid JSON: invalid character"},
		{"a body without an end", create + asJSON + "Transfer-Encoding: chunked\n\n200000\n" + strings.Repeat("x", 2<<20) + "\n0\n\n", 413, "larger than 1048576 bytes"},
		{"a large body that is announced", create + asJSON + "Content-Length: 9223372036854775807\n\n" + strings.Repeat("x", 2<<20), 413, "larger than 1048576 bytes"},
		{"a name that is repeated", "GET /v1.44/containers/" + strings.Repeat("x", 100000) + "/json HTTP/1.1\nHost: x\n\n", 404, "No such container: xxx"},

		{"dots, encoded", "GET /v1.44/containers/%2e%2e/json HTTP/1.1\nHost: x\n\n", 404, "No such container: .."},
		{"a slash in a name", "GET /v1.44/containers/a%2Fb/json HTTP/1.1\nHost: x\n\n", 404, "No such container: a/b"},
		{"dots that lead elsewhere", "GET /v1.44/containers/web/../../info HTTP/1.1\nHost: x\n\n", 404, "page not found"},
		{"a zero byte in a name", "GET /v1.44/containers/a%00b/json HTTP/1.1\nHost: x\n\n", 404, "No such container: a\x00b"},
		{"a line's end in a name", "GET /v1.44/containers/a%0d%0aX:%20y/json HTTP/1.1\nHost: x\n\n", 404, "No such container: a"},
		{"no text in a name", "GET /v1.44/containers/%ff%fe/json HTTP/1.1\nHost: x\n\n", 404, "No such container"},
		{"an encoding that is none", "GET /v1.44/containers/%zz/json HTTP/1.1\nHost: x\n\n", 400, ""},
		{"a query that is none", "GET /v1.44/containers/json?all=%zz&;;&=&&&all HTTP/1.1\nHost: x\n\n", 200, ""},
		{"an address for a path", "GET http://169.254.169.254/latest HTTP/1.1\nHost: x\n\n", 404, "page not found"},
		{"no path", "GET * HTTP/1.1\nHost: x\n\n", 404, "page not found"},
		{"a method that nobody knows", "BREW /v1.44/containers/json HTTP/1.1\nHost: x\n\n", 404, "page not found"},
		{"a tunnel", "CONNECT 10.0.0.1:22 HTTP/1.1\nHost: x\n\n", 404, "page not found"},
		{"a method in small letters", "get /v1.44/containers/json HTTP/1.1\nHost: x\n\n", 404, "page not found"},
		{"another protocol than what can be had", "GET /v1.44/containers/json HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: h2c\n\n", 200, ""},
		{"a filter with a pattern that takes all memory", "GET /v1.44/networks?filters=%7B%22name%22%3A%5B%22(abcdefghij)%7B999%7D%22%5D%7D HTTP/1.1\nHost: x\n\n", 400, "the pattern is too long"},
		{"more values of a filter than there are things", "GET /v1.44/containers/json?filters=%7B%22id%22%3A%5B" + strings.Repeat("%22a%22,", 2000) + "%22a%22%5D%7D HTTP/1.1\nHost: x\n\n", 400, "it has 2001 values, and may have 1024"},
		{"a time before all others", "GET /v1.44/events?since=-9223372036854775808 HTTP/1.1\nHost: x\n\n", 400, "since must be seconds since 1970 or a time"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			conn := b.dial()
			go func() { _, _ = io.WriteString(conn, strings.ReplaceAll(tc.request, "\n", "\r\n")) }() // an answer may come before all is sent
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tc.status {
				t.Errorf("%d %.200s", resp.StatusCode, raw)
			}
			var answer struct{ Message string }
			if resp.StatusCode >= 400 && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
				if err := json.Unmarshal(raw, &answer); err != nil || answer.Message == "" {
					t.Errorf("%.200q is no answer: %v", raw, err)
				}
			} else {
				answer.Message = string(raw)
			}
			if !strings.Contains(answer.Message, tc.says) || !utf8.Valid(raw) || resp.StatusCode >= 400 && len(raw) > 10000 {
				t.Errorf("%d bytes: %.200q, and should say %q", len(raw), answer.Message, tc.says)
			}
			if status, _ := b.get("/_ping"); status != 200 {
				t.Errorf("afterwards it answers %d", status)
			}
		})
	}
}

// Requests that are sent without waiting are answered in their order.
func TestPipelining(t *testing.T) {
	b := newBench(t)
	conn := b.dial()
	fmt.Fprint(conn, "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\nGET /v1.44/containers/none/json HTTP/1.1\r\nHost: x\r\n\r\nHEAD /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	r := bufio.NewReader(conn)
	for i, want := range []int{200, 404, 200} {
		resp, err := http.ReadResponse(r, &http.Request{Method: []string{"GET", "GET", "HEAD"}[i]})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		same(t, "status", resp.StatusCode, want)
	}
}

// A client that asks before it sends is told to go on, and only where its body is read.
func TestExpectContinue(t *testing.T) {
	for target, want := range map[string]string{"/v1.44/volumes/create": "HTTP/1.1 100 Continue\r\n", "/v1.44/containers/none/start": "HTTP/1.1 404 Not Found\r\n"} {
		b := newBench(t)
		b.containers.err = fmt.Errorf("unused")
		conn := b.dial()
		if strings.Contains(target, "none") {
			target = "/v1.44/nonsense"
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", target)
		r := bufio.NewReader(conn)
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		same(t, target, line, want)
		if strings.Contains(line, "100") {
			_, _ = r.ReadString('\n')
			fmt.Fprint(conn, "{}")
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			same(t, "status", resp.StatusCode, 201)
		}
	}
}

// A body that ends with the connection is no body.
func TestBodiesThatEndTooEarly(t *testing.T) {
	for name, request := range map[string]string{
		"of a length": "Content-Length: 100\r\n\r\n{\"Name\":",
		"of chunks":   "Transfer-Encoding: chunked\r\n\r\n64\r\n{\"Name\":",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			conn := b.dial()
			fmt.Fprint(conn, "POST /v1.44/volumes/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+request)
			if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			raw, _ := io.ReadAll(resp.Body)
			same(t, "answer", fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(string(raw))), `400 {"message":"the request's body ended too early"}`)
		})
	}
}
