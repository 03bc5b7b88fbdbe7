package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Dial connects to an address that a tenant names, host and port, if it may be asked.
func (f *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return f.dial(ctx, network, address)
}

// dial connects to an address that a name has, if it may be asked. The connection goes to the very address that was looked at: a name that
// has another a moment later gains nothing.
func (f *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", port)
	}
	ctx, cancel := context.WithTimeout(ctx, f.Answer)
	defer cancel()
	addrs, err := f.resolve(ctx, host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	own, err := ownAddresses()
	if err != nil {
		return nil, err
	}
	var last error
	for _, a := range addrs {
		a = a.Unmap().WithZone("")
		if !f.permits(a, own) {
			last = fmt.Errorf("%s has an address that is not asked from here (%s): only public ones are", host, a)
			continue
		}
		d := net.Dialer{Timeout: f.Answer, KeepAlive: 30 * time.Second}
		conn, err := d.DialContext(ctx, network, netip.AddrPortFrom(a, uint16(number)).String())
		if err == nil {
			return conn, nil
		}
		last = err
	}
	if last == nil {
		last = errors.New("it has no address")
	}
	return nil, last
}

func (f *Client) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addrs, err := f.Lookup(ctx, host)
	var dns *net.DNSError
	if errors.As(err, &dns) { // without the name of the machine's resolver
		return nil, &net.DNSError{Err: dns.Err, Name: host, IsNotFound: dns.IsNotFound, IsTimeout: dns.IsTimeout}
	}
	return addrs, err
}

// Permits reports whether an address of a tenant's choice may be asked.
func (f *Client) Permits(a netip.Addr) bool {
	own, err := ownAddresses()
	return err == nil && f.permits(a.Unmap().WithZone(""), own)
}

// Transport makes requests to such addresses only.
func (f *Client) Transport() http.RoundTripper { return f.http.Transport }

// permits reports whether an address may be asked.
func (f *Client) permits(a netip.Addr, own []netip.Addr) bool {
	for _, p := range f.Allow {
		if p.Contains(a) {
			return true
		}
	}
	for _, p := range f.Deny {
		if p.Contains(a) {
			return false
		}
	}
	for _, o := range own {
		if o == a {
			return false
		}
	}
	return public(a)
}

// refused are the networks that are nobody's on the Internet (IANA's registries of special addresses), or stand for others.
var refused = func() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}()

// global is what IPv6 has given out: what is outside is loopback, local, multicast, or stands for an IPv4 address.
var global = netip.MustParsePrefix("2000::/3")

func public(a netip.Addr) bool {
	if a.Is6() && !global.Contains(a) {
		return false
	}
	for _, p := range refused {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsGlobalUnicast()
}

// ownAddresses are this machine's.
func ownAddresses() ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("reading this machine's addresses: %w", err)
	}
	var out []netip.Addr
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				out = append(out, addr.Unmap())
			}
		}
	}
	return out, nil
}
