package accounts

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

// sealFile holds the key that secrets in the database are sealed with: 64 hex digits.
const sealFile = "secrets.key"

// sealer encrypts secrets for the database, by AES-256-GCM. A sealed secret is bound to its access key, so that in the
// database nobody can put one in another's place. See docs/adr/0010.
type sealer struct {
	aead cipher.AEAD
	path string
}

func openSealer(dir string) (*sealer, error) {
	path := filepath.Join(dir, sealFile)
	key := make([]byte, 32)
	switch text, err := readPrivate(path); {
	case errors.Is(err, fs.ErrNotExist):
		_, _ = rand.Read(key) // never fails
		if err := writeFile(path, []byte(hex.EncodeToString(key)+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("keep the key of the secrets: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("read the key of the secrets: %w", err)
	default:
		key, err = hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(key) != 32 {
			return nil, fmt.Errorf("%s is damaged: it should have 64 hex digits; restore it from a backup, or remove it and make all credentials anew", path)
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead, path: path}, nil
}

func (s *sealer) seal(access, secret string) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, []byte(secret), []byte(access))
}

func (s *sealer) open(access string, sealed []byte) (string, error) {
	n := s.aead.NonceSize()
	if len(sealed) > n {
		if secret, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(access)); err == nil {
			return string(secret), nil
		}
	}
	return "", oops.Unavailable("the secret of access key %s cannot be opened with %s: put back the %s that was there when the credential was made, or remove the credential and make another",
		access, s.path, sealFile)
}
