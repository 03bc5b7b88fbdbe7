package volume

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

func TestCreate(t *testing.T) {
	b := newBench(t)
	b.limit(quota.Volumes, 3)
	for _, tc := range []struct {
		name string
		req  CreateRequest
		gb   int
		is   func(error) bool
		says string
	}{
		{"with all defaults", CreateRequest{}, 10, nil, ""},
		{"with a name and a size", CreateRequest{Name: "pgdata", SizeGB: 20}, 20, nil, ""},
		{"with a name that is taken", CreateRequest{Name: "pgdata"}, 0, errdefs.IsConflict, `A volume named "pgdata" already exists. Choose a different volume name.`},
		{"with a size between", CreateRequest{Name: "x1", SizeGB: 15}, 0, errdefs.IsInvalidArgument, "multiple of 10, from 10 to 50 GB"},
		{"too small", CreateRequest{Name: "x1", SizeGB: -10}, 0, errdefs.IsInvalidArgument, "multiple of 10"},
		{"too large", CreateRequest{Name: "x1", SizeGB: 60}, 0, errdefs.IsInvalidArgument, "multiple of 10"},
		{"with a bad name", CreateRequest{Name: "../etc"}, 0, errdefs.IsInvalidArgument, "not a name for a volume"},
		{"as large as can be", CreateRequest{Name: "big", SizeGB: 50}, 50, nil, ""},
		{"over quota", CreateRequest{Name: "more"}, 0, errdefs.IsResourceExhausted, "Exceeded quota"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := b.volumes.Create(t.Context(), b.a, tc.req)
			if tc.is != nil {
				if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v.Phase != store.Ready || v.SizeGB != tc.gb || b.engine.VolumeSize(b.a, v.ID) != int64(tc.gb)<<30 {
				t.Errorf("volume is %+v, its disk has %d bytes", v, b.engine.VolumeSize(b.a, v.ID))
			}
			if tc.req.Name == "" && !regexp.MustCompile(`^[0-9a-f]{63}$`).MatchString(v.Name) {
				t.Errorf("the name is %q", v.Name)
			}
		})
	}
	if b.engine.Left(b.b) != nil {
		t.Error("the other account has something")
	}
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	b := newBench(t)
	full := errors.New("disk full")
	b.engine.Fail("CreateVolume", full)
	if _, err := b.volumes.Create(t.Context(), b.a, CreateRequest{Name: "pgdata"}); !errors.Is(err, full) {
		t.Errorf("error is %v", err)
	}
	if left := b.store.View(b.a).Volumes(); len(left) != 0 {
		t.Errorf("rows are left: %+v", left)
	}
	b.engine.Fail("CreateVolume", nil)
	b.create("pgdata", nil)
}

func TestCreateSurvivesItsClient(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.engine.On("CreateVolume", func(context.Context, fake.Call) error { cancel(); return nil })
	if _, err := b.volumes.Create(ctx, b.a, CreateRequest{Name: "pgdata"}); err != nil {
		t.Error(err)
	}
}

func TestEnsure(t *testing.T) {
	b := newBench(t)
	v := b.create("pgdata", nil)
	same, err := b.volumes.Ensure(t.Context(), b.a, CreateRequest{Name: "pgdata", SizeGB: 20})
	if err != nil || same.ID != v.ID || same.SizeGB != 10 {
		t.Errorf("an existing one: %+v, %v", same, err)
	}
	if v, err := b.volumes.Ensure(t.Context(), b.a, CreateRequest{Name: "fresh"}); err != nil || v.Name != "fresh" {
		t.Errorf("a new one: %+v, %v", v, err)
	}
	if _, err := b.volumes.Ensure(t.Context(), b.a, CreateRequest{Name: "pgdata", SizeGB: 7}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("a bad size: %v", err)
	}
}

func TestValidName(t *testing.T) {
	for name, ok := range map[string]bool{
		"pgdata": true, "a1": true, "A.b_c-d": true, strings.Repeat("x", 255): true,
		"": false, "a": false, "-a": false, ".a": false, "a/b": false, "a b": false, "ä1": false, "a\n": false, strings.Repeat("x", 256): false,
	} {
		if err := ValidName(name); (err == nil) != ok {
			t.Errorf("ValidName(%q) = %v", name, err)
		}
	}
}
