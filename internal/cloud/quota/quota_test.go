package quota

import (
	"path/filepath"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func TestRoom(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	acc, err := s.CreateAccount(t.Context(), "a", Limits{Containers: 10, FloatingIPs: None, Memory: 1 << 30, CPUs: 2}.Put)
	if err != nil {
		t.Fatal(err)
	}
	v := s.View(acc.Ref)
	for _, tc := range []struct {
		resource   string
		have, more int64
		says       string
	}{
		{Containers, 9, 1, ""},
		{Containers, 10, 0, ""},
		{Containers, 12, 0, ""}, // the limit was lowered
		{Containers, 10, 1, "Exceeded quota, please either delete containers, or ask the operator to raise it: the account has 10 of 10 containers"},
		{Containers, 8, 3, "Exceeded quota, please either delete containers, or ask the operator to raise it: the account has 8 of 10 containers"},
		{FloatingIPs, 0, 1, "Exceeded quota, please either release floating IPs, or ask the operator to raise it: the account has 0 of 0 floating IPs"},
		{Volumes, 1000, 1000, ""},
		{Memory, 1 << 29, 1 << 29, ""},
		{Memory, 1 << 29, 1 << 30, "Exceeded quota, please either delete containers or choose smaller sizes, or ask the operator to raise it: the account has 512MiB of 1GiB memory, and 1GiB more is asked for"},
		{CPUs, 2, 1, "Exceeded quota, please either delete containers or choose smaller sizes, or ask the operator to raise it: the account has 2 of 2 CPUs, and 1 more is asked for"},
	} {
		err := Room(v, tc.resource, tc.have, tc.more)
		switch {
		case tc.says == "" && err != nil:
			t.Errorf("%s %d+%d: %v", tc.resource, tc.have, tc.more, err)
		case tc.says != "" && (!errdefs.IsResourceExhausted(err) || err.Error() != tc.says):
			t.Errorf("%s %d+%d: %v\nwant %s", tc.resource, tc.have, tc.more, err, tc.says)
		}
	}
}

// Every resource has words for its end, so that a new one cannot be forgotten.
func TestResourcesHaveTexts(t *testing.T) {
	for _, r := range Resources() {
		if texts[r].remedy == "" {
			t.Errorf("%s has no text", r)
		}
		if _, ok := Defaults()[r]; !ok {
			t.Errorf("%s has no default", r)
		}
	}
	if len(texts) != len(Resources()) || len(Defaults()) != len(Resources()) {
		t.Error("there are texts or defaults of what is no resource")
	}
}
