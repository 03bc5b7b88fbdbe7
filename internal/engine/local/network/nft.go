package network

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

// output is what nft says.
type output = bytes.Buffer

// nft is the program with a text, which it takes whole or not at all.
func nft(text string) (*exec.Cmd, *output) {
	cmd, out := exec.Command("nft", "-f", "-"), &output{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), out, out
	return cmd, out
}

func started(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return oops.Unavailable("the program nft is not installed: install the package nftables")
	}
	return err
}

func finished(err error, out *output) error {
	if err != nil {
		return fmt.Errorf("nft: %w: %s", err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// applyRules hands a text to nft in the namespace of the calling thread.
func applyRules(text string) error {
	cmd, out := nft(text)
	if err := started(cmd.Start()); err != nil {
		return err
	}
	return finished(cmd.Wait(), out)
}
