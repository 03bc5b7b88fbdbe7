package image

import (
	"regexp"
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/hypercloud/hyper/internal/oops"
)

// errEmptyName has the words that the original's clients look for (api 21.2).
func errEmptyName() error { return oops.Invalid("Invalid empty image name") }

var (
	hexPattern = regexp.MustCompile(`^[0-9a-f]{1,64}$`)
	idPattern  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// parse reads a repository with a tag, a digest or neither; mysql is docker.io/library/mysql:latest.
// Of a reference with both tag and digest the digest is what counts.
func parse(name string) (reference.Named, error) {
	if strings.TrimSpace(name) == "" {
		return nil, errEmptyName()
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, oops.Invalid("%q is not the name of an image: %v", name, err)
	}
	if digested, ok := named.(reference.Digested); ok {
		return withDigest(named, digested.Digest())
	}
	return reference.TagNameOnly(named), nil
}

// parsePull reads what a pull asks for, whose tag may come apart from the name.
func parsePull(name, tag string) (reference.Named, error) {
	named, err := parse(name)
	if err != nil {
		return nil, err
	}
	if tag != "" {
		if d, err := digest.Parse(tag); err == nil {
			named, err = withDigest(named, d)
			if err != nil {
				return nil, err
			}
		} else if named, err = reference.WithTag(reference.TrimNamed(named), tag); err != nil {
			return nil, oops.Invalid("%q is not a tag of an image: %v", tag, err)
		}
	}
	if reference.Path(named) == "library/scratch" && reference.Domain(named) == "docker.io" {
		return nil, oops.Invalid("'scratch' is a reserved name")
	}
	return named, nil
}

func withDigest(named reference.Named, d digest.Digest) (reference.Named, error) {
	out, err := reference.WithDigest(reference.TrimNamed(named), d)
	if err != nil {
		return nil, oops.Invalid("%q is not a digest of an image: %v", d, err)
	}
	return out, nil
}

// tagOf is the tag in a reference, "" for one by digest.
func tagOf(named reference.Named) string {
	if t, ok := named.(reference.Tagged); ok {
		return t.Tag()
	}
	return ""
}

// digestOf is the digest in a reference, "" for one by tag.
func digestOf(named reference.Named) string {
	if d, ok := named.(reference.Digested); ok {
		return d.Digest().String()
	}
	return ""
}

// familiar shortens a repository of the store: docker.io/library/mysql is mysql.
func familiar(repository string) string {
	named, err := reference.ParseNormalizedNamed(repository)
	if err != nil {
		return repository // the store holds none such
	}
	return reference.FamiliarName(named)
}

// idPrefix tells whether ref can be the beginning of an id, and which: hex digits, with or without "sha256:".
func idPrefix(ref string) (prefix string, ok bool) {
	hex := strings.TrimPrefix(ref, "sha256:")
	return "sha256:" + hex, hexPattern.MatchString(hex)
}
