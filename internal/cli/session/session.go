// Package session is one invocation of the client: its streams, its configuration file, and its two views of the
// same server, Docker's API and Hyper's own. Commands get all that they touch from here, so that a test can give
// them a server and streams of its own.
package session

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/flags"
	hyperclient "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/version"
	dockerclient "github.com/moby/moby/client"
)

// Config is what the global flags and the environment say.
type Config struct {
	Server       clouds.Server
	Directory    string // of the configuration file
	Certificates string // the directory of ca.pem, cert.pem and key.pem
	Account      string // that the operator acts as; "": his own
	Debug        bool
	LogLevel     string
}

// Session is one invocation.
type Session struct {
	// Cli is the library's face of the session: docker/cli's commands are made with it.
	Cli *command.DockerCli
	// Hyper calls what only Hyper has.
	Hyper *hyperclient.Client
	// Config is what it was made with.
	Config Config

	api *api
}

// New makes a session. No connection is made before a command asks for one.
func New(ctx context.Context, c Config) (*Session, error) {
	cli, err := command.NewDockerCli(command.WithBaseContext(ctx))
	if err != nil {
		return nil, err
	}
	// A host given in this way keeps contexts, DOCKER_HOST and DOCKER_CONTEXT out: they belong to another program.
	options := &flags.ClientOptions{Hosts: []string{c.Server.Host}, ConfigDir: c.Directory, Debug: c.Debug, LogLevel: c.LogLevel}
	if err := cli.Initialize(options); err != nil {
		return nil, err
	}
	headers := maps.Clone(cli.ConfigFile().HTTPHeaders)
	if c.Account != "" {
		if headers == nil {
			headers = map[string]string{}
		}
		headers[types.HeaderAccount] = c.Account
	}
	agent := "Hyper-Client/" + version.Version + " (" + runtime.GOOS + ")"

	toDocker := []dockerclient.Opt{dockerclient.WithHost(c.Server.Host), dockerclient.WithUserAgent(agent), dockerclient.WithHTTPHeaders(headers)}
	toHyper := []hyperclient.Option{hyperclient.WithUserAgent(agent), hyperclient.WithHeaders(headers)}
	host := c.Server.Host
	if !c.Server.Local() {
		dial, err := remote(c, headers, cli.Err())
		if err != nil {
			return nil, err
		}
		host = passed
		toDocker = append(toDocker, dockerclient.WithHost(host), dockerclient.WithDialContext(dial))
		toHyper = append(toHyper, hyperclient.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true}}))
	}
	docker, err := dockerclient.New(toDocker...)
	if err != nil {
		return nil, fmt.Errorf("the server's address: %w", err)
	}
	wrapped := &api{APIClient: docker}
	if err := command.WithAPIClient(wrapped)(cli); err != nil {
		return nil, err
	}
	hyper, err := hyperclient.New(host, toHyper...)
	if err != nil {
		return nil, err
	}
	return &Session{Cli: cli, Hyper: hyper, Config: c, api: wrapped}, nil
}

// Remote is the server's address as it can be typed on another machine; one of this machine stands for what only its
// operator knows.
func (s *Session) Remote() string {
	if s.Config.Server.Local() {
		return "tcp://SERVER:PORT"
	}
	return s.Config.Server.Host
}

// Docker calls the Docker Engine API.
func (s *Session) Docker() dockerclient.APIClient { return s.Cli.Client() }

// Out is standard output.
func (s *Session) Out() io.Writer { return s.Cli.Out() }

// Err is standard error.
func (s *Session) Err() io.Writer { return s.Cli.Err() }
