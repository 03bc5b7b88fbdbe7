package compose

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hypercloud/hyper/internal/cli/session"
)

// project is what the flags of a command say about the project that it is for.
type project struct {
	session *session.Session

	files     list
	name      string
	profiles  list
	envFiles  list
	directory string
	parallel  int
}

// list is a flag that can be given several times, before the command and after it.
type list []string

func (l *list) String() string     { return "" }
func (l *list) Type() string       { return "list" }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

// addFlags adds the flags that stand before a command.
func (p *project) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SetInterspersed(false)
	p.fileFlag(f, "f")
	p.nameFlag(f, "p")
	f.Var(&p.profiles, "profile", "Take the services of this profile too")
	f.Var(&p.envFiles, "env-file", "File of variables for the compose file (default .env)")
	f.StringVar(&p.directory, "project-directory", "", "Directory that paths in the file begin at (default the file's)")
	f.IntVar(&p.parallel, "parallel", -1, "How many containers are worked on at once; -1: all")
}

// common are -f and -p after a command, as the first client has them.
func (p *project) common(cmd *cobra.Command) *cobra.Command {
	p.fileFlag(cmd.Flags(), "f")
	p.nameFlag(cmd.Flags(), "p")
	return cmd
}

// long are the same where the letters mean something else.
func (p *project) long(cmd *cobra.Command, file, name string) *cobra.Command {
	p.fileFlag(cmd.Flags(), file)
	p.nameFlag(cmd.Flags(), name)
	return cmd
}

func (p *project) fileFlag(f *pflag.FlagSet, letter string) {
	f.VarP(&p.files, "file", letter, "Compose file; - is standard input")
}

func (p *project) nameFlag(f *pflag.FlagSet, letter string) {
	f.StringVarP(&p.name, "project-name", letter, p.name, "Project name (default the directory's)")
}
