package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
)

// EmptyHash is the hash of no body.
const EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// ErrBody is the answer to a body that is not the one whose hash was signed.
var ErrBody = errors.New("Unauthorized: the body is not the one that was signed")

// HashBody is the hash of a body as it is signed.
func HashBody(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// CheckBody reads body through, and fails with ErrBody instead of io.EOF when it has another hash than want. All but
// the last read succeed whatever the hash, so a server must have the whole body before it acts on a part.
func CheckBody(body io.ReadCloser, want string) io.ReadCloser {
	return &checkedBody{ReadCloser: body, want: want, hash: sha256.New()}
}

type checkedBody struct {
	io.ReadCloser
	want string
	hash hash.Hash
}

func (b *checkedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.hash.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(b.hash.Sum(nil)) != b.want {
		err = ErrBody
	}
	return n, err
}
