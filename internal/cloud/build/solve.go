package build

import (
	"context"
	"errors"
	"io"
	"maps"
	"strconv"
	"strings"
	"sync"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/upload/uploadprovider"
	"github.com/moby/buildkit/util/progress/progressui"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Request is a build of a context that was sent whole.
type Request struct {
	Context    io.ReadCloser // a tar, plain or packed; closed by Build
	Dockerfile string        // in the context; "": Dockerfile
	Tags       []string      // names that the image gets
	Args       map[string]string
	Labels     map[string]string
	Target     string   // the stage to build; "": the last
	NoCache    bool     // build every step anew
	Pull       bool     // ask registries for base images, even where the account has one of the name
	Platform   string   // "": this machine's
	ExtraHosts []string // name:address
	ShmSize    int64    // bytes; 0: BuildKit's default
	NoNetwork  bool     // steps run without one
	Registries map[string]Credential
}

// attributes are the request in the words of BuildKit's frontend for Dockerfiles.
func (req *Request) attributes() map[string]string {
	out := map[string]string{}
	set := func(k, v string) {
		if v != "" {
			out[k] = v
		}
	}
	set("filename", req.Dockerfile)
	set("target", req.Target)
	set("platform", req.Platform)
	set("add-hosts", strings.Join(equals(req.ExtraHosts), ","))
	if req.NoCache {
		out["no-cache"] = ""
	}
	if req.Pull {
		out["image-resolve-mode"] = "pull"
	}
	if req.NoNetwork {
		out["force-network-mode"] = "none"
	}
	if req.ShmSize > 0 {
		out["shm-size"] = strconv.FormatInt(req.ShmSize, 10)
	}
	for k, v := range req.Args {
		out["build-arg:"+k] = v
	}
	for k, v := range req.Labels {
		out["label:"+k] = v
	}
	return out
}

// equals writes Docker's name:address as BuildKit's name=address.
func equals(hosts []string) []string {
	var out []string
	for _, h := range hosts {
		if name, addr, ok := strings.Cut(h, ":"); ok && !strings.Contains(name, "=") {
			h = name + "=" + addr
		}
		out = append(out, h)
	}
	return out
}

// Build builds an image and returns its id. What BuildKit tells meanwhile is written to progress, as text. Errors: ErrInvalidArgument
// (the Dockerfile, or a step of it, is wrong), and what Load returns.
func (s *Service) Build(ctx context.Context, a account.Ref, req Request, progress io.Writer) (id string, err error) {
	defer req.Context.Close()
	for i, t := range req.Tags {
		named, err := reference.ParseNormalizedNamed(t)
		if err != nil || !reference.IsNameOnly(named) && !hasTag(named) {
			return "", oops.Invalid("invalid reference format: %q cannot name an image", t)
		}
		req.Tags[i] = reference.TagNameOnly(named).String()
	}
	ctx = quota.Once(ctx) // what could be begun is kept
	b, err := s.Builder(ctx, a)
	if err != nil {
		return "", err
	}
	defer b.Release()
	attrs := req.attributes()
	if !req.Pull {
		own, err := s.names(ctx, a)
		if err != nil {
			return "", err
		}
		maps.Copy(attrs, own)
	}
	up := uploadprovider.New()
	attrs["context"] = up.Add(req.Context)
	out := s.receive(ctx, a)
	display, err := progressui.NewDisplay(progress, progressui.PlainMode)
	if err != nil {
		return "", err
	}
	statuses := make(chan *client.SolveStatus)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = display.UpdateFrom(context.WithoutCancel(ctx), statuses)
	}()
	_, err = b.Solve(ctx, nil, client.SolveOpt{
		Frontend: "dockerfile.v0", FrontendAttrs: attrs,
		Exports: []client.ExportEntry{{
			Type: client.ExporterDocker, Attrs: map[string]string{"name": strings.Join(req.Tags, ",")},
			Output: func(map[string]string) (io.WriteCloser, error) { return out.begin() },
		}},
		OCIStores: map[string]content.Store{shelf: blobs{s, a}},
		Session:   []session.Attachable{up, credentials{byHost: req.Registries}},
	}, statuses)
	<-shown
	return out.result(failure(err))
}

func hasTag(n reference.Named) bool {
	_, tagged := n.(reference.Tagged)
	_, digested := n.(reference.Digested)
	return tagged && !digested
}

// failure is an error of BuildKit's as its user reads it: what is wrong is in what he wrote.
func failure(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return oops.Invalid("%s", strings.TrimPrefix(err.Error(), "failed to solve: "))
}

// intake takes an image that was built into the account, as an archive that is loaded.
type intake struct {
	load func(io.Reader) (string, error)
	mu   sync.Mutex // of w and done
	w    *io.PipeWriter
	done chan struct{}
	id   string
	err  error
}

func (s *Service) receive(ctx context.Context, a account.Ref) *intake {
	return &intake{load: func(r io.Reader) (id string, err error) {
		err = s.Images.Load(ctx, a, image.LoadRequest{Archive: r, Progress: func(engine.PullProgress) {}}, func(l image.Loaded) { id = l.ID })
		return id, err
	}}
}

// begin begins the loading. What is written to it is the archive. It begins once.
func (in *intake) begin() (*io.PipeWriter, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.done != nil {
		return nil, oops.Conflict("the image has been sent before")
	}
	r, w := io.Pipe()
	in.w, in.done = w, make(chan struct{})
	go func() {
		defer close(in.done)
		in.id, in.err = in.load(r)
		_ = r.CloseWithError(errors.Join(in.err, io.ErrClosedPipe)) // nobody waits for what is still written
	}()
	return w, nil
}

// result is the image's id, when what was built has been loaded; solved is how the build ended.
func (in *intake) result(solved error) (string, error) {
	in.mu.Lock()
	begun := in.done != nil
	in.mu.Unlock()
	if !begun {
		if solved == nil {
			solved = oops.Unavailable("the builder sent no image")
		}
		return "", solved
	}
	if solved != nil {
		_ = in.w.CloseWithError(solved)
	}
	<-in.done
	if in.err != nil && (solved == nil || !errors.Is(in.err, solved)) {
		return "", in.err
	}
	if solved != nil {
		return "", solved
	}
	if in.id == "" {
		return "", oops.Unavailable("the builder sent no image")
	}
	return in.id, nil
}
