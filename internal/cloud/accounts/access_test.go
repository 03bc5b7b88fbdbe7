package accounts

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
)

func TestWhatIsMadeOpensItsAccount(t *testing.T) {
	b := newBench(t)
	a, first := b.tenant("ann")
	other, _ := b.tenant("bob")
	if !regexp.MustCompile(`^[A-Z0-9]{32}$`).MatchString(first.Access) || !regexp.MustCompile(`^[A-Za-z0-9]{40}$`).MatchString(first.Secret) {
		t.Errorf("credential is %s %s", first.Access, first.Secret)
	}
	tok := must(b.CreateToken(t.Context(), a, "ci", time.Hour))(t)
	if !regexp.MustCompile(`^hyper_[A-Za-z0-9]{43}$`).MatchString(tok.Text) {
		t.Errorf("token is %s", tok.Text)
	}
	crt := must(b.IssueCertificate(t.Context(), a, "desk", 0))(t)
	leaf := certificateOf(t, crt.CertPEM)
	check := func() {
		t.Helper()
		got, secret, err := b.Secret(first.Access)
		if err != nil || got != a || secret != first.Secret {
			t.Errorf("Secret: %v %q %v", got, secret, err)
		}
		if got, err := b.Token(tok.Text); err != nil || got != a {
			t.Errorf("Token: %v %v", got, err)
		}
		if got, err := b.Certificate(leaf); err != nil || got != a {
			t.Errorf("Certificate: %v %v", got, err)
		}
	}
	check()
	b.restart()
	check()

	refused := func(why string) {
		t.Helper()
		_, _, c := b.Secret(first.Access)
		_, tk := b.Token(tok.Text)
		_, ct := b.Certificate(leaf)
		for _, err := range []error{c, tk, ct} {
			if !errdefs.IsNotFound(err) {
				t.Errorf("%s: error is %v", why, err)
			}
		}
	}
	t.Run("unless the account is disabled", func(t *testing.T) {
		if err := b.Disable(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		refused("disabled")
		b.restart()
		refused("disabled, after a restart")
		if err := b.Enable(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		check()
	})
	t.Run("until it expires", func(t *testing.T) {
		start := b.now
		defer func() { b.now = start }()
		b.now = tok.ExpiresAt.Add(-time.Second)
		check()
		b.now = tok.ExpiresAt
		if _, err := b.Token(tok.Text); !errdefs.IsNotFound(err) {
			t.Errorf("token: %v", err)
		}
		b.now = crt.ExpiresAt
		if _, err := b.Certificate(leaf); !errdefs.IsNotFound(err) {
			t.Errorf("certificate: %v", err)
		}
	})
	t.Run("not if it is another one", func(t *testing.T) {
		for _, text := range []string{"", "hyper_", tok.Hash, tok.Text[:20], tok.Text + "x", strings.TrimPrefix(tok.Text, "hyper_"), strings.ToUpper(tok.Text)} {
			if _, err := b.Token(text); !errdefs.IsNotFound(err) {
				t.Errorf("token %q: %v", text, err)
			}
		}
		for _, access := range []string{"", first.Secret, strings.ToLower(first.Access)} {
			if _, _, err := b.Secret(access); !errdefs.IsNotFound(err) {
				t.Errorf("access key %q: %v", access, err)
			}
		}
		// The authority's own, a server's, and one with the right serial that is not the one that was issued.
		server := must(b.ServerCertificate([]string{"localhost"}))(t)
		forged := *leaf
		forged.Raw = append(bytes.Clone(leaf.Raw), 0)
		for _, c := range []*x509.Certificate{certificateOf(t, b.CAPEM()), server.Leaf, &forged} {
			if _, err := b.Certificate(c); !errdefs.IsNotFound(err) {
				t.Errorf("certificate of %s: %v", c.Subject, err)
			}
		}
	})
	t.Run("until it is revoked, which only its account can do", func(t *testing.T) {
		for _, err := range []error{
			b.RemoveCredential(t.Context(), other, first.Access), b.RevokeToken(t.Context(), other, "ci"), b.RevokeCertificate(t.Context(), other, crt.Serial),
		} {
			if !errdefs.IsNotFound(err) {
				t.Errorf("another account: %v", err)
			}
		}
		check()
		for _, err := range []error{
			b.RemoveCredential(t.Context(), a, first.Access), b.RevokeToken(t.Context(), a, "ci"), b.RevokeCertificate(t.Context(), a, crt.Serial),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		refused("revoked")
		b.restart()
		refused("revoked, after a restart")
	})
}

func TestSecretsAreNotInTheDatabase(t *testing.T) {
	b := newBench(t)
	a, c := b.tenant("ann")
	tok := must(b.CreateToken(t.Context(), a, "ci", 0))(t)
	crt := must(b.IssueCertificate(t.Context(), a, "desk", 0))(t)
	key, _ := pem.Decode(crt.KeyPEM)
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	defer b.start()
	text := must(os.ReadFile(b.db))(t)
	wal, _ := os.ReadFile(b.db + "-wal")
	text = append(text, wal...)
	for _, there := range []string{c.Access, tok.Hash, crt.Serial} {
		if !bytes.Contains(text, []byte(there)) {
			t.Errorf("%s is not in the database: this test reads the wrong file", there)
		}
	}
	for what, secret := range map[string][]byte{
		"secret": []byte(c.Secret), "half a secret": []byte(c.Secret[:20]), "token": []byte(tok.Text), "half a token": []byte(tok.Text[6:28]),
		"private key": key.Bytes, "private key's text": crt.KeyPEM[40:80],
	} {
		if bytes.Contains(text, secret) {
			t.Errorf("the %s is in the database", what)
		}
	}
}

func TestAWrongKeyOfTheSecrets(t *testing.T) {
	b := newBench(t)
	_, c := b.tenant("ann")
	path := filepath.Join(b.dir, sealFile)
	right := must(os.ReadFile(path))(t)
	put := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	put(strings.Repeat("ab", 32), 0o600)
	b.restart() // its containers must be served even so
	_, _, err := b.Secret(c.Access)
	if !errdefs.IsUnavailable(err) || !strings.Contains(err.Error(), "put back the secrets.key that was there") || strings.Contains(err.Error(), "cipher") {
		t.Errorf("error is %v", err)
	}
	put(string(right), 0o600)
	b.restart()
	if _, secret, err := b.Secret(c.Access); err != nil || secret != c.Secret {
		t.Errorf("with the right key again: %q %v", secret, err)
	}
	for why, tc := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"damaged":          {"abc", 0o600, "is damaged"},
		"readable by some": {string(right), 0o640, "has mode 0640"},
	} {
		put(tc.text, tc.mode)
		if _, err := New(b.Config); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error is %v", why, err)
		}
	}
}

// What is sealed for one access key does not open for another.
func TestSealedSecretsCannotBeExchanged(t *testing.T) {
	s := must(openSealer(t.TempDir()))(t)
	one, two := s.seal("ONE", "secret"), s.seal("ONE", "secret")
	if bytes.Equal(one, two) {
		t.Error("the same secret looks the same")
	}
	if got, err := s.open("ONE", one); err != nil || got != "secret" {
		t.Errorf("%q %v", got, err)
	}
	for _, sealed := range [][]byte{nil, one[:5], append(bytes.Clone(one[:len(one)-1]), one[len(one)-1]^1)} {
		if _, err := s.open("ONE", sealed); err == nil {
			t.Errorf("%x opens", sealed)
		}
	}
	if _, err := s.open("TWO", one); err == nil {
		t.Error("it opens for another access key")
	}
}

func TestCredentialsAreThreeAtMost(t *testing.T) {
	b := newBench(t)
	a, first := b.tenant("ann")
	var wg sync.WaitGroup
	var made atomic.Int32
	for range 100 {
		wg.Go(func() {
			_, err := b.CreateCredential(t.Context(), a, "more")
			switch {
			case err == nil:
				made.Add(1)
			case !errdefs.IsResourceExhausted(err) || !strings.HasPrefix(err.Error(), "Exceeded quota, please either delete credentials"):
				t.Errorf("error is %v", err)
			}
		})
	}
	wg.Wait()
	if n := made.Load(); n != 2 || len(b.Credentials(a)) != 3 {
		t.Errorf("%d were made, and there are %d", n, len(b.Credentials(a)))
	}
	if err := b.RemoveCredential(t.Context(), a, first.Access); err != nil {
		t.Fatal(err)
	}
	must(b.CreateCredential(t.Context(), a, ""))(t)
}

func TestTokensAndCertificatesAreBounded(t *testing.T) {
	b := newBench(t)
	a, _ := b.tenant("ann")
	for n := range maxTokens {
		life := time.Duration(0)
		if n == 0 {
			life = time.Hour
		}
		must(b.CreateToken(t.Context(), a, "t"+strings.Repeat("x", n/10)+string(rune('a'+n%10)), life))(t)
	}
	if _, err := b.CreateToken(t.Context(), a, "more", 0); !errdefs.IsResourceExhausted(err) {
		t.Errorf("error is %v", err)
	}
	b.now = b.now.Add(time.Hour)
	must(b.CreateToken(t.Context(), a, "more", 0))(t)
	for range maxCertificates {
		must(b.IssueCertificate(t.Context(), a, "c", time.Hour))(t)
	}
	if _, err := b.IssueCertificate(t.Context(), a, "more", 0); !errdefs.IsResourceExhausted(err) {
		t.Errorf("error is %v", err)
	}
	b.now = b.now.Add(2 * time.Hour)
	must(b.IssueCertificate(t.Context(), a, "more", 0))(t)
	if n := len(b.Certificates(a)); n != 1 {
		t.Errorf("%d certificates are there", n)
	}
}

func TestRefusedRequests(t *testing.T) {
	b := newBench(t)
	a, _ := b.tenant("ann")
	for why, err := range map[string]error{
		"a credential's name":     second(b.CreateCredential(t.Context(), a, "a b")),
		"a token's name":          second(b.CreateToken(t.Context(), a, "-x", 0)),
		"a token's lifetime":      second(b.CreateToken(t.Context(), a, "x", -1)),
		"a certificate's name":    second(b.IssueCertificate(t.Context(), a, "a\nb", 0)),
		"a short certificate":     second(b.IssueCertificate(t.Context(), a, "x", time.Second)),
		"a very long certificate": second(b.IssueCertificate(t.Context(), a, "x", 20*maxValidity)),
	} {
		if !errdefs.IsInvalidArgument(err) {
			t.Errorf("%s: %v", why, err)
		}
	}
	must(b.CreateToken(t.Context(), a, "ci", 0))(t)
	if _, err := b.CreateToken(t.Context(), a, "ci", 0); !errdefs.IsConflict(err) {
		t.Errorf("a token's name twice: %v", err)
	}
	if _, err := b.CreateToken(t.Context(), account.Ref{}, "x", 0); err == nil {
		t.Error("a token of nobody")
	}
}

func second[T any](_ T, err error) error { return err }

func certificateOf(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	return must(parseCertificate(text))(t)
}
