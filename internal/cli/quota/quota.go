// Package quota reads and shows limits, and holds the command that shows an account its own.
package quota

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/docker/go-units"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// memory is the resource that is counted in bytes.
const memory = "memory"

// Words for limits that are no numbers.
const (
	unlimited = "unlimited"
	none      = "none"
)

// Help tells how limits are typed.
const Help = "RESOURCE=N, with N a number, a size such as 8g for memory, 'unlimited' or 'none'"

// Limits are limits as a flag or as arguments: containers=20,memory=8g.
type Limits map[string]int64

// Set takes one or more limits, separated by commas.
func (l *Limits) Set(text string) error {
	if *l == nil {
		*l = Limits{}
	}
	for part := range strings.SplitSeq(text, ",") {
		resource, value, ok := strings.Cut(part, "=")
		if !ok || resource == "" || value == "" {
			return fmt.Errorf("%q is not a limit: use %s", part, Help)
		}
		n, err := parse(resource, value)
		if err != nil {
			return err
		}
		(*l)[resource] = n
	}
	return nil
}

// String is how the limits would be typed.
func (l *Limits) String() string {
	var parts []string
	for _, resource := range slices.Sorted(maps.Keys(*l)) {
		parts = append(parts, resource+"="+limit(resource, (*l)[resource]))
	}
	return strings.Join(parts, ",")
}

// Type is what help calls the value.
func (l *Limits) Type() string { return "limits" }

func parse(resource, value string) (int64, error) {
	switch value {
	case unlimited:
		return 0, nil
	case none:
		return -1, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil && resource == memory {
		n, err = units.RAMInBytes(value)
	}
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a limit of %s: use %s", value, resource, Help)
	}
	return n, nil
}

func limit(resource string, n int64) string {
	switch {
	case n == 0:
		return unlimited
	case n < 0:
		return none
	}
	return amount(resource, n)
}

func amount(resource string, n int64) string {
	if resource == memory {
		return units.BytesSize(float64(n))
	}
	return strconv.FormatInt(n, 10)
}

var quotaListing = listing.Listing{
	Default: "{{.Resource}}\t{{.Used}}\t{{.Limit}}",
	Raw:     "resource: {{.Resource}}\nused: {{.Used}}\nlimit: {{.Limit}}\n",
	Quiet:   "{{.Resource}}",
	Headers: map[string]string{"Resource": "RESOURCE", "Used": "USED", "Limit": "LIMIT"},
}

type row struct{ Resource, Used, Limit string }

// Write shows limits, and what of them is used.
func Write(w io.Writer, format string, quotas []types.Quota) error {
	rows := make([]row, 0, len(quotas))
	for _, q := range quotas {
		rows = append(rows, row{q.Resource, amount(q.Resource, q.Used), limit(q.Resource, q.Limit)})
	}
	return listing.Write(w, quotaListing, format, false, rows)
}

// Command is "hyper quota".
func Command(s *session.Session) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "quota [OPTIONS]",
		Short: "Show what the account may have, and has",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			quotas, err := s.Hyper.Quotas(cmd.Context())
			if err != nil {
				return err
			}
			return Write(s.Out(), format, quotas)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	return cmd
}
