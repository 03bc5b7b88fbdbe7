package image

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/registry"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// descriptionWidth is how much of a description the table shows.
const descriptionWidth = 42

type searchOptions struct {
	automated, noTrunc bool
	stars, limit       int
	format             string
	filter             listing.Filter
}

var searchListing = listing.Listing{
	Default: "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}\t{{.IsAutomated}}",
	Width:   10,
	Headers: map[string]string{
		"Name": "NAME", "Description": "DESCRIPTION", "StarCount": "STARS", "IsOfficial": "OFFICIAL", "IsAutomated": "AUTOMATED",
	},
}

type found struct{ Name, Description, StarCount, IsOfficial, IsAutomated string }

// Search asks Docker Hub, or the registry that the term begins with, for images.
func Search(s *session.Session) *cobra.Command {
	var o searchOptions
	cmd := &cobra.Command{
		Use:   "search [OPTIONS] [REGISTRY/]TERM",
		Short: "Search Docker Hub or another registry for images",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			auth, err := command.RetrieveAuthTokenFromImage(s.Cli.ConfigFile(), searched(args[0]))
			if err != nil {
				return err
			}
			r, err := s.Docker().ImageSearch(cmd.Context(), args[0], dockerclient.ImageSearchOptions{
				RegistryAuth: auth, Filters: o.filters(), Limit: o.limit,
			})
			if err != nil {
				return err
			}
			rows := make([]found, 0, len(r.Items))
			for _, i := range r.Items {
				rows = append(rows, foundRow(i, o.noTrunc))
			}
			return listing.Write(s.Out(), searchListing, o.format, false, rows)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.automated, "automated", false, "Show only images that are built automatically")
	f.VarP(&o.filter, "filter", "f", "Show only what matches: stars=N, is-official=true, is-automated=true")
	f.StringVar(&o.format, "format", "", "Go template, or table, json, 'table TEMPLATE'")
	f.IntVar(&o.limit, "limit", 25, "Show at most so many, 1 to 100")
	f.BoolVar(&o.noTrunc, "no-trunc", false, "Show whole descriptions")
	f.IntVarP(&o.stars, "stars", "s", 0, "Show only images with at least so many stars")
	return cmd
}

// searched is a name of the registry that a term is about, whose credentials are wanted. Of a term that is no name they are Docker Hub's.
func searched(term string) string {
	host, _, ok := strings.Cut(term, "/")
	if ok && strings.ContainsAny(host, ".:") {
		return host + "/x"
	}
	return "x"
}

// filters are those of the flags, together with what the first client had flags for.
func (o *searchOptions) filters() dockerclient.Filters {
	all := dockerclient.Filters{}
	for key, values := range o.filter.Values() {
		for v := range values {
			all.Add(key, v)
		}
	}
	if o.automated {
		all.Add("is-automated", "true")
	}
	if o.stars > 0 {
		all.Add("stars", strconv.Itoa(o.stars))
	}
	return all
}

func foundRow(r registry.SearchResult, noTrunc bool) found {
	ok := map[bool]string{true: "[OK]"}
	out := found{
		Name: printable(r.Name), Description: printable(r.Description), StarCount: strconv.Itoa(r.StarCount),
		IsOfficial: ok[r.IsOfficial], IsAutomated: ok[r.IsAutomated], //nolint:staticcheck // a column of the first client's
	}
	if short := human.Truncate(out.Description, descriptionWidth); !noTrunc && short != out.Description {
		out.Description = short + "..."
	}
	return out
}

// printable is what anybody may have written at a registry, as one line that does nothing to a terminal.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
