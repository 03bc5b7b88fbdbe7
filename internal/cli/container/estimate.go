package container

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/opts"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/money"
	"github.com/hypercloud/hyper/internal/cli/prices"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/container"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// rootFSSize is how many GB each container's root file system has.
const rootFSSize = 10

// errNothingMade makes docker/cli go no further once it is known what a container would cost.
var errNothingMade = errors.New("nothing was made")

// estimate is run and create with --dry-run: docker/cli makes the request of the flags, which is not sent to create anything. No image is pulled,
// no volume made and no file written.
func estimate(cmd *cobra.Command, s *session.Session, args []string, run func(*cobra.Command, []string) error) error {
	f := cmd.Flags()
	if err := detached(f); err != nil {
		return err
	}
	sources, err := pretendVolumes(f)
	if err != nil {
		return cli.StatusError{Cause: err, StatusCode: 125, Status: "hyper: " + err.Error()}
	}
	var found *types.Estimate
	s.InsteadOfCreating(func(ctx context.Context, o dockerclient.ContainerCreateOptions) error {
		request := container.CreateRequest{Config: o.Config, HostConfig: o.HostConfig, NetworkingConfig: o.NetworkingConfig}
		e, err := s.Hyper.ContainerEstimate(ctx, o.Name, request)
		if session.MissingImage(err) {
			e, err = withoutImage(ctx, s, o.Config)
		}
		if err != nil {
			return err
		}
		found = &e
		return errNothingMade
	})
	if err := run(cmd, args); found == nil {
		return err
	}
	for i, l := range found.Lines {
		if source := sources[l.Name]; source != "" {
			found.Lines[i].Name = "of " + source
		}
	}
	return writeEstimate(s.Out(), *found)
}

// detached takes away what has to do with the terminal, with files of this machine and with pulling: it is of no account to the price.
func detached(f *pflag.FlagSet) error {
	if attach, ok := f.Lookup("attach").Value.(*opts.ListOpts); ok {
		for _, stream := range slices.Clone(attach.GetSlice()) {
			attach.Delete(stream)
		}
	}
	if err := setAll(f, "cidfile", ""); err != nil {
		return err
	}
	if policy := value(f, "pull"); policy == "missing" || policy == "always" {
		if err := setAll(f, "pull", "never"); err != nil {
			return err
		}
	}
	if f.Lookup("detach") == nil {
		return nil
	}
	return setAll(f, "detach", "true")
}

// pretendVolumes puts a name that no volume has into the place of each source among the -v: a volume would be made for it. It returns the sources
// by those names.
func pretendVolumes(f *pflag.FlagSet) (map[string]string, error) {
	binds, targets, fills, err := sourcesAmong(f)
	if err != nil {
		return nil, err
	}
	sources := map[string]string{}
	for n, i := range slices.Sorted(maps.Keys(targets)) {
		name := strings.ToLower(rand.Text())
		sources[name] = fills[n].Source
		binds[i] = name + ":" + targets[i]
	}
	return sources, nil
}

// withoutImage is what is known before the image is there: the container and its root file system.
func withoutImage(ctx context.Context, s *session.Session, config *container.Config) (types.Estimate, error) {
	p, err := s.Hyper.Prices(ctx)
	if err != nil {
		return types.Estimate{}, err
	}
	v, ok := prices.InForce(p, time.Now())
	if !ok {
		return types.Estimate{}, errors.New("the server has no prices that are in force yet: see 'hyper prices --all'")
	}
	size := config.Labels[types.LabelSize]
	price, ok := v.Containers[size]
	if !ok {
		return types.Estimate{}, fmt.Errorf("there is no price for the size %q: choose of %s", size, strings.Join(prices.Sizes(v), ", "))
	}
	e := types.Estimate{Currency: p.Currency, Lines: []types.EstimateLine{
		{Kind: "container", Class: size, Quantity: 1, PerHour: money.Times(price, money.Hour, 1), PerMonth: money.Times(price, money.ThirtyDays, 1)},
		{
			Kind: "rootfs", Quantity: rootFSSize,
			PerHour: money.Times(v.RootFS, rootFSSize*money.Hour, money.ThirtyDays), PerMonth: money.Times(v.RootFS, rootFSSize, 1),
		},
	}}
	e.PerHour, _ = money.Sum(e.Lines[0].PerHour, e.Lines[1].PerHour)
	e.PerMonth, _ = money.Sum(e.Lines[0].PerMonth, e.Lines[1].PerMonth)
	e.Notes = []string{fmt.Sprintf("The image %s is not in the current region yet: neither its size nor its volumes are known, so that they are not counted, nor are those of -v.",
		withTag(config.Image))}
	return e, nil
}

// writeEstimate shows what things would cost, and the sum of those that are not there yet.
func writeEstimate(w io.Writer, e types.Estimate) error {
	t := listing.NewNarrowTable(w)
	fmt.Fprintln(t, "ITEM\tPER HOUR\tPER MONTH\t")
	for _, l := range e.Lines {
		note := ""
		if l.There {
			note = "there already, not in the total"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", estimated(l), hourly(e.Currency, l.PerHour), money.Amount(e.Currency, l.PerMonth), note)
	}
	fmt.Fprintf(t, "TOTAL\t%s\t%s\t\n", hourly(e.Currency, e.PerHour), money.Amount(e.Currency, e.PerMonth))
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nA month has 30 days here. Nothing was made.")
	for _, note := range e.Notes {
		fmt.Fprintln(w, note)
	}
	return nil
}

// hourly is a price by the hour with six decimals at most, cut. What is paid by the calendar month has none.
func hourly(currency string, a types.Amount) string {
	if a == "" {
		return "-"
	}
	return money.Rate(currency, a, 6)
}

func estimated(l types.EstimateLine) string {
	words := []string{l.Kind}
	if l.Kind == "fip" {
		words[0] = "floating IP"
	}
	for _, word := range []string{l.Class, listing.OneLine(l.Name)} {
		if word != "" {
			words = append(words, word)
		}
	}
	switch l.Kind {
	case "rootfs", "volume", "snapshot", "image":
		words = append(words, strconv.FormatInt(l.Quantity, 10)+" GB")
	}
	return strings.Join(words, " ")
}
