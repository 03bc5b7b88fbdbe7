// Command hyper is the client of Hyper.
package main

import (
	"os"

	"github.com/hypercloud/hyper/internal/cli"
)

func main() { os.Exit(cli.Main()) }
