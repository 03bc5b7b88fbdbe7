// Command hyper-git clones a repository into a volume for hyperd: see package git.
package main

import (
	"os"

	"github.com/hypercloud/hyper/internal/engine/local/git"
)

func main() { os.Exit(git.Main(os.Args[1:], os.Stderr)) }
