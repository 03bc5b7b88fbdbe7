package accounts

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

const (
	serverFile    = "server.pem"
	serverKeyFile = "server.key"
	// serverLifetime is what clients accept of anybody; a server certificate is renewed while renewBefore of it is left.
	serverLifetime = 397 * 24 * time.Hour
	renewBefore    = 60 * 24 * time.Hour
)

// serverCertificate is what hyperd shows its clients.
type serverCertificate struct {
	mu   sync.Mutex
	cert tls.Certificate
}

// ServerCertificate is a certificate of the authority for the hosts, names and addresses: the one in the
// directory, or a new one if that is for other hosts, was signed by another authority, or ends soon. It may be called
// for every connection.
func (s *Service) ServerCertificate(hosts []string) (tls.Certificate, error) {
	hosts = slices.Sorted(slices.Values(hosts))
	hosts = slices.Compact(hosts)
	if len(hosts) == 0 {
		return tls.Certificate{}, oops.Invalid("a server's certificate needs a host name or address to be for")
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.fits(s.server.cert.Leaf, hosts) {
		return s.server.cert, nil
	}
	certPath, keyPath := filepath.Join(s.Dir, serverFile), filepath.Join(s.Dir, serverKeyFile)
	if c, err := readPair(certPath, keyPath); err != nil {
		return tls.Certificate{}, err
	} else if c != nil && s.fits(c.Leaf, hosts) {
		s.server.cert = *c
		return *c, nil
	}
	certPEM, keyPEM, err := s.signServer(hosts)
	if err != nil {
		return tls.Certificate{}, err
	}
	// Should hyperd die between the two, they do not match, and the next start makes both anew.
	if err := errors.Join(writeFile(keyPath, keyPEM, 0o600), writeFile(certPath, certPEM, 0o644)); err != nil {
		return tls.Certificate{}, fmt.Errorf("keep the server's certificate: %w", err)
	}
	c, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	s.server.cert = c
	return c, nil
}

func (s *Service) signServer(hosts []string) (certPEM, keyPEM []byte, err error) {
	now := s.Now()
	t := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{Organization: []string{"Hyper"}, CommonName: "hyperd"},
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.Add(serverLifetime),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	_, certPEM, keyPEM, err = s.ca.sign(t)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate for %s: %w", strings.Join(hosts, ", "), err)
	}
	return append(certPEM, s.ca.pem...), keyPEM, nil
}

// fits reports whether a certificate is for exactly these hosts, by our authority, and for long enough.
func (s *Service) fits(c *x509.Certificate, hosts []string) bool {
	if c == nil || s.Now().Before(c.NotBefore) || c.NotAfter.Sub(s.Now()) < min(renewBefore, s.ca.cert.NotAfter.Sub(s.Now())/2) ||
		c.CheckSignatureFrom(s.ca.cert) != nil {
		return false
	}
	named := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		named = append(named, ip.String())
	}
	slices.Sort(named)
	asked := make([]string, 0, len(hosts))
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			h = ip.String()
		}
		asked = append(asked, h)
	}
	slices.Sort(asked)
	return slices.Equal(named, asked)
}

// readPair reads a certificate with its key. What is missing or does not match is nil: it is made anew.
func readPair(certPath, keyPath string) (*tls.Certificate, error) {
	keyPEM, err := readPrivate(keyPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the server's key: %w", err)
	}
	certPEM, err := os.ReadFile(certPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the server's certificate: %w", err)
	}
	c, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, nil
	}
	return &c, nil
}
