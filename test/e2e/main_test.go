// Package e2e runs Hyper as its users do: a real hyperd in a lab of its own, the real client, real software in
// the fixture images. The transcripts under testdata/script are the walkthroughs as executable text.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hypercloud/hyper/test/lab"
)

// Set by scripts/test: the registry program, and its storage with the fixture images.
const (
	registryEnv = "HYPER_TEST_REGISTRY"
	imagesEnv   = "HYPER_TEST_IMAGES"
)

func TestMain(m *testing.M) {
	lab.Init()
	if dir := os.Getenv(sourcesEnv); dir != "" {
		fmt.Fprintln(os.Stderr, serveSources(dir)) // which only returns an error
		os.Exit(1)
	}
	if addr := os.Getenv(searchEnv); addr != "" {
		fmt.Fprintln(os.Stderr, serveSearch(addr)) // which only returns an error
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// newLab starts a lab with hyperd and the fixture images.
func newLab(t *testing.T, instance string, args ...string) *lab.Lab {
	t.Helper()
	l := idleLab(t, instance)
	if err := l.Start(args...); err != nil {
		t.Fatal(err)
	}
	return l
}

// idleLab makes a lab with the fixture images, and without hyperd.
func idleLab(t *testing.T, instance string) *lab.Lab {
	t.Helper()
	program, images := os.Getenv(registryEnv), os.Getenv(imagesEnv)
	if program == "" || images == "" {
		t.Fatalf("the end-to-end tests need the fixture images: run them by 'make test', or set %s and %s", registryEnv, imagesEnv)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.New(root, instance)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			fmt.Printf("--- hyperd said:\n%s\n", l.Log())
		}
		if err := l.Close(); err != nil {
			t.Errorf("taking the lab down: %v", err)
		}
	})
	if err := l.StartRegistry(program, images); err != nil {
		t.Fatal(err)
	}
	return l
}

// hyper runs the client and fails the test unless it exits with code 0.
func hyper(t *testing.T, l *lab.Lab, args ...string) string {
	t.Helper()
	out, errOut, code := l.Hyper(args...)
	if code != 0 {
		t.Fatalf("hyper %v: exit %d\n%s%s", args, code, out, errOut)
	}
	return out
}
