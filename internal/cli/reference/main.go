// The program reference writes what there is to read about the command hyper, from the commands themselves: the pages of
// docs/reference/cli, and manual pages.
//
//	reference -markdown DIR
//	reference -man DIR
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/hypercloud/hyper/internal/cli"
	"github.com/hypercloud/hyper/internal/cli/compose"
)

func main() {
	markdown := flag.String("markdown", "", "directory for pages of Markdown")
	man := flag.String("man", "", "directory for manual pages")
	flag.Parse()
	if err := write(*markdown, *man); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func write(markdown, man string) error {
	root, err := cli.Commands(compose.Command)
	if err != nil {
		return err
	}
	if markdown != "" {
		if err := writePages(root, markdown); err != nil {
			return err
		}
	}
	if man != "" {
		return writeManual(root, man)
	}
	return nil
}
