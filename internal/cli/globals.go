package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	hyperclient "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/hypercloud/hyper/internal/signature"
	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"
)

// The environment variables that the client reads. Docker's are another program's.
const (
	envHost         = "HYPER_HOST"
	envConfig       = "HYPER_CONFIG"
	envRegion       = "HYPER_DEFAULT_REGION"
	envAccess       = "HYPER_ACCESS"
	envSecret       = "HYPER_SECRET"
	envVerify       = "HYPER_TLS_VERIFY"
	envCertificates = "HYPER_CERT_PATH"
	envAccount      = "HYPER_ACCOUNT"
)

// globals are the flags before the command.
type globals struct {
	session.Config
	host, region  string
	hostGiven     bool
	skipVerify    bool
	help, version bool
}

// flags are made anew for help and for parsing, so that help can show the defaults.
func (g *globals) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("hyper", pflag.ContinueOnError)
	f.SetInterspersed(false)
	f.Usage = func() {}
	f.StringVar(&g.Account, "account", os.Getenv(envAccount), "Account to act as, for the operator")
	f.StringVar(&g.Directory, "config", configDirectory(), "Directory of the client's configuration")
	f.BoolVarP(&g.Debug, "debug", "D", false, "Show what the client does")
	f.BoolVarP(&g.help, "help", "h", false, "Show this text")
	f.StringVarP(&g.host, "host", "H", defaultHost(), "Address of the server")
	f.StringVarP(&g.LogLevel, "log-level", "l", "info", "What to log: debug, info, warn, error, fatal")
	f.StringVarP(&g.region, "region", "R", "", "Region, or the address of its server")
	f.BoolVar(&g.skipVerify, "tls-skip-verify", false, "Trust whatever certificate the server shows")
	f.BoolVarP(&g.version, "version", "v", false, "Show the client's version")
	return f
}

// parseGlobals reads the global flags and returns the arguments from the command on.
func parseGlobals(args []string) (globals, []string, error) {
	var g globals
	f := g.flags()
	if err := f.Parse(args); err != nil {
		if g.help {
			return g, nil, nil // whatever else is given
		}
		return g, nil, flagError("hyper", err)
	}
	if _, err := logrus.ParseLevel(g.LogLevel); err != nil {
		return g, nil, fmt.Errorf("Unable to parse logging level: %s", g.LogLevel)
	}
	if g.Debug {
		g.LogLevel = "debug"
	}
	g.hostGiven = f.Changed("host")
	return g, f.Args(), nil
}

// choose finds the server that flags, environment and configuration mean, in this order: --host, --region, HYPER_HOST,
// HYPER_DEFAULT_REGION, the entry of the configuration that is the default, hyperd's socket on this machine.
func (g *globals) choose() error {
	file, err := clouds.Load(g.Directory)
	if err != nil {
		return err
	}
	named := os.Getenv(envRegion)
	switch {
	case g.hostGiven, g.region == "" && os.Getenv(envHost) != "":
		named = g.host
		if !strings.Contains(named, "://") {
			named = "tcp://" + named
		}
	case g.region != "":
		named = g.region
	}
	spare := signature.Key{Access: os.Getenv(envAccess), Secret: os.Getenv(envSecret)}
	if g.Server, err = file.Select(named, spare, hyperclient.DefaultHost); err != nil {
		return err
	}
	g.Server.Insecure = g.skipVerify || g.Server.Insecure && os.Getenv(envVerify) == ""
	if g.Certificates = os.Getenv(envCertificates); g.Certificates == "" {
		g.Certificates = g.Directory
	}
	return nil
}

func defaultHost() string {
	if host := os.Getenv(envHost); host != "" {
		return host
	}
	return hyperclient.DefaultHost
}

func configDirectory() string {
	if dir := os.Getenv(envConfig); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".hyper"
	}
	return filepath.Join(home, ".hyper")
}
