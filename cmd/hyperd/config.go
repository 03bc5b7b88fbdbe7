package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/hypercloud/hyper/internal/cloud/container"
)

// config is everything that an operator can set, by flag or in the file that --config names. A flag that is given
// wins over the file.
type config struct {
	DataRoot        string   `yaml:"data-root"`
	RunDir          string   `yaml:"run-dir"`
	Hosts           []string `yaml:"host"`
	RegistryMirrors []string `yaml:"registry-mirror"`
	Libexec         string   `yaml:"libexec"`
	Instance        string   `yaml:"instance"`
	LogLevel        string   `yaml:"log-level"`
	UplinkPool      string   `yaml:"uplink-pool"`
	FIPPool         []string `yaml:"fip-pool"`
	FIPExclude      []string `yaml:"fip-exclude"`
	FIPProbe        bool     `yaml:"fip-probe"`
	MTU             int      `yaml:"mtu"`
	DNS             []string `yaml:"dns"`
	UploadHost      string   `yaml:"upload-host"`
	TLS             tlsFiles `yaml:"tls"`
	Fetch           fetching `yaml:"fetch"`
	Limits          limits   `yaml:"limits"`
	Build           building `yaml:"build"`
	Prices          string   `yaml:"prices"` // YAML file of the price book; "": the original's prices
	SMTP            smtp     `yaml:"smtp"`
	Trace           bool     `yaml:"trace"`

	// Quotas are those of accounts that are made from now on, by resource, where they differ from quota.Defaults.
	Quotas map[string]int64 `yaml:"quotas"`
}

// tlsFiles say with which certificate hyperd serves tcp:// hosts.
type tlsFiles struct {
	Cert  string   `yaml:"cert"` // PEM file; default: a certificate of hyperd's own authority
	Key   string   `yaml:"key"`
	Names []string `yaml:"names"` // hosts that hyperd's own certificate is for, besides this machine's name and addresses
}

// fetching says what hyperd gets from URLs that tenants name.
type fetching struct {
	Allow []string `yaml:"allow"` // prefixes that are asked although they are not public
}

// building says how images are built.
type building struct {
	Off         bool   `yaml:"off"`          // refuse to build
	Size        string `yaml:"size"`         // of an account's builder; default m2
	IdleMinutes int    `yaml:"idle-minutes"` // that a builder runs on after its last use; default 10
}

// smtp says through which server mail is sent.
type smtp struct {
	Host         string `yaml:"host"` // "": no mail is sent
	Port         int    `yaml:"port"` // default: 587, 465 with tls, 25 with none
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password-file"`
	From         string `yaml:"from"`
	TLS          string `yaml:"tls"` // starttls, the default, tls or none
}

// limits bound what containers and their owners may do.
type limits struct {
	RequestsPerSecond float64 `yaml:"requests-per-second"` // of an account, in the long run; 0: any number
	RequestsAtOnce    int     `yaml:"requests-at-once"`    // of an account, logs and attachments included; 0: any number
	LogFiles          int     `yaml:"log-files"`           // rotated log files kept for a container; default 10
	LogFileSize       int64   `yaml:"log-file-size"`       // bytes of one; default 5 MB
	LogRate           float64 `yaml:"log-rate"`            // bytes a second that an account's containers may write to their output in the long run, a line counting 100 more; 0: any number
	VolumeMaxGB       int     `yaml:"volume-max-gb"`       // largest volume; default 50
	VolumePoolGB      int64   `yaml:"volume-pool-gb"`
	VolumeOvercommit  float64 `yaml:"volume-overcommit"` // how many times the machine's disk all volumes may have together; 0: any number of times
	VolumeReserveMB   int64   `yaml:"volume-reserve-mb"` // what is kept of the machine's disk for data that are there, in MiB; default a fiftieth, 256 to 4096
	FillMinutes       int     `yaml:"fill-minutes"`      // for filling a volume, and for a client's uploads; default 30
	RootfsGB          int64   `yaml:"rootfs-gb"`         // what a new container can write to its root file system; 0: without a limit
}

func defaults() config {
	return config{
		DataRoot: "/var/lib/hyper", RunDir: "/run/hyper", LogLevel: "info",
		UplinkPool: "100.64.0.0/16", FIPPool: []string{"198.18.0.0/24"}, FIPProbe: true, Limits: limits{RootfsGB: 10, RequestsPerSecond: 100, RequestsAtOnce: 512, LogRate: 20 << 20},
	}
}

// flags declares every setting as a flag of set, with c's values as defaults.
func flags(set *pflag.FlagSet, c *config) (file *string) {
	file = set.String("config", "", "YAML file with these settings; a flag wins over the file")
	set.StringVar(&c.DataRoot, "data-root", c.DataRoot, "directory for everything that must survive a reboot")
	set.StringVar(&c.RunDir, "run-dir", c.RunDir, "directory for sockets, pipes and mounts")
	set.StringArrayVarP(&c.Hosts, "host", "H", nil, "where to listen, such as unix:///run/hyper/hyper.sock or tcp://0.0.0.0:6443 (TLS; repeatable; default: hyper.sock in the run directory)")
	set.StringArrayVar(&c.RegistryMirrors, "registry-mirror", nil, "base URL of a registry asked before docker.io (repeatable)")
	set.StringVar(&c.Libexec, "libexec", "", "directory of runc, containerd-shim-hyper-v2 and what else hyperd starts (default: ../libexec/hyper beside this program)")
	set.StringVar(&c.Instance, "instance", "", "1 to 6 characters [a-z0-9] that name this hyperd's interfaces and tables (default: made from the data root)")
	set.StringVar(&c.LogLevel, "log-level", c.LogLevel, "debug, info, warn or error")
	set.StringVar(&c.UplinkPool, "uplink-pool", c.UplinkPool, "prefix for the links between this machine and the accounts' routers")
	set.StringArrayVar(&c.FIPPool, "fip-pool", c.FIPPool, "floating IPs: a prefix, a range such as 203.0.113.10-203.0.113.20 or an address (repeatable); 198.18.0.0/15 is reachable from this machine only")
	set.StringArrayVar(&c.FIPExclude, "fip-exclude", nil, "prefix, range or address of the pools that is never given (repeatable)")
	set.BoolVar(&c.FIPProbe, "fip-probe", c.FIPProbe, "ask the networks that this machine is in whether another host has an address before it is given")
	set.IntVar(&c.MTU, "mtu", 0, "largest packet of containers and their links, in bytes (default: that of the interface with the default route)")
	set.StringArrayVar(&c.DNS, "dns", nil, "DNS server that other names are asked of (repeatable; default: those of /etc/resolv.conf)")
	set.StringVar(&c.TLS.Cert, "tls-cert", "", "PEM file of the certificate for tcp:// hosts (default: one of hyperd's own authority)")
	set.StringVar(&c.TLS.Key, "tls-key", "", "PEM file of its key")
	set.StringArrayVar(&c.TLS.Names, "tls-name", nil, "host name or address that hyperd's own certificate is for, besides this machine's (repeatable)")
	set.StringArrayVar(&c.Fetch.Allow, "fetch-allow", nil, "prefix that tenants' URLs may lead to although it is not public (repeatable)")
	set.StringVar(&c.UploadHost, "upload-host", "", "address and port, such as 0.0.0.0:6480, that takes the original client's uploads in clear (default: none)")
	set.BoolVar(&c.Trace, "trace", false, "log how long each part of a start takes")
	return file
}

// load merges the file under what the command line says.
func load(set *pflag.FlagSet, c *config, file string) error {
	if file == "" {
		return c.complete()
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	merged := defaults()
	if err := yaml.UnmarshalWithOptions(raw, &merged, yaml.Strict()); err != nil {
		return fmt.Errorf("%s is not a valid configuration:\n%s", file, yaml.FormatError(err, false, true))
	}
	for name, take := range map[string]func(){
		"data-root": func() { merged.DataRoot = c.DataRoot }, "run-dir": func() { merged.RunDir = c.RunDir },
		"host": func() { merged.Hosts = c.Hosts }, "registry-mirror": func() { merged.RegistryMirrors = c.RegistryMirrors },
		"libexec": func() { merged.Libexec = c.Libexec }, "instance": func() { merged.Instance = c.Instance },
		"log-level": func() { merged.LogLevel = c.LogLevel }, "uplink-pool": func() { merged.UplinkPool = c.UplinkPool },
		"fip-pool": func() { merged.FIPPool = c.FIPPool }, "fip-exclude": func() { merged.FIPExclude = c.FIPExclude }, "fip-probe": func() { merged.FIPProbe = c.FIPProbe }, "mtu": func() { merged.MTU = c.MTU }, "dns": func() { merged.DNS = c.DNS },
		"upload-host": func() { merged.UploadHost = c.UploadHost },
		"trace":       func() { merged.Trace = c.Trace },
		"tls-cert":    func() { merged.TLS.Cert = c.TLS.Cert }, "tls-key": func() { merged.TLS.Key = c.TLS.Key },
		"tls-name": func() { merged.TLS.Names = c.TLS.Names }, "fetch-allow": func() { merged.Fetch.Allow = c.Fetch.Allow },
	} {
		if set.Changed(name) {
			take()
		}
	}
	*c = merged
	return c.complete()
}

var instancePattern = regexp.MustCompile(`^[a-z0-9]{1,6}$`)

func (c *config) complete() error {
	var err error
	for _, dir := range []*string{&c.DataRoot, &c.RunDir} {
		if *dir == "" {
			return errors.New("--data-root and --run-dir cannot be empty")
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	if c.Instance == "" {
		c.Instance = "hy"
		if c.DataRoot != defaults().DataRoot {
			sum := sha256.Sum256([]byte(c.DataRoot))
			c.Instance = "h" + hex.EncodeToString(sum[:])[:4]
		}
	}
	if c.MTU != 0 && (c.MTU < 576 || c.MTU > 65535) {
		return fmt.Errorf("mtu is %d: give a number of bytes from 576 to 65535, or leave it out for that of the interface with the default route", c.MTU)
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		return errors.New("a certificate and its key go together: give both tls-cert and tls-key, or neither")
	}
	if c.Limits.RequestsPerSecond < 0 || c.Limits.RequestsAtOnce < 0 || c.Limits.LogRate < 0 {
		return errors.New("limits.requests-per-second, limits.requests-at-once and limits.log-rate cannot be negative; 0 is no limit")
	}
	if c.Limits.VolumeOvercommit < 0 || c.Limits.VolumeReserveMB < 0 {
		return errors.New("limits.volume-overcommit and limits.volume-reserve-mb cannot be negative; 0 is the default")
	}
	if c.Limits.FillMinutes < 0 {
		return fmt.Errorf("limits.fill-minutes is %d: give a number of minutes, or 0 for the default", c.Limits.FillMinutes)
	}
	if _, ok := container.SizeOf(c.Build.Size); c.Build.Size != "" && !ok {
		return fmt.Errorf("build.size %q is not a size of containers: give one from s1 to l3", c.Build.Size)
	}
	if c.Build.IdleMinutes < 0 {
		return fmt.Errorf("build.idle-minutes is %d: give a number of minutes, or 0 for the default", c.Build.IdleMinutes)
	}
	if c.UploadHost != "" {
		if _, port, err := net.SplitHostPort(c.UploadHost); err != nil || port == "" {
			return fmt.Errorf("upload-host %q: name an address and a port, such as 0.0.0.0:6480", c.UploadHost)
		}
	}
	if c.Limits.RootfsGB < 0 {
		return fmt.Errorf("limits.rootfs-gb is %d: give a number of GB, or 0 for no limit", c.Limits.RootfsGB)
	}
	if !instancePattern.MatchString(c.Instance) {
		return fmt.Errorf("instance %q: use 1 to 6 of the characters a-z and 0-9", c.Instance)
	}
	if c.Libexec == "" {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program's own path: %w", err)
		}
		c.Libexec = filepath.Join(filepath.Dir(filepath.Dir(exe)), "libexec", "hyper")
	}
	if len(c.Hosts) == 0 {
		c.Hosts = []string{"unix://" + filepath.Join(c.RunDir, "hyper.sock")}
	}
	for _, m := range c.RegistryMirrors {
		if !strings.HasPrefix(m, "http://") && !strings.HasPrefix(m, "https://") {
			return fmt.Errorf("registry mirror %q: give its base URL, http:// or https://", m)
		}
	}
	return nil
}

// prefixes reads a list of address ranges.
func prefixes(name string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil || !p.Addr().Is4() {
			return nil, fmt.Errorf("%s %q is not an IPv4 prefix such as 198.18.0.0/24", name, s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
