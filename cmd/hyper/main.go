// Command hyper is the client of Hyper. What it has of compose is in hyper-compose.
package main

import (
	"os"

	"github.com/hypercloud/hyper/internal/cli"
)

func main() { os.Exit(cli.Main(nil)) }
