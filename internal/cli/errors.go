package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"

	dockercli "github.com/docker/cli/cli"
	hyperclient "github.com/hypercloud/hyper/api/client"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// Exit codes (cli 1.4).
const (
	exitError = 1
	exitUsage = 125 // flags, and run that could not create or start anything

	exitTemplate = 64 // docker/cli's, for a template that cannot be read; ours is exitError
)

// signalled is why the context ended: the user wants the client to stop.
type signalled struct{ signal os.Signal }

func (s signalled) Error() string { return s.signal.String() }

// exitCode is the code with which the client ends after err.
func exitCode(ctx context.Context, err error) int {
	var s signalled
	if err != nil && errors.As(context.Cause(ctx), &s) && errors.Is(err, context.Canceled) {
		if n, ok := s.signal.(syscall.Signal); ok {
			return 128 + int(n)
		}
		return exitError
	}
	var status dockercli.StatusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status) && status.StatusCode == exitTemplate && strings.HasPrefix(status.Status, "Error parsing format"):
		return exitError
	case errors.As(err, &status) && status.StatusCode != 0:
		return status.StatusCode
	}
	return exitError
}

// explain is what is printed about err; nothing when it only carries an exit code or the user's own interruption.
func explain(ctx context.Context, host string, err error) string {
	if err == nil || (ctx.Err() != nil && errors.Is(err, context.Canceled)) {
		return ""
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return distrusted(host, untrusted)
	}
	if dockerclient.IsErrConnectionFailed(err) || hyperclient.IsConnectionFailed(err) {
		return unreachable(host, err)
	}
	text := err.Error()
	if m := withDockerHelp.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("hyper: %s.\nSee 'hyper %s --help'.", strings.TrimSuffix(m[1], "."), m[2])
	}
	return respell(text)
}

// withDockerHelp is how docker/cli reports an error of run and create.
var withDockerHelp = regexp.MustCompile(`(?s)^docker: (.*)\n\nRun 'docker ([a-z ]+) --help' for more information$`)

func unreachable(host string, err error) string {
	if strings.Contains(err.Error(), "permission denied") {
		return fmt.Sprintf("Cannot connect to the Hyper server at %s: permission denied.\n"+
			"Run hyper as root, or as a user who may write to the socket.", host)
	}
	other := "Another address can be given with --host or in HYPER_HOST."
	if !strings.HasPrefix(host, "unix://") {
		other = "Another region can be chosen with --region or in HYPER_DEFAULT_REGION."
	}
	return fmt.Sprintf("Cannot connect to the Hyper server at %s. Is hyperd running?\n%s", host, other)
}

// distrusted explains a certificate that does not prove to be the server's.
func distrusted(host string, err *tls.CertificateVerificationError) string {
	return fmt.Sprintf("Cannot connect to the Hyper server at %s: its certificate is not trusted here (%s).\n"+
		"If its operator gave you a certificate authority, add it with 'hyper config --ca FILE %s'.", host, err.Err, host)
}

// flagError reports a flag that does not exist or has a bad value.
func flagError(path string, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "unknown flag: "); ok {
		text = "flag provided but not defined: " + name
	} else if m := unknownShort.FindStringSubmatch(text); m != nil {
		text = "flag provided but not defined: -" + m[1]
	}
	code := exitUsage
	if strings.HasPrefix(path, "hyper fip ") && path != "hyper fip ls" || strings.HasPrefix(path, "hyper sg ") {
		code = exitError
	}
	return dockercli.StatusError{Cause: err, Status: fmt.Sprintf("%s\nSee '%s --help'.", text, path), StatusCode: code}
}

var unknownShort = regexp.MustCompile(`^unknown shorthand flag: '(.)' in `)

// unknownCommand reports a word that is no command of parent, "hyper" or a group.
func unknownCommand(parent *cobra.Command, word string) error {
	name := strings.TrimPrefix(parent.CommandPath()+" "+word, "hyper ")
	return fmt.Errorf("hyper: '%s' is not a hyper command.\nSee '%s --help'.", name, parent.CommandPath())
}

// argumentsError puts docker/cli's report of too few or too many arguments into Hyper's form.
func argumentsError(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	name := strings.TrimPrefix(cmd.CommandPath(), "hyper ")
	says := "got the wrong number of arguments."
	for _, w := range wrongArguments {
		if m := w.docker.FindStringSubmatch(err.Error()); m != nil {
			says = w.docker.ReplaceAllString(m[0], w.hyper)
			break
		}
	}
	return fmt.Errorf("hyper: %q %s\nSee '%s --help'.\n\nUsage:\t%s\n\n%s", name, says, cmd.CommandPath(), cmd.UseLine(), cmd.Short)
}

var wrongArguments = []struct {
	docker *regexp.Regexp
	hyper  string
}{
	{regexp.MustCompile(`accepts no arguments`), "accepts no arguments."},
	{regexp.MustCompile(`requires at least (\d+) and at most (\d+) (arguments?)`), "requires at least $1 and at most $2 $3."},
	{regexp.MustCompile(`requires at least (\d+) (arguments?)`), "requires a minimum of $1 $2."},
	{regexp.MustCompile(`requires at most (\d+) (arguments?)`), "requires a maximum of $1 $2."},
	{regexp.MustCompile(`requires (\d+) (arguments?)`), "requires exactly $1 $2."},
}
