package image

import (
	"context"
	"io"
	"iter"
	"regexp"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/streams"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/jsonstream"
	dockerclient "github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/jsonmessage"
)

// Bring pulls an image into the region and shows the progress on out; nil shows nothing.
func Bring(ctx context.Context, s *session.Session, ref string, out *streams.Out) error {
	auth, err := command.RetrieveAuthTokenFromImage(s.Cli.ConfigFile(), ref)
	if err != nil {
		return err
	}
	stream, err := s.Docker().ImagePull(ctx, ref, dockerclient.ImagePullOptions{RegistryAuth: auth})
	if err != nil {
		return err
	}
	defer stream.Close()
	return show(stream.JSONMessages(ctx), out)
}

func show(messages iter.Seq2[jsonstream.Message, error], out *streams.Out) error {
	switch {
	case out == nil:
		return jsonmessage.DisplayJSONMessages(messages, io.Discard, 0, false, nil)
	case out.IsTerminal():
		return jsonmessage.DisplayJSONMessages(messages, out, out.FD(), true, nil)
	}
	return jsonmessage.DisplayJSONMessages(milestones(messages), out, 0, false, nil)
}

var layerID = regexp.MustCompile(`^[0-9a-f]{12}$`)

// milestones leaves of each layer only its end: a log has no use for the steps of a progress bar.
func milestones(messages iter.Seq2[jsonstream.Message, error]) iter.Seq2[jsonstream.Message, error] {
	return func(yield func(jsonstream.Message, error) bool) {
		for m, err := range messages {
			if err == nil && m.Error == nil && layerID.MatchString(m.ID) && m.Status != "Pull complete" && m.Status != "Already exists" {
				continue
			}
			m.Progress = nil
			if !yield(m, err) {
				return
			}
		}
	}
}
