package docker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/jsonstream"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// loadLength is the header that tells how many bytes the original's client will send (api 7.5).
const loadLength = "X-Hyper-Content-Length"

// loadImages takes images from an archive that comes in one of three ways: as the body (Docker's), from a URL that the body names, or on the
// connection that is taken over (both the original's, api 7.3 and 7.5).
func (api *API) loadImages(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if rest.Bool(r, "file") {
		return api.loadUploaded(ctx, a, w, r)
	}
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct == "application/json" {
		return api.loadURL(ctx, a, w, r)
	}
	return api.loadBody(ctx, a, w, r)
}

// loading tells of a load, in the words of the one who asked. What is told before the whole archive is there waits until it is: a client
// that is still sending does not read.
type loading struct {
	send    func(any) error
	quiet   bool
	early   []any
	arrived bool
	failed  error
}

func (l *loading) tell(v any) {
	if !l.arrived {
		l.early = append(l.early, v)
		return
	}
	if err := l.send(v); err != nil {
		l.failed = err
	}
}

// arrive sends what has waited.
func (l *loading) arrive() {
	l.arrived = true
	for _, v := range l.early {
		l.tell(v)
	}
	l.early = nil
}

func (l *loading) progress(p engine.PullProgress) {
	if !l.quiet && p.Status == engine.PullExtracting {
		l.tell(jsonstream.Message{ID: p.Layer, Status: "Loading layer", Progress: &jsonstream.Progress{Current: p.Current, Total: max(p.Total, 1)}})
	}
}

// original tells of a loaded image as the original does.
func (l *loading) original(img cloud.Loaded) {
	if l.quiet {
		return
	}
	shown := img.ID
	if img.Name != "" {
		shown = img.Name + "(" + img.ID + ")"
	}
	l.tell(jsonstream.Message{Status: shown + " has been loaded."})
}

// docker tells of it as Docker does.
func (l *loading) docker(img cloud.Loaded) {
	text := "Loaded image ID: " + img.ID
	if img.Name != "" {
		text = "Loaded image: " + img.Name
	}
	l.tell(jsonstream.Message{Stream: text + "\n"})
}

func (api *API) loadBody(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := checkPlatforms(r.Form["platform"]); err != nil {
		return err
	}
	if r.ContentLength >= 0 {
		if err := cloud.CheckSize(r.ContentLength); err != nil {
			return err
		}
	}
	out := rest.NewMessages(w, "application/json", "")
	l := &loading{send: out.Send, quiet: rest.BoolOr(r, "quiet", false)}
	body := http.MaxBytesReader(w, r.Body, cloud.MaxArchive)
	err := api.Images.Load(ctx, a, cloud.LoadRequest{Archive: body, Progress: l.progress, Read: func() {
		_, _ = io.Copy(io.Discard, body) // what follows the archive
		l.arrive()
	}}, l.docker)
	switch {
	case err == nil:
		out.Start()
		return l.failed
	case !out.Started():
		return err
	}
	return out.Send(streamError(err))
}

func (api *API) loadURL(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in struct {
		FromSrc string `json:"fromSrc"`
		Quiet   bool   `json:"quiet"`
	}
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	archive, size, err := api.Images.Download(ctx, a, in.FromSrc)
	if err != nil {
		return err
	}
	defer archive.Close()
	out := rest.NewMessages(w, "application/json", "")
	l := &loading{send: out.Send, quiet: in.Quiet || rest.Bool(r, "quiet"), arrived: true}
	if !l.quiet {
		l.tell(jsonstream.Message{Status: "Starting to download and load the image archive, please wait..."})
		archive = &counting{ReadCloser: archive, size: size, l: l}
	}
	err = api.Images.Load(ctx, a, cloud.LoadRequest{Archive: archive, Progress: l.progress}, l.original)
	if err != nil {
		if !out.Started() {
			return err
		}
		return out.Send(streamError(err))
	}
	out.Start()
	return l.failed
}

// counting tells how far a download is, now and then.
type counting struct {
	io.ReadCloser
	size, read, told int64
	l                *loading
}

const tellEvery = 4 << 20

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read += int64(n)
	if c.read-c.told >= tellEvery {
		c.told = c.read
		c.l.tell(jsonstream.Message{Status: "Downloading", Progress: &jsonstream.Progress{Current: c.read, Total: max(c.size, c.read)}})
	}
	return n, err
}

// loadUploaded reads exactly as many bytes as the client has announced: it does not end its side. Nothing is sent before they are there.
func (api *API) loadUploaded(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.ParseInt(r.Header.Get(loadLength), 10, 64)
	if err != nil {
		return oops.Invalid("the header %s must tell the archive's size in bytes, not %q", loadLength, r.Header.Get(loadLength))
	}
	if err := cloud.CheckSize(n); err != nil {
		return err
	}
	if r.Header.Get("Upgrade") == "" {
		return oops.Invalid("an archive that is sent on the connection needs its upgrade: send the header Upgrade: tcp")
	}
	ctx, conn, err := rest.Hijack(ctx, w, r, "application/vnd.docker.raw-stream")
	if err != nil {
		return err
	}
	defer conn.Finish()
	lines := json.NewEncoder(conn)
	lines.SetEscapeHTML(false)
	l := &loading{send: lines.Encode, quiet: rest.Bool(r, "quiet")}
	if !l.quiet {
		l.tell(jsonstream.Message{Status: "Starting to load the image archive, please wait..."})
	}
	body := &exactly{r: patient{conn}, left: n}
	err = api.Images.Load(ctx, a, cloud.LoadRequest{Archive: body, Progress: l.progress, Read: func() {
		if body.drain() == nil {
			l.arrive()
		}
	}}, l.original)
	if err == nil || ctx.Err() != nil {
		return l.failed
	}
	// The client reads when it has sent all.
	if derr := body.drain(); derr == nil {
		l.arrive()
		l.tell(streamError(err))
	}
	return l.failed
}

// patient reads what a client sends that does not stand still.
type patient struct{ *rest.Conn }

func (p patient) Read(b []byte) (int, error) { return p.ReadSoon(b, rest.Patience) }

// exactly reads so many bytes, and less is an error.
type exactly struct {
	r    io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if e.left == 0 {
		err = nil
	}
	return n, err
}

func (e *exactly) drain() error {
	_, err := io.Copy(io.Discard, e)
	return err
}

// diffImage tells which layers of an image need not be sent (api 7.4).
func (api *API) diffImage(_ context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Layers   [][]string `json:"layers"`
		RepoTags [][]string `json:"repoTags"`
	}
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	present, err := api.Images.Present(a, in.Layers)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, struct {
		ExistLayers []string `json:"existLayers"`
	}{list(present)})
}

// checkPlatforms refuses to load or save for other platforms than this machine's. They come as JSON, or as docker's own words.
func checkPlatforms(all []string) error {
	for _, text := range all {
		var p struct{ OS, Architecture string }
		if strings.HasPrefix(text, "{") {
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				return oops.Invalid("%q is not a platform", text)
			}
			text = p.OS + "/" + p.Architecture
		}
		if err := checkPlatform(text); err != nil {
			return err
		}
	}
	return nil
}
