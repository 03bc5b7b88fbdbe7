// Package dockerenv holds the command docker-env, which lets Docker's own client, and what is built on it, act as the
// account: eval "$(hyper docker-env)".
//
// It writes a directory that serves as that client's configuration and as its directory of certificates: config.json,
// whose HttpHeaders carry a token, and ca.pem, by which the server is known; with --cert also cert.pem and key.pem, and no token
// then. Run again, it uses what is there for as long as the server knows of it.
package dockerenv

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

type options struct {
	token     string // its name
	cert      bool
	directory string
	endpoint  string
}

// Command is "hyper docker-env".
func Command(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "docker-env [OPTIONS]",
		Short: "Show what to export for other programs to act as the account",
		Long:  "Show what to export for other programs to act as the account: eval \"$(hyper docker-env)\"",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := newEnvironment(s, o)
			if err != nil {
				return err
			}
			if err := e.prepare(cmd.Context()); err != nil {
				return err
			}
			for _, v := range e.variables() {
				fmt.Fprintf(s.Out(), "export %s=%s\n", v[0], quote(v[1]))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.cert, "cert", false, "Show who one is by a certificate and not by a token, for programs that send no headers")
	f.StringVar(&o.directory, "dir", "", "Directory for the files (default: one for each server below the configuration)")
	f.StringVar(&o.endpoint, "endpoint", "", "Address at which other programs reach the server (default: that which hyper uses)")
	f.StringVar(&o.token, "token", "", "Name of the token (default: docker-env, and this machine's name)")
	return cmd
}

// environment is one directory for one server and account.
type environment struct {
	s    *session.Session
	o    options
	host string
	dir  string
}

func newEnvironment(s *session.Session, o options) (*environment, error) {
	e := &environment{s: s, o: o, host: o.endpoint, dir: o.directory}
	if e.host == "" {
		e.host = s.Config.Server.Host
	}
	if !strings.HasPrefix(e.host, "unix://") && !strings.HasPrefix(e.host, "tcp://") {
		return nil, fmt.Errorf("%q is not an address that other programs understand: use tcp://HOST:PORT", e.host)
	}
	if e.local() && o.cert {
		return nil, fmt.Errorf("a certificate is of no use on %s, where one is known by one's user: leave out --cert, or give --endpoint tcp://HOST:PORT", e.host)
	}
	if e.dir == "" {
		e.dir = filepath.Join(s.Config.Directory, "docker-env", fileName(e.host, s.Config.Account))
	}
	var err error
	if e.dir, err = filepath.Abs(e.dir); err != nil {
		return nil, err
	}
	if e.o.token == "" {
		machine, _ := os.Hostname()
		e.o.token = tokenName(machine)
	}
	return e, nil
}

// local reports whether the server is reached over a socket of this machine, where the kernel says who somebody is.
func (e *environment) local() bool { return strings.HasPrefix(e.host, "unix://") }

func (e *environment) variables() [][2]string {
	list := [][2]string{{"DOCKER_HOST", e.host}, {"DOCKER_CONFIG", e.dir}}
	if !e.local() {
		list = append(list, [2]string{"DOCKER_TLS_VERIFY", "1"}, [2]string{"DOCKER_CERT_PATH", e.dir})
	}
	return list
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9_.@+-]+`)

// fileName is the name of a directory for a server and an account.
func fileName(host, account string) string {
	name := strings.Trim(unsafe.ReplaceAllString(strings.TrimPrefix(strings.TrimPrefix(host, "unix://"), "tcp://"), "_"), "_.")
	if account != "" {
		name += "_" + unsafe.ReplaceAllString(account, "_")
	}
	return name
}

func tokenName(machine string) string {
	name := "docker-env-" + unsafe.ReplaceAllString(machine, "_")
	return strings.TrimSuffix(name[:min(len(name), 63)], "-")
}

// quote makes a text one word of a shell, whatever is in it.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// header is what the other program sends with every request.
func (e *environment) header(token string) map[string]string {
	switch {
	case e.local() && e.s.Config.Account != "":
		return map[string]string{types.HeaderAccount: e.s.Config.Account}
	case token != "":
		return map[string]string{"Authorization": "Bearer " + token}
	}
	return nil
}
