package accounts

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
)

func TestFilesAreKeptPrivateAndUsedAgain(t *testing.T) {
	b := newBench(t)
	hosts := []string{"cloud.example.com", "127.0.0.1", "::1"}
	before := must(b.ServerCertificate(hosts))(t)
	ca := b.CAPEM()
	for name, want := range map[string]os.FileMode{
		".": 0o700, caKeyFile: 0o600, serverKeyFile: 0o600, sealFile: 0o600, caFile: 0o644, serverFile: 0o644,
	} {
		info, err := os.Stat(filepath.Join(b.dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %o", name, info, err, want)
		}
	}
	if n := len(must(os.ReadDir(b.dir))(t)); n != 5 {
		t.Errorf("there are %d files", n)
	}
	b.restart()
	after := must(b.ServerCertificate([]string{"::1", "127.0.0.1", "cloud.example.com", "::1"}))(t)
	if !bytes.Equal(ca, b.CAPEM()) || !bytes.Equal(before.Certificate[0], after.Certificate[0]) {
		t.Error("the next start has made them anew")
	}
	t.Run("for other hosts", func(t *testing.T) {
		other := must(b.ServerCertificate([]string{"127.0.0.1"}))(t)
		if bytes.Equal(other.Certificate[0], after.Certificate[0]) || other.Leaf.VerifyHostname("127.0.0.1") != nil || other.Leaf.VerifyHostname("cloud.example.com") == nil {
			t.Error("the certificate is the old one")
		}
	})
	t.Run("near its end", func(t *testing.T) {
		old := must(b.ServerCertificate(hosts))(t)
		b.now = old.Leaf.NotAfter.Add(-renewBefore + time.Minute)
		if fresh := must(b.ServerCertificate(hosts))(t); !fresh.Leaf.NotAfter.After(old.Leaf.NotAfter) {
			t.Error("the certificate is not renewed")
		}
	})
	t.Run("when a start died in between", func(t *testing.T) {
		_, key, err := newKey()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.dir, serverKeyFile), key, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(b.dir, caFile)); err != nil {
			t.Fatal(err)
		}
		b.restart()
		if bytes.Equal(ca, b.CAPEM()) {
			t.Error("the authority's certificate is made from nothing")
		}
		handshake(t, b, must(b.ServerCertificate(hosts))(t), tls.Certificate{}, "127.0.0.1")
	})
	if _, err := b.ServerCertificate(nil); !errdefs.IsInvalidArgument(err) {
		t.Errorf("no hosts: %v", err)
	}
}

func TestDamagedAuthorities(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(dir string) error
		says  string
	}{
		"key missing":            {func(dir string) error { return os.Remove(filepath.Join(dir, caKeyFile)) }, "restore the key from a backup"},
		"key readable by others": {func(dir string) error { return os.Chmod(filepath.Join(dir, caKeyFile), 0o644) }, "has mode 0644"},
		"key damaged":            {func(dir string) error { return os.WriteFile(filepath.Join(dir, caKeyFile), []byte("x"), 0o600) }, "no EC PRIVATE KEY"},
		"certificate damaged":    {func(dir string) error { return os.WriteFile(filepath.Join(dir, caFile), nil, 0o644) }, "no CERTIFICATE"},
		"another key": {func(dir string) error {
			_, key, err := newKey()
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, caKeyFile), key, 0o600)
		}, "is not the key of"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if err := tc.spoil(b.dir); err != nil {
				t.Fatal(err)
			}
			if _, err := New(b.Config); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// TestClientCertificates lets a client and a server meet over TLS, each trusting the authority only.
func TestClientCertificates(t *testing.T) {
	b := newBench(t)
	a, _ := b.tenant("ann")
	server := must(b.ServerCertificate([]string{"127.0.0.1"}))(t)
	crt := must(b.IssueCertificate(t.Context(), a, "desk", 0))(t)
	client := must(tls.X509KeyPair(crt.CertPEM, crt.KeyPEM))(t)
	seen := handshake(t, b, server, client, "127.0.0.1")
	if got, err := b.Certificate(seen); err != nil || got != a {
		t.Errorf("it is %v's: %v", got, err)
	}
	if seen.IsCA || len(seen.ExtKeyUsage) != 1 || seen.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("it may be used for %v, as an authority: %v", seen.ExtKeyUsage, seen.IsCA)
	}
	// Another hyperd's authority is not trusted, whatever it vouches for.
	stranger := newBench(t)
	sa, _ := stranger.tenant("ann")
	foreign := must(stranger.IssueCertificate(t.Context(), sa, "desk", 0))(t)
	_, err := certificateOf(t, foreign.CertPEM).Verify(x509.VerifyOptions{Roots: b.CAPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err == nil {
		t.Error("another authority's certificate is accepted")
	}
}

// handshake connects a client to a server and returns the certificate that the client showed.
func handshake(t *testing.T, b *bench, server, client tls.Certificate, host string) *x509.Certificate {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	in := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: b.CAPool(), Time: b.Now})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b.CAPEM())
	cfg := &tls.Config{RootCAs: roots, ServerName: host, Time: b.Now}
	if client.Certificate != nil {
		cfg.Certificates = []tls.Certificate{client}
	}
	out := tls.Client(near, cfg)
	failed := make(chan error, 1)
	go func() { failed <- in.HandshakeContext(t.Context()) }()
	if err := out.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if client.Certificate == nil {
		return nil
	}
	return in.ConnectionState().PeerCertificates[0]
}
