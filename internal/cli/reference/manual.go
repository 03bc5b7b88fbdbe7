package main

import (
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/hypercloud/hyper/internal/version"
)

// writeManual puts a manual page for each command into a directory. Their date is SOURCE_DATE_EPOCH, in seconds, or today.
func writeManual(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	date := time.Now()
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		date = time.Unix(seconds, 0).UTC()
	}
	root.DisableAutoGenTag = true // and with it, that of all commands
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Hyper " + version.Version, Manual: "Hyper", Date: &date}, dir)
}
