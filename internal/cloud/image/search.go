package image

import (
	"context"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// How many repositories a search finds: without a wish, and at most.
const (
	defaultFound = 25
	maxFound     = 100
)

// SearchRequest says what to search for, and where: the term begins with the registry's host unless that is Docker Hub.
type SearchRequest struct {
	Term     string
	Limit    int                 // 0: 25; at most 100
	Filters  map[string][]string // is-official, is-automated, stars
	Username string
	Password string
}

// Search asks a registry for repositories by a word. Errors: ErrInvalidArgument, ErrNotImplemented (the registry has no search),
// ErrUnauthenticated, ErrUnavailable.
func (s *Service) Search(ctx context.Context, a account.Ref, req SearchRequest) ([]engine.SearchResult, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	keep, err := searchFilter(req.Filters)
	if err != nil {
		return nil, err
	}
	if req.Limit == 0 {
		req.Limit = defaultFound
	}
	if req.Limit < 1 || req.Limit > maxFound {
		return nil, oops.Invalid("limit %d is outside the range of [1, %d]", req.Limit, maxFound)
	}
	host, term, err := splitTerm(req.Term)
	if err != nil {
		return nil, err
	}
	found, err := s.Engine.Search(ctx, a, engine.SearchRequest{Host: host, Term: term, Limit: req.Limit, Username: req.Username, Password: req.Password})
	if err != nil {
		return nil, err
	}
	out := []engine.SearchResult{}
	for _, f := range found {
		if keep(f) {
			out = append(out, f)
		}
	}
	return out, nil
}

// splitTerm tells the registry from what is searched for there, as with names of images: a first part with a dot or a colon, or
// localhost, is a host.
func splitTerm(term string) (host, rest string, err error) {
	term = strings.TrimSpace(term)
	switch {
	case term == "":
		return "", "", oops.Invalid("there is nothing to search for: give a word")
	case strings.Contains(term, "://"):
		return "", "", oops.Invalid("invalid repository name: repository name (%s) should not have a scheme", term)
	}
	first, after, ok := strings.Cut(term, "/")
	if !ok || !strings.ContainsAny(first, ".:") && first != "localhost" {
		return hub, strings.TrimPrefix(term, "library/"), nil
	}
	if first == "index.docker.io" || first == hub {
		return hub, strings.TrimPrefix(after, "library/"), nil
	}
	if _, err := parse(first + "/x"); err != nil {
		return "", "", oops.Invalid("%q is not the address of a registry: use a host name, with a port if need be", first)
	}
	return first, after, nil
}

// hub is the registry of names without a host.
const hub = "docker.io"

// searchFilter reads the filters of a search.
func searchFilter(filters map[string][]string) (keep func(engine.SearchResult) bool, err error) {
	var official, automated *bool
	stars := 0
	for key, values := range filters {
		for _, v := range values {
			switch key {
			case "is-official", "is-automated":
				b, err := strconv.ParseBool(v)
				if err != nil {
					return nil, oops.Invalid("Invalid filter '%s=%s': use true or false", key, v)
				}
				if key == "is-official" {
					official = &b
				} else {
					automated = &b
				}
			case "stars":
				n, err := strconv.Atoi(v)
				if err != nil {
					return nil, oops.Invalid("Invalid filter 'stars=%s': use a number", v)
				}
				stars = max(stars, n)
			default:
				return nil, oops.Invalid("Invalid filter '%s': searches can be filtered by is-automated, is-official and stars", key)
			}
		}
	}
	return func(f engine.SearchResult) bool {
		return f.Stars >= stars && (official == nil || f.Official == *official) && (automated == nil || f.Automated == *automated)
	}, nil
}

// Look asks a registry what a name stands for there, and keeps nothing. Errors: those of a pull.
func (s *Service) Look(ctx context.Context, a account.Ref, req PullRequest) (engine.RemoteImage, error) {
	if err := a.Check(); err != nil {
		return engine.RemoteImage{}, err
	}
	named, err := parsePull(req.Ref, req.Tag)
	if err != nil {
		return engine.RemoteImage{}, err
	}
	asked := engine.PullRequest{Ref: named.String(), Username: req.Username, Password: req.Password, Token: req.Token}
	out, err := s.Engine.Look(ctx, a, asked)
	if err != nil {
		return engine.RemoteImage{}, pullError(named, asked, err)
	}
	return out, nil
}
