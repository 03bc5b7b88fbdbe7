// Command hyper-files does the work on the files of one container for hyperd: see package files.
package main

import (
	"os"

	"github.com/hypercloud/hyper/internal/engine/local/files"
)

func main() { os.Exit(files.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
