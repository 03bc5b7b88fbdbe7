package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/internal/cli/session"
)

// Constructor makes a command of a session.
type Constructor func(*session.Session) *cobra.Command

// composeProgram is the program that has "hyper compose". It is one of its own since what it links would make every start of hyper take twice
// as long (docs/adr/0027). It is given the very words that hyper was, global flags and all, and reads them by the same code.
const composeProgram = "hyper-compose"

// composeStub stands for the command in hyper's own help; it is never run.
func composeStub(*session.Session) *cobra.Command {
	return &cobra.Command{Use: "compose [OPTIONS] COMMAND", Short: ComposeShort, DisableFlagParsing: true, RunE: func(*cobra.Command, []string) error { return nil }}
}

// ComposeShort is what help says of "hyper compose".
const ComposeShort = "Run the services that a compose file describes"

// forCompose reports whether words, from the command on, are the other program's.
func forCompose(words []string) bool {
	if len(words) > 1 && words[0] == "help" {
		words = words[1:]
	}
	return len(words) > 0 && words[0] == "compose"
}

// companion finds a program that comes with hyper: beside it, or in libexec beside its directory.
func companion(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	beside := filepath.Dir(self)
	for _, dir := range []string{beside, filepath.Join(beside, "..", "libexec", "hyper")} {
		if path := filepath.Join(dir, name); isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("this needs the program %s, which comes with hyper and is not there: put it into %s", name, beside)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// handOver lets the other program go on in hyper's place. It returns only what kept it from doing so, and where one program cannot
// become another, the exit code.
func handOver() (int, error) {
	path, err := companion(composeProgram)
	if err != nil {
		return exitError, err
	}
	return become(path, os.Args[1:])
}
