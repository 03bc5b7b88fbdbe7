package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/hypercloud/hyper/internal/oops"
)

func TestFiles(t *testing.T) {
	b := newBench(t)
	ctx, c := context.Background(), b.docker("")
	st, err := c.ContainerStatPath(ctx, "web", client.ContainerStatPathOptions{Path: "/etc/passwd"})
	if err != nil || st.Stat.Name != "passwd" || st.Stat.LinkTarget != "/x" || st.Stat.Mode != 0o644 {
		t.Errorf("%+v %v", st, err)
	}
	got, err := c.CopyFromContainer(ctx, "web", client.CopyFromContainerOptions{SourcePath: "/etc/passwd"})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(got.Content)
	got.Content.Close()
	if string(raw) != "archive" || got.Stat.Size != 5 {
		t.Errorf("%s %+v", raw, got.Stat)
	}
	if _, err := c.CopyToContainer(ctx, "web", client.CopyToContainerOptions{DestinationPath: "/tmp", Content: strings.NewReader("tar"), CopyUIDGID: true}); err != nil {
		t.Error(err)
	}
	export, err := c.ContainerExport(ctx, "web", client.ContainerExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ = io.ReadAll(export)
	export.Close()
	same(t, "export", string(raw), "export")
	_, body := b.get("/v1.44/containers/web/changes")
	same(t, "changes", strings.TrimSpace(body), `[{"Kind":1,"Path":"/a"},{"Kind":2,"Path":"/b"}]`)
	same(t, "calls", strings.Join(b.containers.said(), "; "), "stat web /etc/passwd; read web /etc/passwd; "+
		"write web {Path:/tmp KeepKinds:true Own:true} tar; export web; changes web")
}

func TestFilesThatAreNotThere(t *testing.T) {
	b := newBench(t)
	b.containers.err = oops.NotFound("Could not find the file /x in container web")
	for _, call := range []string{"GET /containers/web/archive?path=/x", "PUT /containers/web/archive?path=/x", "GET /containers/web/export"} {
		method, target, _ := strings.Cut(call, " ")
		if status, body := b.send(method, "/v1.44"+target, ""); status != 404 || !strings.Contains(body, "Could not find the file") {
			t.Errorf("%s: %d %s", call, status, body)
		}
	}
	conn := b.dial()
	fmt.Fprintf(conn, "HEAD /v1.44/containers/web/archive?path=/x HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodHead})
	if err != nil || resp.StatusCode != 404 {
		t.Errorf("%v %v", resp, err)
	}
}

func TestCommitCall(t *testing.T) {
	b := newBench(t)
	status, body := b.send("POST", "/v1.23/commit?author=Demo+%3Cdemo%40example.com%3E&changes=ENV+A%3D1&changes=CMD+%5B%22sh%22%5D&comment=a+message&container=web&repo=me%2Fweb&tag=v1", "null\n")
	if status != 201 || strings.TrimSpace(body) != `{"Id":"`+imageID+`"}` {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := b.send("POST", "/v1.44/commit?container=web", `{"Env":["A=2"]}`); status != 201 {
		t.Errorf("%d", status)
	}
	same(t, "calls", strings.Join(b.containers.said(), "; "), `commit web as "me/web":"v1" by "Demo <demo@example.com>" (a message) ["ENV A=1" "CMD [\"sh\"]"] []; `+
		`commit web as "":"" by "" () [] [A=2]`)
}
