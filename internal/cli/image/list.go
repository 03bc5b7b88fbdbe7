// Package image holds the client's commands for images that are Hyper's own; the others are docker/cli's.
package image

import (
	"strings"
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/image"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

type listOptions struct {
	all, digests, noTrunc, quiet bool
	format                       string
	filter                       listing.Filter
}

// List shows the images of the region.
func List(s *session.Session) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "images [OPTIONS] [REPOSITORY[:TAG]]",
		Short: "List the images of the region",
		Args:  cli.RequiresMaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return list(cmd, s, &o, args)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.all, "all", "a", false, "Show intermediate images too")
	f.BoolVar(&o.digests, "digests", false, "Show digests")
	f.VarP(&o.filter, "filter", "f", "Show only what matches: dangling=true, label=KEY[=VALUE], ...")
	f.StringVar(&o.format, "format", "", listing.FormatHelp)
	f.BoolVar(&o.noTrunc, "no-trunc", false, "Show whole identifiers")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "Show only identifiers")
	return cmd
}

func list(cmd *cobra.Command, s *session.Session, o *listOptions, args []string) error {
	if o.format == "" {
		o.format = s.Cli.ConfigFile().ImagesFormat
	}
	filters := o.filter.Values()
	if len(args) == 1 {
		if filters == nil {
			filters = dockerclient.Filters{}
		}
		filters.Add("reference", args[0])
	}
	found, err := s.Docker().ImageList(cmd.Context(), dockerclient.ImageListOptions{All: o.all, Filters: filters})
	if err != nil {
		return err
	}
	withDigests := o.digests || strings.Contains(o.format, ".Digest")
	var rows []row
	for _, i := range found.Items {
		rows = append(rows, rowsOf(i, withDigests, o.noTrunc, time.Now())...)
	}
	return listing.Write(s.Out(), imageListing(o.digests), o.format, o.quiet, rows)
}

func imageListing(digests bool) listing.Listing {
	l := listing.Listing{
		Default: "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
		Raw: "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\n" +
			"virtual_size: {{.Size}}\n",
		Quiet: "{{.ID}}",
		Headers: map[string]string{
			"Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", "ID": "IMAGE ID",
			"CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "Size": "SIZE",
		},
	}
	if digests {
		l.Default = "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
	}
	return l
}

type row struct {
	Repository, Tag, Digest, ID, CreatedSince, CreatedAt, Size string
}

const none = "<none>"

// rowsOf is a row per name of an image, and one with <none> for an image without names.
func rowsOf(i image.Summary, digests, noTrunc bool, now time.Time) []row {
	created := time.Unix(i.Created, 0)
	base := row{
		Repository: none, Tag: none, Digest: none, ID: i.ID,
		CreatedSince: human.Age(now.Sub(created)) + " ago",
		CreatedAt:    created.String(),
		Size:         human.Size(float64(i.Size)),
	}
	if !noTrunc {
		base.ID = human.ShortID(i.ID)
	}
	digestOf := map[string]string{}
	for _, d := range i.RepoDigests {
		if repository, digest, ok := strings.Cut(d, "@"); ok && repository != none {
			digestOf[repository] = digest
		}
	}
	var rows []row
	tagged := map[string]bool{}
	for _, name := range i.RepoTags {
		colon := strings.LastIndex(name, ":")
		if colon < 0 || name == none+":"+none {
			continue
		}
		r := base
		r.Repository, r.Tag = name[:colon], name[colon+1:]
		tagged[r.Repository] = true
		if d, ok := digestOf[r.Repository]; ok {
			r.Digest = d
		}
		rows = append(rows, r)
	}
	for _, d := range i.RepoDigests {
		repository, digest, ok := strings.Cut(d, "@")
		if !ok || repository == none || tagged[repository] || (len(rows) > 0 && !digests) {
			continue
		}
		r := base
		r.Repository, r.Digest = repository, digest
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		rows = append(rows, base)
	}
	return rows
}
