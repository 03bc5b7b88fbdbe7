// Package fill makes volumes of files of this machine, and of what the server gets from an address: hyper volume init, and the sources that
// run and create take in the place of a volume's name.
package fill

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Fill is a volume and what it is to be filled with.
type Fill struct{ Source, Volume string }

var drivePattern = regexp.MustCompile(`^[a-zA-Z]:[\\/]`)

// Split cuts SOURCE:REST at the last colon, if there is a source (cli 3.2).
func Split(text string) (source, rest string, ok bool) {
	colons := 1
	switch {
	case isAddress(text), drivePattern.MatchString(text):
		colons = 2
	case !strings.HasPrefix(text, "/"):
		return "", "", false
	}
	if strings.Count(text, ":") < colons {
		return "", "", false
	}
	i := strings.LastIndex(text, ":")
	return text[:i], text[i+1:], true
}

func isAddress(text string) bool {
	for _, scheme := range []string{"git://", "http://", "https://"} {
		if strings.HasPrefix(text, scheme) {
			return true
		}
	}
	return false
}

// Check says what is wrong with a source, as far as this machine can tell.
func Check(source string) error {
	if isAddress(source) {
		return nil
	}
	if !strings.HasPrefix(source, "/") && !drivePattern.MatchString(source) {
		return fmt.Errorf("%s is not supported volume source", source)
	}
	_, err := localFile(source)
	return err
}

// localFile finds a directory or a file. A link stands for where it leads.
func localFile(source string) (os.FileInfo, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("Unsupported local volume source(%s): %s", source, info.Mode())
	}
	return info, nil
}

// root is the place that a source names in the end, since a walk does not follow a link that it begins at.
func root(source string) (string, error) { return filepath.EvalSymlinks(source) }
