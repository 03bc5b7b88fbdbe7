package clouds

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// TLS is how servers are trusted and what is shown to them. A server's certificate is checked against the roots of
// the system and those in ca.pem of dir, unless insecure. cert.pem and key.pem of dir are the client's own, if they
// are there.
func TLS(dir string, insecure bool) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: insecure,
		ClientSessionCache: tls.NewLRUClientSessionCache(4), // One command makes several connections.
	}
	authorities := filepath.Join(dir, "ca.pem")
	if pem, err := os.ReadFile(authorities); err == nil {
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("there is no certificate in %s", authorities)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the trusted certificate authorities: %w", err)
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	switch {
	case err == nil:
		c.Certificates = []tls.Certificate{own}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the client's certificate from cert.pem and key.pem in %s: %w", dir, err)
	}
	return c, nil
}

// Trust adds a certificate authority, PEM in the file named, to those in ca.pem of dir.
func Trust(dir, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the certificate authority: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return fmt.Errorf("there is no certificate in %s", file)
	}
	authorities := filepath.Join(dir, "ca.pem")
	have, err := os.ReadFile(authorities)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the trusted certificate authorities: %w", err)
	}
	if known(have, pem) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the certificate authority: %w", err)
	}
	if len(have) > 0 && have[len(have)-1] != '\n' {
		have = append(have, '\n')
	}
	if err := os.WriteFile(authorities, append(have, pem...), 0o600); err != nil {
		return fmt.Errorf("keep the certificate authority: %w", err)
	}
	return nil
}

// known reports whether every byte of pem is in have already.
func known(have, pem []byte) bool { return bytes.Contains(have, bytes.TrimSpace(pem)) }
