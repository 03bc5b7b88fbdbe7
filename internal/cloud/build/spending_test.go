package build

import (
	"io"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota/quotatest"
)

// With a budget that is spent nothing is built, and no builder is begun, whoever asks for it.
func TestNoBuildsWithoutMoney(t *testing.T) {
	a, err := account.New("0123456789abcdef0123456789abcdef", 0)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Spending: quotatest.New(0)})
	for what, ask := range map[string]func() error{
		"a build": func() error {
			_, err := s.Build(t.Context(), a, Request{Context: io.NopCloser(strings.NewReader(""))}, io.Discard)
			return err
		},
		"a connection":    func() error { return s.Control(t.Context(), a, nil) },
		"a session":       func() error { return s.Session(t.Context(), a, nil, nil) },
		"to get it ready": func() error { return s.Ready(t.Context(), a) },
	} {
		if err := ask(); !errdefs.IsResourceExhausted(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(s.uses) != 0 {
		t.Errorf("the builder has users: %v", s.uses)
	}
}
