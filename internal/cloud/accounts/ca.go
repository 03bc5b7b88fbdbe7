package accounts

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const (
	caFile    = "ca.pem"
	caKeyFile = "ca.key"
	// caLifetime is long: whoever trusts the authority has its certificate in a file.
	caLifetime = 20 * 365 * 24 * time.Hour
	// clockSkew is how far a client's clock may be behind when a certificate has just been made.
	clockSkew = time.Hour
)

// authority is hyperd's own certificate authority. It vouches for this hyperd to its clients and for clients to this
// hyperd, and for nobody else.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// openAuthority reads the authority in dir, or makes one. The key is written first: a death in between leaves
// a key, for which the next start makes the certificate.
func openAuthority(dir string, now time.Time) (*authority, error) {
	certPath, keyPath := filepath.Join(dir, caFile), filepath.Join(dir, caKeyFile)
	certPEM, certErr := os.ReadFile(certPath)
	keyPEM, keyErr := readPrivate(keyPath)
	haveCert, haveKey := !errors.Is(certErr, fs.ErrNotExist), !errors.Is(keyErr, fs.ErrNotExist)
	switch {
	case haveCert && certErr != nil:
		return nil, fmt.Errorf("read the authority's certificate: %w", certErr)
	case haveKey && keyErr != nil:
		return nil, fmt.Errorf("read the authority's key: %w", keyErr)
	case haveCert && !haveKey:
		return nil, fmt.Errorf("%s is there and its key %s is not: restore the key from a backup, or remove both, and give all clients the new %s",
			certPath, keyPath, caFile)
	}
	ca := &authority{}
	var err error
	if haveKey {
		ca.key, err = parseKey(keyPEM)
	} else {
		ca.key, keyPEM, err = newKey()
		if err == nil {
			err = writeFile(keyPath, keyPEM, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the key of the authority, %s: %w", keyPath, err)
	}
	if haveCert {
		ca.pem = certPEM
		ca.cert, err = parseCertificate(certPEM)
	} else if err = ca.signItself(now); err == nil {
		err = writeFile(certPath, ca.pem, 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("the certificate of the authority, %s: %w", certPath, err)
	}
	if !ca.key.PublicKey.Equal(ca.cert.PublicKey) {
		return nil, fmt.Errorf("%s is not the key of %s: restore both from one backup", keyPath, certPath)
	}
	return ca, nil
}

func (ca *authority) signItself(now time.Time) error {
	t := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{Organization: []string{"Hyper"}, CommonName: "Hyper authority " + now.UTC().Format("2006-01-02")},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(caLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &ca.key.PublicKey, ca.key)
	if err != nil {
		return err
	}
	ca.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	ca.cert, err = x509.ParseCertificate(der)
	return err
}

// sign makes a certificate for a fresh key. Its serial, its end and its usage are set in t by the caller.
func (ca *authority) sign(t *x509.Certificate) (der, certPEM, keyPEM []byte, err error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, nil, nil, err
	}
	t.KeyUsage, t.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
	if t.NotAfter.After(ca.cert.NotAfter) {
		t.NotAfter = ca.cert.NotAfter
	}
	der, err = x509.CreateCertificate(rand.Reader, t, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return nil, nil, nil, err
	}
	return der, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), keyPEM, nil
}

// CAPEM is the authority's certificate, for clients.
func (s *Service) CAPEM() []byte { return bytes.Clone(s.ca.pem) }

// CAPool is the pool that clients' certificates are verified by: the authority alone.
func (s *Service) CAPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.cert)
	return pool
}

// newSerial is a positive number of up to 127 random bits, which nobody guesses and which is never given twice.
func newSerial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	// This form, unlike PKCS #8, is read by every client of Docker, old ones too.
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "EC PRIVATE KEY" {
		return nil, errors.New("there is no EC PRIVATE KEY in it")
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

func parseCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("there is no CERTIFICATE in it")
	}
	return x509.ParseCertificate(block.Bytes)
}
