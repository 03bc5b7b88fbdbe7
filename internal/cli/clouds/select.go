package clouds

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/signature"
)

// Server is what a command talks to.
type Server struct {
	// Host is its address: unix:///path, or tcp://host:port with or without a path.
	Host string
	// Key proves the account there. It is empty where none is configured.
	Key signature.Key
	// Region is named in signatures.
	Region string
	// Insecure trusts whatever certificate the server shows.
	Insecure bool
}

// Local reports whether the server is reached over a unix socket, where nothing is signed.
func (s Server) Local() bool { return strings.HasPrefix(s.Host, "unix://") }

// Select finds the server that is meant by an address, by a region's name, or by nothing. spare are the keys for a
// server that has no entry; local is where to go when nothing is named and no entry is the default.
func (f *File) Select(named string, spare signature.Key, local string) (Server, error) {
	switch {
	case strings.Contains(named, "://"):
		return f.at(named, spare)
	case named != "":
		return f.region(named, spare)
	}
	for _, address := range slices.Sorted(maps.Keys(f.Clouds)) {
		if e := f.Clouds[address]; e.Default {
			return f.meant(address, e, spare)
		}
	}
	if e := f.original(); e != nil {
		return f.region(or(e.Region, DefaultRegion), spare)
	}
	return Server{Host: local, Region: DefaultRegion}, nil
}

// at is the server of an address.
func (f *File) at(host string, spare signature.Key) (Server, error) {
	s := Server{Host: host, Key: spare, Region: DefaultRegion}
	if s.Local() {
		return Server{Host: host, Region: DefaultRegion}, nil
	}
	if err := CheckAddress(host); err != nil {
		return s, err
	}
	if e := f.entry(host); e != nil {
		s.take(e)
	}
	return s, nil
}

// meant is the server of the default entry.
func (f *File) meant(address string, e *Entry, spare signature.Key) (Server, error) {
	if family(address) {
		return f.in(address, or(e.Region, DefaultRegion), e, spare), nil
	}
	return f.at(address, spare)
}

var regionName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// region is the server of a name: an entry that has the name; a family of the operator's; the original service.
func (f *File) region(name string, spare signature.Key) (Server, error) {
	if !regionName.MatchString(name) {
		return Server{}, fmt.Errorf("region %q is neither a name nor an address: an address begins with tcp://", name)
	}
	var families []string
	for _, address := range slices.Sorted(maps.Keys(f.Clouds)) {
		switch e := f.Clouds[address]; {
		case slices.Contains(e.Names, name) && family(address):
			return f.in(address, name, e, spare), nil
		case slices.Contains(e.Names, name):
			return f.at(address, spare)
		case family(address) && address != Original:
			families = append(families, address)
		}
	}
	switch len(families) {
	case 0:
		s := f.in(Original, name, f.original(), spare)
		if e := f.entry(s.Host); s.Key == spare && e != nil {
			s.take(e)
			s.Region = name
		}
		return s, nil
	case 1:
		return f.in(families[0], name, f.Clouds[families[0]], spare), nil
	}
	return Server{}, fmt.Errorf("region %q may be one of %s: give its address", name, strings.Join(families, " and "))
}

// in is one server of a family.
func (f *File) in(address, region string, e *Entry, spare signature.Key) Server {
	s := Server{Host: strings.Replace(address, "*", region, 1), Key: spare}
	if e != nil {
		s.take(e)
	}
	s.Region = region
	return s
}

func (s *Server) take(e *Entry) {
	if e.AccessKey != "" {
		s.Key = signature.Key{Access: e.AccessKey, Secret: e.SecretKey}
	}
	s.Region, s.Insecure = or(e.Region, DefaultRegion), e.Insecure
}

// entry is that of an address, with or without a slash at its end.
func (f *File) entry(host string) *Entry {
	for _, address := range []string{host, strings.TrimSuffix(host, "/"), host + "/"} {
		if e := f.Clouds[address]; e != nil {
			return e
		}
	}
	return nil
}

func (f *File) original() *Entry {
	if e := f.Clouds[Original]; e != nil {
		return e
	}
	return f.Clouds[legacy]
}

// family reports whether an address stands for a server of each region.
func family(address string) bool { return strings.HasPrefix(address, "tcp://*.") }

// CheckAddress says what is wrong with the address of a server that is reached over TLS.
func CheckAddress(address string) error {
	u, err := url.Parse(strings.Replace(address, "://*.", "://", 1))
	if err != nil || u.Scheme != "tcp" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("the server's address %q must be tcp://HOST:PORT, or unix:///PATH for a socket of this machine", address)
	}
	return nil
}

// Endpoint is where to connect to, with a port, and the path before every other.
func (s Server) Endpoint() (address, basePath string, err error) {
	u, err := url.Parse(s.Host)
	if err != nil {
		return "", "", fmt.Errorf("the server's address %q: %w", s.Host, err)
	}
	return net.JoinHostPort(u.Hostname(), or(u.Port(), "443")), strings.TrimSuffix(u.Path, "/"), nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
