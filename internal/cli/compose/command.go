package compose

import (
	"fmt"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/internal/cli/session"
)

// Short is what the list of commands says of this one.
const Short = "Run the services that a compose file describes"

// Command is the group "hyper compose".
func Command(s *session.Session) *cobra.Command {
	p := &project{session: s}
	cmd := &cobra.Command{
		Use:   "compose [OPTIONS] COMMAND",
		Short: Short,
		Long: "Runs the services that a compose file describes, as containers of the account. Files of today's Compose Specification are read, and those of\n" +
			"version '2' as the first client read them. Options may stand before the command, -f and -p after it too.",
		PersistentPreRun: func(*cobra.Command, []string) { logrus.SetFormatter(sentences{}) },
	}
	p.addFlags(cmd)
	cmd.AddCommand(
		p.up(), p.create(), p.start(), p.stop(), p.restart(), p.kill(), p.rm(), p.down(), p.pause(), p.unpause(), p.scale(),
		p.run(), p.exec(), p.cp(), p.attach(), p.logs(), p.events(), p.wait(), p.watch(),
		p.ps(), p.ls(), p.top(), p.stats(), p.images(), p.port(), p.volumes(), p.pull(), p.build(), p.config(), p.version(),
	)
	return cmd
}

// sentences is how the library's warnings are shown: as all others are.
type sentences struct{}

// Format writes an entry of the log as a line.
func (sentences) Format(e *logrus.Entry) ([]byte, error) {
	return fmt.Appendf(nil, "%s: %s\n", strings.ToUpper(e.Level.String()), strings.TrimSpace(e.Message)), nil
}
