package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/streams"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client/pkg/jsonmessage"
	"github.com/spf13/cobra"
)

// localDocker is where the Docker engine of this machine answers.
const localDocker = "/var/run/docker.sock"

var urlPattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)

// Load loads images from an archive into the region: one of this machine, the standard input, an image of this machine's Docker engine, or
// what the server gets from a URL.
func Load(s *session.Session) *cobra.Command {
	var input, local string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "load [OPTIONS]",
		Short: "Load images from a tar archive, a URL or this machine's engine",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l := loader{s: s, quiet: quiet}
			switch {
			case input != "" && local != "":
				return errors.New("Conflicting options: --input and --local")
			case urlPattern.MatchString(input):
				return l.fromURL(cmd.Context(), input)
			case input != "":
				f, err := os.Open(input)
				if err != nil {
					return err
				}
				defer f.Close()
				return l.from(cmd.Context(), f)
			case local != "":
				return l.fromDocker(cmd.Context(), local)
			case s.Cli.In().IsTerminal():
				return errNoSource
			}
			err := l.from(cmd.Context(), s.Cli.In())
			if errors.Is(err, errEmpty) {
				return errNoSource
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&input, "input", "i", "", "Archive to load: a file, or a URL that the server gets it from")
	cmd.Flags().StringVarP(&local, "local", "l", "", "Image of the container engine on this machine")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Print nothing")
	return cmd
}

var errNoSource = errors.New("source image must be specified via --input, --local or STDIN")

type loader struct {
	s     *session.Session
	quiet bool
}

func (l loader) say(text string) {
	if !l.quiet {
		fmt.Fprintln(l.s.Out(), text)
	}
}

func (l loader) fromURL(ctx context.Context, source string) error {
	answer, err := l.s.Hyper.ImageLoadURL(ctx, source, l.quiet)
	if err != nil {
		return err
	}
	defer answer.Close()
	return l.show(answer)
}

// fromDocker loads an image of the engine on this machine.
func (l loader) fromDocker(ctx context.Context, name string) error {
	l.say("Loading image from local docker daemon...")
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", localDocker)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/images/get?"+url.Values{"names": {name}}.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking the Docker engine of this machine for %s: %w", name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return fmt.Errorf("the Docker engine of this machine answers: %s", text)
	}
	return l.from(ctx, resp.Body)
}

// from loads the one image of an archive, less the layers that the region has.
func (l loader) from(ctx context.Context, in io.Reader) error {
	p, err := openParcel(in)
	if err != nil {
		return err
	}
	defer p.close()
	l.say("Diffing local image with remote image...")
	have, err := l.s.Hyper.ImageDiff(ctx, p.diffs, p.item.RepoTags)
	if err != nil {
		return err
	}
	if have < len(p.item.Layers) {
		l.say("Preparing to upload image...")
	}
	size, err := p.pack(have)
	if err != nil {
		return err
	}
	if size < 1 || size > maxArchive {
		return fmt.Errorf("The size of the image archive file is %d, should be greater than zero and less than or equal to %d", size, int64(maxArchive))
	}
	up, err := l.s.Hyper.ImageUpload(ctx, size, l.quiet)
	if err != nil {
		return err
	}
	defer up.Close()
	if _, err := io.Copy(up, p.packed); err != nil {
		return fmt.Errorf("uploading the image: %w", err)
	}
	return l.show(up)
}

// show prints messages until they end. An error among them is the command's.
func (l loader) show(r io.Reader) error {
	var out *streams.Out
	if !l.quiet {
		out = l.s.Cli.Out()
	}
	messages := decoded(r)
	switch {
	case out == nil:
		return jsonmessage.DisplayJSONMessages(messages, io.Discard, 0, false, nil)
	case out.IsTerminal():
		return jsonmessage.DisplayJSONMessages(messages, out, out.FD(), true, nil)
	}
	return jsonmessage.DisplayJSONMessages(messages, out, 0, false, nil)
}

func decoded(r io.Reader) iter.Seq2[jsonstream.Message, error] {
	return func(yield func(jsonstream.Message, error) bool) {
		for d := json.NewDecoder(r); ; {
			var m jsonstream.Message
			err := d.Decode(&m)
			if err == io.EOF {
				return
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}
