package image

import (
	"strconv"
	"strings"
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/image"
	"github.com/spf13/cobra"
)

// createdByWidth is how much of a layer's instruction the table shows.
const createdByWidth = 45

type historyOptions struct {
	human, noTrunc, quiet bool
	format                string
}

var historyListing = listing.Listing{
	Default: "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
	Quiet:   "{{.ID}}",
	Headers: map[string]string{
		"ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY", "Size": "SIZE", "Comment": "COMMENT",
	},
}

type layer struct{ ID, CreatedSince, CreatedAt, CreatedBy, Size, Comment string }

// History shows of which layers an image is made.
func History(s *session.Session) *cobra.Command {
	var o historyOptions
	cmd := &cobra.Command{
		Use:   "history [OPTIONS] IMAGE",
		Short: "Show the layers of an image",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := s.Docker().ImageHistory(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			rows := make([]layer, 0, len(found.Items))
			for _, i := range found.Items {
				rows = append(rows, layerOf(i, o, time.Now()))
			}
			return listing.Write(s.Out(), historyListing, o.format, o.quiet, rows)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "", listing.FormatHelp)
	f.BoolVarP(&o.human, "human", "H", true, "Show ages and rounded sizes")
	f.BoolVar(&o.noTrunc, "no-trunc", false, "Show whole identifiers and instructions")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "Show only identifiers")
	return cmd
}

func layerOf(i image.HistoryResponseItem, o historyOptions, now time.Time) layer {
	created := time.Unix(i.Created, 0)
	l := layer{
		ID: i.ID, CreatedAt: created.Format(time.RFC3339), CreatedBy: strings.Join(strings.Fields(i.CreatedBy), " "),
		CreatedSince: created.Format(time.RFC3339), Size: strconv.FormatInt(i.Size, 10), Comment: i.Comment,
	}
	if o.human {
		l.CreatedSince, l.Size = human.Age(now.Sub(created))+" ago", human.Size(float64(i.Size))
	}
	if o.noTrunc {
		return l
	}
	l.ID = human.ShortID(i.ID)
	if human.Truncate(l.CreatedBy, createdByWidth) != l.CreatedBy {
		l.CreatedBy = human.Truncate(l.CreatedBy, createdByWidth-3) + "..."
	}
	return l
}
