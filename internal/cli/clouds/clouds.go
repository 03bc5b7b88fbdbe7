// Package clouds knows the servers that the user has an account at, and chooses the one that a command talks to.
//
// They are in the section "clouds" of config.json, the file that docker/cli keeps its own settings in, by address:
//
//	"clouds": {
//		"tcp://*.hyper.sh:443":          { "accesskey": "...", "secretkey": "...", "region": "us-west-1" },
//		"tcp://hyper.example.org:6443":  { "accesskey": "...", "secretkey": "...", "region": "home-1", "names": ["home"], "default": true }
//	}
//
// The first form is the original client's: a region's name takes the place of the star. What is not in that file of
// theirs is ours: names of an entry, which entry is meant when none is named, and whether to trust any certificate.
// Of the rest of the file nothing is changed.
package clouds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// The original service's key in the section, and what its oldest clients wrote instead.
const (
	Original = "tcp://*.hyper.sh:443"
	legacy   = "tcp://us-west-1.hyper.sh:443"
)

// DefaultRegion is the region in signatures when nothing says another.
const DefaultRegion = "us-west-1"

// File is config.json.
type File struct {
	// Clouds are the entries by address.
	Clouds map[string]*Entry

	path string
	keys map[string]json.RawMessage
}

// Entry is an account at one server, or at each of a family of servers.
type Entry struct {
	AccessKey string
	SecretKey string
	Region    string
	// Names by which the server can be meant, besides its address.
	Names []string
	// Default marks the entry that is meant when none is named.
	Default bool
	// Insecure trusts whatever certificate the server shows.
	Insecure bool

	keys map[string]json.RawMessage // as they were, with those that we do not know
}

// Load reads config.json in dir. A file that is not there is empty.
func Load(dir string) (*File, error) {
	f := &File{path: filepath.Join(dir, "config.json"), Clouds: map[string]*Entry{}}
	var err error
	if f.keys, err = readKeys(f.path); err != nil {
		return nil, err
	}
	if section := f.keys["clouds"]; section != nil {
		if err := json.Unmarshal(section, &f.Clouds); err != nil {
			return nil, fmt.Errorf("read the section \"clouds\" of %s: %w", f.path, err)
		}
	}
	if f.Clouds == nil { // The section is null.
		f.Clouds = map[string]*Entry{}
	}
	maps.DeleteFunc(f.Clouds, func(_ string, e *Entry) bool { return e == nil })
	return f, nil
}

// Path is the file's name.
func (f *File) Path() string { return f.path }

// Save writes the file, for its owner's eyes only.
func (f *File) Save() error {
	section, err := json.Marshal(f.Clouds)
	if err != nil {
		return fmt.Errorf("save %s: %w", f.path, err)
	}
	if f.keys["auths"] == nil {
		f.keys["auths"] = json.RawMessage("{}")
	}
	f.keys["clouds"] = section
	return writeKeys(f.path, f.keys)
}

// Migrate moves the entry that the oldest clients wrote to where it is looked for now.
func (f *File) Migrate() {
	if e := f.Clouds[legacy]; e != nil && f.Clouds[Original] == nil {
		f.Clouds[Original] = e
		delete(f.Clouds, legacy)
	}
}

// MakeDefault makes the entry of that address the one that is meant when none is named.
func (f *File) MakeDefault(address string) {
	for a, e := range f.Clouds {
		e.Default = a == address
	}
}

// HasDefault reports whether some entry is meant when none is named.
func (f *File) HasDefault() bool { return f.Default() != "" }

// Default is the address of the entry that is meant when none is named; "" if none is.
func (f *File) Default() string {
	for _, address := range slices.Sorted(maps.Keys(f.Clouds)) {
		if f.Clouds[address].Default {
			return address
		}
	}
	for _, address := range []string{Original, legacy} {
		if f.Clouds[address] != nil {
			return address
		}
	}
	return ""
}

// UnmarshalJSON keeps the keys that it does not know.
func (e *Entry) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &e.keys); err != nil {
		return err
	}
	for key, into := range e.fields() {
		if raw := e.keys[key]; raw != nil {
			if err := json.Unmarshal(raw, into); err != nil {
				return fmt.Errorf("key %q: %w", key, err)
			}
		}
	}
	return nil
}

// MarshalJSON writes those keys back.
func (e *Entry) MarshalJSON() ([]byte, error) {
	keys := maps.Clone(e.keys)
	if keys == nil {
		keys = map[string]json.RawMessage{}
	}
	for key, field := range e.fields() {
		raw, err := json.Marshal(field)
		if err != nil {
			return nil, err
		}
		optional := key == "names" || key == "default" || key == "insecure"
		if _, there := keys[key]; there || !optional || !slices.Contains([]string{"null", "false"}, string(raw)) {
			keys[key] = raw
		}
	}
	return json.Marshal(keys)
}

func (e *Entry) fields() map[string]any {
	return map[string]any{
		"accesskey": &e.AccessKey, "secretkey": &e.SecretKey, "region": &e.Region,
		"names": &e.Names, "default": &e.Default, "insecure": &e.Insecure,
	}
}

func readKeys(path string) (map[string]json.RawMessage, error) {
	keys := map[string]json.RawMessage{}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(b)) == 0 {
		return keys, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the client's configuration: %w", err)
	}
	if err := json.Unmarshal(b, &keys); err != nil {
		return nil, fmt.Errorf("read the client's configuration: %s is not valid JSON: %w", path, err)
	}
	return keys, nil
}

// writeKeys replaces the file in one step, so that a crash leaves the old one or the new one. A symbolic link stays.
func writeKeys(path string, keys map[string]json.RawMessage) error {
	b, err := json.MarshalIndent(keys, "", "\t")
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save the client's configuration: %w", err)
	}
	temp, err := os.CreateTemp(dir, ".config-*.json") // Mode 0600.
	if err != nil {
		return fmt.Errorf("save the client's configuration: %w", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(append(b, '\n'))
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("save the client's configuration: %w", err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return fmt.Errorf("save the client's configuration: %w", err)
	}
	return nil
}
