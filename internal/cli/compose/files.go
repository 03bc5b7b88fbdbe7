package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/cli"
)

// defaultFile is the one that an error speaks of when there is none.
const defaultFile = "docker-compose.yml"

// stdin stands for standard input among the files.
const stdin = "-"

// options are the library's, with the files and the environment that the command is for.
func (p *project) options() (*cli.ProjectOptions, error) {
	for i, file := range p.envFiles {
		abs, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		p.envFiles[i] = abs
	}
	with := []cli.ProjectOptionsFn{cli.WithWorkingDirectory(p.directory), cli.WithOsEnv}
	if _, ok := os.LookupEnv("PWD"); !ok {
		dir, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		with = append(with, cli.WithEnv([]string{"PWD=" + dir}))
	}
	// The variables are read twice since they may name the file, and the file's directory may have others.
	with = append(with, cli.WithEnvFiles(p.envFiles...), cli.WithDotEnv, cli.WithConfigFileEnv, cli.WithDefaultConfigPath, cli.WithEnvFiles(p.envFiles...), cli.WithDotEnv)
	for _, f := range p.files {
		if err := found(f); err != nil {
			return nil, err
		}
	}
	o, err := cli.NewProjectOptions(slices.Clone(p.files), with...)
	if err != nil {
		return nil, err
	}
	if len(o.ConfigPaths) == 0 {
		return nil, fmt.Errorf("Failed to find the compose file: %s", defaultFile)
	}
	for _, f := range o.ConfigPaths {
		if err := found(f); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func found(file string) error {
	if file == stdin {
		return nil
	}
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("Failed to find the compose file: %s", file)
	}
	if err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: name the compose file in it", file)
	}
	return err
}

// read reads the files; standard input once.
func read(paths []string, in io.Reader) ([][]byte, error) {
	var out [][]byte
	for _, path := range paths {
		var b []byte
		var err error
		if path == stdin {
			b, err = io.ReadAll(in)
		} else {
			b, err = os.ReadFile(path)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	}
	return out, nil
}
