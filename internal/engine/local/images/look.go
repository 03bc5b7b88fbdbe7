package images

import (
	"context"
	"encoding/json"
	"io"
	"net/url"

	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/oops"
)

// Look implements engine.Images. Who is asked, and what an answer may be, is as with a pull; nothing is kept.
func (s *Store) Look(ctx context.Context, a account.Ref, req engine.PullRequest) (engine.RemoteImage, error) {
	if err := a.Check(); err != nil {
		return engine.RemoteImage{}, err
	}
	from, err := parse(req.Ref)
	if err != nil {
		return engine.RemoteImage{}, err
	}
	places, err := s.endpoints(from)
	if err != nil {
		return engine.RemoteImage{}, err
	}
	who := registry.Credentials{Username: req.Username, Password: req.Password, Token: req.Token}
	out, err := ask(places, who, func(ep registry.Endpoint, who registry.Credentials) (engine.RemoteImage, error) {
		repo := registry.Open(ep, from.path, who, s.timeouts())
		defer repo.Close()
		return lookUp(ctx, repo, from.reference)
	})
	if err != nil {
		return engine.RemoteImage{}, from.sentence(err)
	}
	return out, nil
}

func (s *Store) timeouts() registry.Timeouts {
	return registry.Timeouts{Answer: s.AnswerTimeout, Idle: s.IdleTimeout}
}

// ask asks one endpoint after the other. The user's credentials are for the registry that was named, and no mirror's business.
func ask[T any](places []registry.Endpoint, who registry.Credentials, fn func(registry.Endpoint, registry.Credentials) (T, error)) (out T, err error) {
	var said []error
	for _, ep := range places {
		with := who
		if ep.Mirror {
			with = registry.Credentials{}
		}
		if out, err = fn(ep, with); err == nil {
			return out, nil
		}
		switch {
		case ep.Mirror && errdefs.IsNotImplemented(err): // it cannot know
		case elsewhere(err):
			said = append(said, err)
		default:
			return out, err
		}
	}
	return out, verdict(said)
}

// lookUp reads a manifest, and of an image its config: only that tells the platform.
func lookUp(ctx context.Context, repo *registry.Repository, ref string) (engine.RemoteImage, error) {
	desc, raw, err := repo.Manifest(ctx, ref)
	if err != nil {
		return engine.RemoteImage{}, err
	}
	doc, err := read(&desc, raw)
	if err != nil {
		return engine.RemoteImage{}, err
	}
	out := engine.RemoteImage{Target: desc}
	if len(doc.Manifests) > 0 {
		for _, m := range doc.Manifests {
			if m.Platform != nil {
				out.Platforms = append(out.Platforms, *m.Platform)
			}
		}
		return out, nil
	}
	config, err := smallBlob(ctx, repo, doc.Config)
	if err != nil {
		return engine.RemoteImage{}, err
	}
	var p ocispec.Platform
	if err := json.Unmarshal(config, &p); err != nil {
		return engine.RemoteImage{}, oops.Invalid("its config cannot be read: %w", err)
	}
	out.Platforms = []ocispec.Platform{p}
	return out, nil
}

// smallBlob reads a blob whose size was checked with its manifest, and checks its digest.
func smallBlob(ctx context.Context, repo *registry.Repository, desc ocispec.Descriptor) ([]byte, error) {
	body, err := repo.Blob(ctx, desc.Digest, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	raw, err := io.ReadAll(io.LimitReader(body, desc.Size+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) != desc.Size || desc.Digest.Algorithm().FromBytes(raw) != desc.Digest {
		return nil, oops.Unavailable("%s sent something else than %s", repo.Host(), desc.Digest)
	}
	return raw, nil
}

// hubSearch is where Docker Hub answers searches.
const hubSearch = "index.docker.io"

// Search implements engine.Images. Mirrors are asked before Docker Hub: one that has no search is passed over.
func (s *Store) Search(ctx context.Context, a account.Ref, req engine.SearchRequest) ([]engine.SearchResult, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	places, err := s.endpoints(source{host: req.Host})
	if err != nil {
		return nil, err
	}
	if req.Host == hub {
		places[len(places)-1].URL = &url.URL{Scheme: "https", Host: hubSearch}
	}
	who := registry.Credentials{Username: req.Username, Password: req.Password}
	found, err := ask(places, who, func(ep registry.Endpoint, who registry.Credentials) ([]registry.Found, error) {
		return registry.Search(ctx, ep, req.Term, req.Limit, who, s.timeouts())
	})
	if err != nil {
		return nil, err
	}
	out := make([]engine.SearchResult, 0, len(found))
	for _, f := range found {
		out = append(out, engine.SearchResult(f))
	}
	return out, nil
}
