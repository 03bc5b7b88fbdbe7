package complete_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/cli"
	"github.com/hypercloud/hyper/internal/cli/complete"
	"github.com/hypercloud/hyper/internal/cli/compose"
	"github.com/hypercloud/hyper/internal/cli/group"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/spf13/cobra"
)

// A line of the tables for what does not exist is a name that was mistyped.
func TestTablesNameWhatThereIs(t *testing.T) {
	root, err := cli.Commands(compose.Command)
	if err != nil {
		t.Fatal(err)
	}
	find := func(path string) *cobra.Command {
		cmd, rest, err := root.Find(strings.Fields(path))
		if err != nil || len(rest) > 0 {
			t.Errorf("there is no command %q", path)
			return root
		}
		return cmd
	}
	arguments, flags := complete.Keys()
	for _, path := range arguments {
		if cmd := find(path); cmd.HasSubCommands() && !group.DoesRun(cmd) {
			t.Errorf("%q is a group, and takes no arguments", path)
		}
	}
	for _, key := range flags {
		path, name, _ := strings.Cut(key, "--")
		if path == "" && !someHas(root, name) || path != "" && find(path).Flags().Lookup(name) == nil {
			t.Errorf("there is no flag %q", key)
		}
	}
}

func someHas(cmd *cobra.Command, flag string) bool {
	if cmd.Flags().Lookup(flag) != nil {
		return true
	}
	for _, sub := range cmd.Commands() {
		if someHas(sub, flag) {
			return true
		}
	}
	return false
}

// The client has a copy of the sizes: they are part of the interface, and no call lists them.
func TestSizesAreTheServers(t *testing.T) {
	for _, offered := range complete.Sizes() {
		name, text, _ := strings.Cut(offered, "\t")
		limits, ok := container.SizeOf(name)
		if !ok {
			t.Errorf("there is no size %q", name)
			continue
		}
		mb := limits.Memory >> 20
		memory := fmt.Sprintf("%d MB", mb)
		if mb >= 1024 {
			memory = fmt.Sprintf("%d GB", mb/1024)
		}
		cpus := fmt.Sprintf("%.0f CPU", float64(limits.CPUs))
		if limits.CPUs > 1 {
			cpus += "s"
		}
		if want := memory + ", " + cpus; text != want {
			t.Errorf("size %s is offered as %q, and is %q", name, text, want)
		}
	}
}
