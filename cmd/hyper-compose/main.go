// Command hyper-compose has the command "hyper compose" of the client. hyper runs it with the words that it was given itself.
package main

import (
	"os"

	"github.com/hypercloud/hyper/internal/cli"
	"github.com/hypercloud/hyper/internal/cli/compose"
)

func main() { os.Exit(cli.Main(compose.Command)) }
