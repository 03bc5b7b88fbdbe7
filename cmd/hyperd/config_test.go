package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/store"
)

// read is what hyperd makes of its arguments and a file with settings.
func read(t *testing.T, file string, args ...string) (config, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "hyperd.yml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	set := pflag.NewFlagSet("hyperd", pflag.ContinueOnError)
	c := defaults()
	name := flags(set, &c)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	err := load(set, &c, *name)
	return c, err
}

func TestFlagsWinOverTheFile(t *testing.T) {
	c, err := read(t, "data-root: /file\nlog-level: debug\nfip-pool: [203.0.113.0/28]\nlimits: {requests-per-second: 7}\ntls: {name: x}\n", "--data-root", "/flag")
	if err == nil || !strings.Contains(err.Error(), "name") {
		t.Errorf("a key that there is not: %v", err)
	}
	if c, err := read(t, "fip-exclude: [10.0.0.1]\nfip-probe: false\nmtu: 1400\n", "--mtu", "1300", "--fip-exclude", "10.0.0.2"); err != nil || c.MTU != 1300 || c.FIPProbe || !reflect.DeepEqual(c.FIPExclude, []string{"10.0.0.2"}) {
		t.Errorf("settings are %+v, %v", c, err)
	}
	if c, err := read(t, "fip-exclude: [10.0.0.1]\n"); err != nil || c.MTU != 0 || !c.FIPProbe || !reflect.DeepEqual(c.FIPExclude, []string{"10.0.0.1"}) {
		t.Errorf("settings are %+v, %v", c, err)
	}
	c, err = read(t, "data-root: /file\nlog-level: debug\nfip-pool: [203.0.113.0/28]\nlimits: {requests-per-second: 7}\n", "--data-root", "/flag")
	if err != nil {
		t.Fatal(err)
	}
	if c.DataRoot != "/flag" || c.LogLevel != "debug" || c.Limits.RequestsPerSecond != 7 || c.Limits.RequestsAtOnce != 512 || !reflect.DeepEqual(c.FIPPool, []string{"203.0.113.0/28"}) {
		t.Errorf("settings are %+v", c)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	for file, want := range map[string]string{
		"tls: {cert: /a.pem}":                 "tls-cert and tls-key",
		"limits: {requests-per-second: -1}":   "cannot be negative",
		"limits: {rootfs-gb: -1}":             "limits.rootfs-gb is -1",
		"mtu: 100":                            "mtu is 100",
		"instance: Too-Long-And-Loud":         "instance",
		"registry-mirror: [\"ftp://mirror\"]": "registry mirror",
		"quotas: {containers: many}":          "quotas",
		"limit: {}":                           "limit",
	} {
		if _, err := read(t, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v", file, err)
		}
	}
}

// What the key quotas says is what a new account gets, and a quota that there is not ends hyperd with a sentence.
func TestQuotasOfNewAccounts(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	c, err := read(t, "quotas: {containers: 3, memory: 4294967296, fips: -1}\n")
	if err != nil {
		t.Fatal(err)
	}
	s, err := accounts.New(accounts.Config{Store: st, Dir: t.TempDir(), Quotas: c.Quotas})
	if err != nil {
		t.Fatal(err)
	}
	acc, _, err := s.Create(t.Context(), "ann", nil)
	if err != nil {
		t.Fatal(err)
	}
	v := st.View(acc.Ref)
	if v.Quota("containers") != 3 || v.Quota("memory") != 4<<30 || v.Quota("fips") != -1 || v.Quota("volumes") != 40 {
		t.Errorf("ann has %v", s.Quotas(acc.Ref))
	}
	if c, err = read(t, "quotas: {pods: 3}\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.New(accounts.Config{Store: st, Dir: t.TempDir(), Quotas: c.Quotas}); err == nil || !strings.Contains(err.Error(), "pods") {
		t.Errorf("a quota of pods: %v", err)
	}
}
