package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hypercloud/hyper/internal/signature"
	"github.com/hypercloud/hyper/test/lab"
)

// progress is what the original's client shows on terminals only.
var progress = regexp.MustCompile(`(?m)^.*"progressDetail".*\n`)

// signed METHOD TARGET [FILE] makes a call as the original's client does, signed with $ACCESS and $SECRET, with a file of the script as its
// body. It prints the answer's body; an answer of 400 or more, or a stream that ends with an error, is a failure.
func signed(ts *testscript.TestScript, l *lab.Lab, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: signed METHOD TARGET [FILE]")
	}
	body := ""
	if len(args) == 3 {
		body = ts.ReadFile(args[2])
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, args[0], "http://hyper"+args[1], strings.NewReader(os.Expand(body, ts.Getenv)))
	ts.Check(err)
	req.Header.Set("Content-Type", "text/plain")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	key := signature.Key{Access: ts.Getenv("ACCESS"), Secret: ts.Getenv("SECRET")}
	signature.Sign(req, signature.HashBody([]byte(os.Expand(body, ts.Getenv))), key, "us-west-1", time.Now())
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(l.Host(), "unix://"))
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	ts.Check(err)
	out = progress.ReplaceAll(out, nil)
	_, err = ts.Stdout().Write(out)
	ts.Check(err)
	failed := resp.StatusCode >= 400 || strings.Contains(string(out), `"errorDetail"`)
	if failed != neg {
		ts.Fatalf("signed %v: %s\n%s", args, resp.Status, out)
	}
}
