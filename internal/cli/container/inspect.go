package container

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command/inspect"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// Inspect shows all about containers and images. Of a name that both have, the container is shown.
func Inspect(s *session.Session) *cobra.Command {
	var format, kind string
	var size bool
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] NAME|ID [NAME|ID...]",
		Short: "Show all about containers or images, as JSON",
		Args:  cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			get, err := getter(cmd.Context(), s, kind, size)
			if err != nil {
				return err
			}
			return listing.Inspect(s.Out(), names, format, get)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&format, "format", "f", "", "Go template for the output")
	f.BoolVarP(&size, "size", "s", false, "Show a container's sizes")
	f.StringVar(&kind, "type", "", "Look only among: container, image")
	return cmd
}

func getter(ctx context.Context, s *session.Session, kind string, size bool) (inspect.GetRefFunc, error) {
	container := func(name string) (any, []byte, error) {
		r, err := s.Docker().ContainerInspect(ctx, name, dockerclient.ContainerInspectOptions{Size: size})
		return r.Container, r.Raw, err
	}
	image := func(name string) (any, []byte, error) {
		r, err := s.Docker().ImageInspect(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		raw, err := json.Marshal(r.InspectResponse)
		return r.InspectResponse, raw, err
	}
	none := func(what, name string, err error) error {
		if errdefs.IsNotFound(err) {
			return fmt.Errorf("Error: No such %s: %s", what, name)
		}
		return err
	}
	switch kind {
	case "container":
		return func(name string) (any, []byte, error) {
			v, raw, err := container(name)
			return v, raw, none(kind, name, err)
		}, nil
	case "image":
		return func(name string) (any, []byte, error) {
			v, raw, err := image(name)
			return v, raw, none(kind, name, err)
		}, nil
	case "":
		return func(name string) (any, []byte, error) {
			v, raw, err := container(name)
			if errdefs.IsNotFound(err) {
				v, raw, err = image(name)
			}
			return v, raw, none("image or container", name, err)
		}, nil
	}
	return nil, fmt.Errorf("%q is not a valid value for --type", kind)
}
