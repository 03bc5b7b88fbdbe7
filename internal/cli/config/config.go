// Package config is "hyper config", which keeps the keys of an account in config.json.
package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

type options struct {
	access, secret, region string
	names                  []string
	authority              string
	insecure, makeDefault  bool
}

// Command is "hyper config". It asks for what no flag gives, and talks to no server.
func Command(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "config [OPTIONS] [ENDPOINT]",
		Short: "Keep the keys of an account",
		Long: "Keep the keys of an account at the server ENDPOINT, such as tcp://hyper.example.org:6443; the first server becomes the default.\n" +
			"tcp://*.example.org:6443 stands for a server in each region, whose name takes the place of the star.",
		Args: cli.RequiresMaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address := clouds.Original
			if len(args) == 1 {
				address = args[0]
			}
			return configure(cmd, s, address, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.access, "accesskey", "", "Access key")
	f.StringVar(&o.authority, "ca", "", "File of a certificate authority to trust")
	f.BoolVar(&o.makeDefault, "default", false, "Use this server when none is named")
	f.StringVar(&o.region, "default-region", "", "Region")
	f.BoolVar(&o.insecure, "insecure", false, "Trust whatever certificate the server shows")
	f.StringArrayVar(&o.names, "name", nil, "Name by which --region can mean this server")
	f.StringVar(&o.secret, "secretkey", "", "Secret key")
	return cmd
}

func configure(cmd *cobra.Command, s *session.Session, address string, o options) error {
	if err := clouds.CheckAddress(address); err != nil {
		return err
	}
	file, err := clouds.Load(s.Config.Directory)
	if err != nil {
		return err
	}
	file.Migrate()
	entry := file.Clouds[address]
	if entry == nil {
		entry = &clouds.Entry{}
	}
	if err := ask(cmd.Context(), s, entry, o); err != nil {
		return err
	}
	if cmd.Flags().Changed("insecure") {
		entry.Insecure = o.insecure
	}
	for _, name := range o.names {
		if !slices.Contains(entry.Names, name) {
			entry.Names = append(entry.Names, name)
		}
	}
	if o.authority != "" {
		if err := clouds.Trust(s.Config.Certificates, o.authority); err != nil {
			return err
		}
	}
	first := !file.HasDefault()
	file.Clouds[address] = entry
	if o.makeDefault || first && address != clouds.Original {
		file.MakeDefault(address)
	}
	if err := file.Save(); err != nil {
		return err
	}
	path, err := filepath.Abs(file.Path())
	if err != nil {
		path = file.Path()
	}
	_, err = fmt.Fprintf(s.Out(), "WARNING: Your login credentials has been saved in %s\n", path)
	return err
}

var errNoKey = errors.New("nothing was saved: an access key and a secret key are needed (give --accesskey and --secretkey, or answer the questions)")
