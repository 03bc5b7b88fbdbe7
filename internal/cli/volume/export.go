package volume

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/docker/cli/cli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/fill"
	"github.com/hypercloud/hyper/internal/cli/session"
)

func export(s *session.Session) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "export [OPTIONS] VOLUME",
		Short: "Write what is in a volume to a file, or to the standard output",
		Long: "Writes what is in a volume as a tar, compressed by zstd, which keeps checksums of it. 'hyper volume import' makes a volume of it\n" +
			"anywhere, and 'tar --zstd -x' unpacks it. Of a volume in use, what changes meanwhile may be in it or not: take a snapshot, and export\n" +
			"a volume made of that.",
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if output == "" || output == "-" {
				if s.Cli.Out().IsTerminal() {
					return errors.New("cowardly refusing to write to a terminal: use -o, or redirect")
				}
				return exportTo(cmd.Context(), s, names[0], s.Out())
			}
			// Under its name it appears when it is whole.
			f, err := os.CreateTemp(filepath.Dir(output), "."+filepath.Base(output)+"-*")
			if err != nil {
				return err
			}
			defer os.Remove(f.Name())
			err = errors.Join(exportTo(cmd.Context(), s, names[0], f), f.Close())
			if err != nil {
				return err
			}
			return os.Rename(f.Name(), output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "File to write to")
	return cmd
}

func exportTo(ctx context.Context, s *session.Session, volume string, w io.Writer) error {
	in, err := s.Hyper.VolumeExport(ctx, volume)
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := zstd.NewWriter(w) // with checksums
	if err != nil {
		return err
	}
	_, err = io.Copy(z, in)
	return errors.Join(err, z.Close())
}

func importVolume(s *session.Session) *cobra.Command {
	var o createOptions
	cmd := &cobra.Command{
		Use:   "import [OPTIONS] FILE|-",
		Short: "Make a volume of an exported one, or of any tar",
		Long:  "Makes a new volume and fills it from a tar, which may be compressed by zstd or gzip. - is the standard input.",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			in := io.Reader(os.Stdin)
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			archive, err := unpacked(in)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			created, err := s.Hyper.VolumeCreate(cmd.Context(), types.VolumeCreate{
				Name: o.name, Driver: driver, Labels: labelsOf(o.labels), DriverOpts: map[string]string{"size": fmt.Sprint(o.size)},
			})
			if err != nil {
				return err
			}
			if err := fill.Import(cmd.Context(), s, created, io.MultiReader(root(), archive)); err != nil {
				return errors.Join(err, s.Hyper.VolumeRemove(context.WithoutCancel(cmd.Context()), created))
			}
			fmt.Fprintln(s.Out(), created)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.labels, "label", nil, "Set a label, KEY=VALUE")
	f.StringVar(&o.name, "name", "", "Name of the volume; one is made up when there is none")
	f.IntVar(&o.size, "size", 10, "Size in GB: 10, 20, 30, 40 or 50")
	return cmd
}

// unpacked reads a tar, whatever it is compressed by.
func unpacked(in io.Reader) (io.Reader, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	magic, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(r)
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(r)
	}
	return r, nil
}

// root is the entry of a directory, which says that what follows is one's content, even if it is a single file. The archive's own entry of its
// root takes its place.
func root() io.Reader {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}) // memory takes it
	_ = w.Flush()
	return &b
}

func cp(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "cp VOLUME NEW",
		Short: "Copy a volume, as it is at this moment",
		Long:  "Makes a new volume of what another one holds at this moment, whether a container has it or not. It takes milliseconds, and no room but for what is changed later.",
		Args:  cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			snap, err := s.Hyper.SnapshotCreate(ctx, types.SnapshotCreate{Volume: args[0], Force: true})
			if err != nil {
				return err
			}
			created, err := s.Hyper.VolumeCreate(ctx, types.VolumeCreate{Name: args[1], Driver: driver, DriverOpts: map[string]string{"size": "", "snapshot": snap.ID}})
			if err := errors.Join(err, s.Hyper.SnapshotRemove(context.WithoutCancel(ctx), snap.ID)); err != nil {
				return err
			}
			fmt.Fprintln(s.Out(), created)
			return nil
		},
	}
}
