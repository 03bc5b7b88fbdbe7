package clouds

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// own writes cert.pem and key.pem, as an operator hands them out.
func own(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(42), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// asks is a server that notes the client's certificate.
func asks(t *testing.T, serial *string) *httptest.Server {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*serial = ""
		for _, c := range r.TLS.PeerCertificates {
			*serial = c.SerialNumber.String()
		}
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func get(dir string, insecure bool, url string) error {
	c, err := TLS(dir, insecure)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: c}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get(url)
	if err == nil {
		answer.Body.Close()
	}
	return err
}

func TestServersAreVerified(t *testing.T) {
	var serial string
	server := asks(t, &serial)
	dir := t.TempDir()
	if err := get(dir, false, server.URL); err == nil || !strings.Contains(err.Error(), "x509: ") {
		t.Errorf("an unknown authority: %v", err)
	}
	if err := get(dir, true, server.URL); err != nil {
		t.Errorf("insecure: %v", err)
	}
	authority := filepath.Join(t.TempDir(), "authority.pem")
	write(t, authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for range 2 { // The second time changes nothing.
		if err := Trust(dir, authority); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err != nil || strings.Count(string(b), "BEGIN CERTIFICATE") != 1 {
		t.Errorf("ca.pem is %q, %v", b, err)
	}
	if err := get(dir, false, server.URL); err != nil || serial != "" {
		t.Errorf("a trusted authority: %v, certificate %q", err, serial)
	}
}

func TestOwnCertificateIsShown(t *testing.T) {
	var serial string
	server := asks(t, &serial)
	dir := t.TempDir()
	own(t, dir)
	if err := get(dir, true, server.URL); err != nil || serial != "42" {
		t.Errorf("%v, certificate %q", err, serial)
	}
}

func TestFilesThatAreNoCertificatesAreNamed(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "ca.pem")
	write(t, junk, []byte("junk"))
	if _, err := TLS(dir, false); err == nil || !strings.Contains(err.Error(), junk) {
		t.Errorf("got %v", err)
	}
	if err := Trust(t.TempDir(), junk); err == nil {
		t.Error("junk is trusted")
	}
	other := t.TempDir()
	own(t, other)
	write(t, filepath.Join(other, "key.pem"), []byte("junk"))
	if _, err := TLS(other, false); err == nil || !strings.Contains(err.Error(), "cert.pem and key.pem") {
		t.Errorf("got %v", err)
	}
}
