package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/version"
)

// Found is one repository in the answer to a search.
type Found struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Stars       int    `json:"star_count"`
	Official    bool   `json:"is_official"`
	Automated   bool   `json:"is_automated"`
}

// maxSearch is how many bytes an answer to a search may have.
const maxSearch = 1 << 20

// Search asks an endpoint for repositories by the first version of the registries' API, which is the only one with a search. A registry
// without is ErrNotImplemented. What comes is no more than was asked for, and text is shown as it is: whoever prints it is to mind that.
func Search(ctx context.Context, ep Endpoint, term string, limit int, who Credentials, t Timeouts) ([]Found, error) {
	r := Open(ep, "", who, t)
	defer r.Close()
	u := *ep.URL
	u.Path = strings.TrimSuffix(u.Path, "/") + "/v1/search"
	u.RawQuery = url.Values{"q": {term}, "n": {strconv.Itoa(limit)}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, r.unreachable(ctx, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "hyper/"+version.Version)
	if who.Username != "" {
		req.SetBasicAuth(who.Username, who.Password)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return nil, r.noSearch()
	default:
		return nil, r.status(resp, "search")
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxSearch+1))
	if err != nil {
		return nil, r.unreachable(ctx, err)
	}
	if len(raw) > maxSearch {
		return nil, invalid("%s answered the search by more than %d MB", r.Host(), maxSearch>>20)
	}
	var answer struct {
		Results *[]Found `json:"results"`
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(raw, &answer); errors.As(err, &syntax) || err == nil && answer.Results == nil {
		return nil, r.noSearch() // a web page, or an answer to something else
	} else if err != nil {
		return nil, unavailable("%s answered the search by what cannot be read: %v", r.Host(), err)
	}
	found := *answer.Results
	return found[:min(len(found), limit)], nil
}

func (r *Repository) noSearch() error {
	return oops.NotImplemented("%s offers no search: use its web page, or search Docker Hub by a word without a host", r.Host())
}
