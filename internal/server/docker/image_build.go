package docker

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/build"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/decode"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// unlikeBuild are the settings of a build that have no meaning here, with what they would have to be. The size of the builder bounds what
// a build may take of the machine.
var unlikeBuild = map[string][]string{
	"networkmode": {"", "default", "none"}, "isolation": {"", "default"}, "squash": {"", "0", "false"}, "cgroupparent": {""},
	"outputs": {""}, "version": {"", "1"}, "session": {""},
}

// maxBuildValues is how many values one setting of a build may hold.
const maxBuildValues = 4096

// buildImage builds an image of a Dockerfile and the files beside it, which are the body, or at a URL.
func (api *API) buildImage(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	req, err := buildRequest(r.Form)
	if err != nil {
		return err
	}
	if req.Registries, err = registryConfig(r); err != nil {
		return err
	}
	out := &buildLog{messages: rest.NewMessages(w, "application/json", ""), quiet: rest.Bool(r, "q")}
	switch remote := r.Form.Get("remote"); {
	case remote == "":
		if r.ContentLength > cloud.MaxArchive {
			return cloud.CheckSize(r.ContentLength)
		}
		body := &arriving{ReadCloser: http.MaxBytesReader(w, r.Body, cloud.MaxArchive), then: out.begin}
		req.Context = body
	case strings.HasPrefix(remote, "http://") || strings.HasPrefix(remote, "https://"):
		archive, _, err := api.Images.Download(ctx, a, remote)
		if err != nil {
			return err
		}
		defer archive.Close()
		req.Context = archive
		out.begin()
	default:
		return oops.Invalid("a build cannot be of %q: give a directory, an archive, or the URL of an archive, and of a repository a clone", remote)
	}
	id, err := api.Builds.Build(ctx, a, req, out)
	if remaining, ok := req.Context.(*arriving); ok {
		_, _ = io.Copy(io.Discard, remaining) // a client that is still sending does not read
	}
	out.begin()
	if err != nil {
		if !out.started() {
			return err
		}
		return out.messages.Send(streamError(err))
	}
	return out.built(id, req.Tags)
}

// buildRequest reads what is asked for in the query.
func buildRequest(form url.Values) (build.Request, error) {
	req := build.Request{
		Dockerfile: form.Get("dockerfile"), Target: form.Get("target"), Platform: form.Get("platform"), NoNetwork: form.Get("networkmode") == "none",
	}
	for name, like := range unlikeBuild {
		if v := form.Get(name); !slices.Contains(like, v) {
			return req, oops.Invalid("%s=%s is not offered for builds", name, v)
		}
	}
	if err := checkPlatform(req.Platform); err != nil {
		return req, err
	}
	for _, t := range form["t"] {
		if t != "" {
			req.Tags = append(req.Tags, t)
		}
	}
	for _, hosts := range form["extrahosts"] {
		for h := range strings.SplitSeq(hosts, ",") {
			if h != "" {
				req.ExtraHosts = append(req.ExtraHosts, h)
			}
		}
	}
	var err error
	if req.NoCache, err = flag(form, "nocache"); err != nil {
		return req, err
	}
	if req.Pull, err = flag(form, "pull"); err != nil {
		return req, err
	}
	if v := form.Get("shmsize"); v != "" {
		if req.ShmSize, err = strconv.ParseInt(v, 10, 64); err != nil || req.ShmSize < 0 {
			return req, oops.Invalid("shmsize %q is not a number of bytes", v)
		}
	}
	args := map[string]*string{}
	if v := form.Get("buildargs"); v != "" {
		if err := decode.JSON("buildargs", []byte(v), maxBuildValues, &args); err != nil {
			return req, err
		}
	}
	req.Args = map[string]string{}
	for k, v := range args {
		if v != nil { // one without a value is what the Dockerfile says
			req.Args[k] = *v
		}
	}
	if v := form.Get("labels"); v != "" {
		if err := decode.JSON("labels", []byte(v), maxBuildValues, &req.Labels); err != nil {
			return req, err
		}
	}
	return req, nil
}

func flag(form url.Values, name string) (bool, error) {
	v := form.Get(name)
	if v == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, oops.Invalid("%s=%s is neither true nor false", name, v)
	}
	return b, nil
}

// registryConfig reads the credentials of all registries that a client has.
func registryConfig(r *http.Request) (map[string]build.Credential, error) {
	h := r.Header.Get("X-Registry-Config")
	if h == "" {
		return nil, nil
	}
	raw, err := base64.URLEncoding.DecodeString(h)
	if err != nil {
		if raw, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(h, "=")); err != nil {
			return nil, oops.Invalid("the header X-Registry-Config is not base64")
		}
	}
	var all map[string]registry.AuthConfig
	if err := decode.JSON("the header X-Registry-Config", raw, maxBuildValues, &all); err != nil {
		return nil, err
	}
	out := map[string]build.Credential{}
	for host, c := range all {
		out[host] = build.Credential{Username: c.Username, Password: c.Password, Token: c.IdentityToken}
	}
	return out, nil
}

// arriving is a body that tells when it is all there.
type arriving struct {
	io.ReadCloser
	whole sync.Once
	then  func()
}

func (b *arriving) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.whole.Do(b.then)
	}
	return n, err
}

// Close leaves the rest to whoever reads it to its end.
func (b *arriving) Close() error { return nil }

// buildLog sends what a build tells as lines, when the whole context is there.
type buildLog struct {
	mu       sync.Mutex
	messages *rest.Messages
	quiet    bool
	early    bytes.Buffer
	open     bool
	failed   error
}

func (l *buildLog) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		return
	}
	l.open = true
	l.send(l.early.String())
	l.early.Reset()
}

func (l *buildLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.quiet:
	case !l.open:
		l.early.Write(p)
	default:
		l.send(string(p))
	}
	return len(p), nil
}

func (l *buildLog) send(text string) {
	if text != "" && l.failed == nil {
		l.failed = l.messages.Send(jsonstream.Message{Stream: text})
	}
}

func (l *buildLog) started() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.messages.Started()
}

// built tells of the image as Docker does.
func (l *buildLog) built(id string, tags []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quiet {
		return l.messages.Send(jsonstream.Message{Stream: id + "\n"})
	}
	aux, err := json.Marshal(struct{ ID string }{id})
	if err != nil {
		return err
	}
	raw := json.RawMessage(aux)
	if err := l.messages.Send(jsonstream.Message{Aux: &raw}); err != nil {
		return err
	}
	l.send("Successfully built " + strings.TrimPrefix(id, "sha256:")[:12] + "\n")
	for _, t := range tags {
		l.send("Successfully tagged " + familiar(t) + "\n")
	}
	return l.failed
}

// familiar is a name as users type it.
func familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarString(reference.TagNameOnly(named))
}
