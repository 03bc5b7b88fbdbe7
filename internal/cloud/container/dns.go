package container

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// The most that is taken of each: resolvers look at fewer.
const (
	maxSearch     = 16
	maxDNSOptions = 16
)

// maxHostname is what the kernel keeps of a host name, its domain included.
const maxHostname = 64

var dnsOptionPattern = regexp.MustCompile(`^[a-z0-9-]{1,32}(:[0-9]{1,3})?$`)

// checkHostname refuses a host name, and a domain, that no name server could answer for, or that the kernel does not take.
func checkHostname(host, domain string) error {
	if len(host) > 63 {
		return oops.Invalid("hostname %q is longer than 63 characters", host)
	}
	full := host
	if domain != "" {
		full = shortHost(host) + "." + domain
	}
	if len(full) > maxHostname {
		return oops.Invalid("hostname %q and its domain are longer than %d characters", full, maxHostname)
	}
	for _, h := range []string{host, domain} {
		if h != "" && !validDomain(h) {
			return oops.Invalid("invalid hostname format: %q: use letters, digits, '-' and '_', in parts of up to 63 between dots", h)
		}
	}
	return nil
}

// shortHost stands in for the host name of a container that asked for none.
func shortHost(host string) string {
	if host == "" {
		return "0123456789ab"
	}
	return host
}

// validDomain tells whether a name is made of labels that hosts have.
func validDomain(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		odd := func(r rune) bool {
			return !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
		}
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, odd) {
			return false
		}
	}
	return true
}

// checkDNS takes search domains and options into a spec. "." is no domain: it says that none is to be searched, as nothing does.
func checkDNS(req *CreateRequest, spec *Spec) error {
	if len(req.DNSSearch) > maxSearch || len(req.DNSOptions) > maxDNSOptions {
		return oops.Invalid("a container has at most %d DNS search domains and %d DNS options", maxSearch, maxDNSOptions)
	}
	for _, d := range req.DNSSearch {
		if d != "." && !validDomain(strings.TrimSuffix(d, ".")) {
			return oops.Invalid("%q is not a valid DNS search domain", d)
		}
	}
	for _, o := range req.DNSOptions {
		if !dnsOptionPattern.MatchString(o) {
			return oops.Invalid("%q is not a valid DNS option: use those of resolv.conf, such as ndots:2 or rotate", o)
		}
	}
	spec.DNSSearch, spec.DNSOptions = req.DNSSearch, req.DNSOptions
	return nil
}

// resolvConf is the content of a container's /etc/resolv.conf. Without another word, a name is asked for as it is, before search
// domains are tried: containers' names have no dots.
func resolvConf(c *Container) string {
	var b strings.Builder
	b.WriteString("nameserver " + engine.PrivateGateway.String() + "\n")
	search := slices.DeleteFunc(slices.Clone(c.Spec.DNSSearch), func(d string) bool { return d == "." })
	if len(search) > 0 {
		b.WriteString("search " + strings.Join(search, " ") + "\n")
	}
	options := slices.Clone(c.Spec.DNSOptions)
	if !slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(o, "ndots:") }) {
		options = append(options, "ndots:0")
	}
	b.WriteString("options " + strings.Join(options, " ") + "\n")
	return b.String()
}
