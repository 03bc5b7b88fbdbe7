package signature

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// digestRequest is the hash of what client and server derive from a request: six parts, a line feed after each but
// the last. It looks at r.URL, which must be as it was sent.
func digestRequest(r *http.Request, signed []string, bodyHash string) ([sha256.Size]byte, error) {
	b, err := appendRequest(make([]byte, 0, 512), r, signed, bodyHash)
	return sha256.Sum256(b), err
}

func appendRequest(b []byte, r *http.Request, signed []string, bodyHash string) ([]byte, error) {
	b = append(b, strings.ToUpper(r.Method)...)
	b = append(b, '\n')
	b = appendPath(b, r.URL.Path)
	b = append(b, '\n')
	b, err := appendQuery(b, r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	for _, name := range signed {
		b = append(b, name...)
		b = append(b, ':')
		b = append(b, headerValue(r, name)...)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range signed {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, bodyHash...), nil
}

// appendPath writes the pieces of a decoded path, escaped; empty ones, such as those around it, are left out.
func appendPath(b []byte, path string) []byte {
	first := true
	for piece := range strings.SplitSeq(path, "/") {
		if piece == "" {
			continue
		}
		if !first {
			b = append(b, '/')
		}
		first = false
		b = appendEscaped(b, piece)
	}
	return b
}

type pair struct{ key, value string }

// appendQuery writes a query sorted by key, equal keys in the order in which they came.
func appendQuery(b []byte, raw string) ([]byte, error) {
	if raw == "" {
		return b, nil
	}
	var few [8]pair // On the stack: hardly a request has more.
	pairs := few[:0]
	for piece := range strings.SplitSeq(raw, "&") {
		if piece == "" {
			continue
		}
		key, value, _ := strings.Cut(piece, "=")
		k, err := url.QueryUnescape(key)
		if err != nil {
			return nil, fmt.Errorf("the query cannot be decoded: %w", err)
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("the query cannot be decoded: %w", err)
		}
		pairs = append(pairs, pair{k, v})
	}
	slices.SortStableFunc(pairs, func(x, y pair) int { return strings.Compare(x.key, y.key) })
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = appendEscaped(b, p.key)
		b = append(b, '=')
		b = appendEscaped(b, p.value)
	}
	return b, nil
}

// appendEscaped writes every byte that is not plain as %XX. net/url's functions leave more bytes plain.
func appendEscaped(b []byte, s string) []byte {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
}

// headerValue is what is signed of a header: its first value. name is in lower case.
func headerValue(r *http.Request, name string) string {
	if name == "host" {
		return signedHost(r)
	}
	if v, ok := r.Header[http.CanonicalHeaderKey(name)]; ok && len(v) > 0 {
		return strings.TrimSpace(v[0])
	}
	for key, v := range r.Header { // As a client may have set it by hand; it arrives all the same.
		if len(v) > 0 && strings.EqualFold(key, name) {
			return strings.TrimSpace(v[0])
		}
	}
	return ""
}

// signedHost is the request's host without a port 80 or 443. The scheme's first implementation looked for the port
// behind the first colon, and so leaves it where it stands behind an IPv6 address; every other must do the same.
func signedHost(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host // A request that is yet to be sent.
	}
	host = strings.TrimSpace(host)
	name, rest, _ := strings.Cut(host, ":")
	if port, _, _ := strings.Cut(rest, ":"); port == "80" || port == "443" {
		return name
	}
	return host
}

// namesToSign lists what a client signs, sorted, in lower case.
func namesToSign(h http.Header) []string {
	names := []string{"host"}
	for name := range h {
		name = strings.ToLower(name)
		if name == "content-type" || name == "content-md5" || isHypers(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// isHypers reports whether a header must be signed when it is there. name is in lower case.
func isHypers(name string) bool { return strings.HasPrefix(name, "x-hyper-") }
