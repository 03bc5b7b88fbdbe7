package dockerenv

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hypercloud/hyper/api/types"
)

// fresh is how long what is there must still be good for.
const fresh = 24 * time.Hour

// dockerConfig is what the other program's configuration has of ours.
type dockerConfig struct {
	HTTPHeaders map[string]string `json:"HttpHeaders,omitempty"`
	// PluginDirs keep plugins working that were installed for the user's own configuration.
	PluginDirs []string `json:"cliPluginsExtraDirs,omitempty"`
}

// prepare makes the directory say who the account is.
func (e *environment) prepare(ctx context.Context) error {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return fmt.Errorf("make the directory for the files: %w", err)
	}
	if e.local() {
		return e.writeConfig("")
	}
	authority, err := e.s.Hyper.Authority(ctx)
	if err != nil {
		return err
	}
	if err := e.write("ca.pem", []byte(authority.CertificatePEM)); err != nil {
		return err
	}
	if e.o.cert {
		if err := e.certificate(ctx); err != nil {
			return err
		}
		return e.writeConfig("")
	}
	// A certificate of an earlier run would be shown beside the token.
	for _, name := range []string{"cert.pem", "key.pem"} {
		if err := os.Remove(filepath.Join(e.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	token, err := e.tokenText(ctx)
	if err != nil {
		return err
	}
	return e.writeConfig(token)
}

// tokenText is the token of an earlier run if the server has it still, or a new one.
func (e *environment) tokenText(ctx context.Context) (string, error) {
	list, err := e.s.Hyper.TokenList(ctx)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(list, func(t types.Token) bool { return t.Name == e.o.token })
	known := at >= 0 && (list[at].Expires.IsZero() || time.Until(list[at].Expires) > fresh)
	if text := e.oldToken(); text != "" && known {
		return text, nil
	}
	if at >= 0 && !e.made() {
		return "", fmt.Errorf("a token named %s exists, and is not in %s: revoke it by 'hyper token rm %s', or choose another name with --token",
			e.o.token, e.dir, e.o.token)
	}
	if at >= 0 { // it was made for here, and is lost or about to expire
		if err := e.s.Hyper.TokenRevoke(ctx, e.o.token); err != nil {
			return "", err
		}
	}
	t, err := e.s.Hyper.TokenCreate(ctx, types.TokenCreate{Name: e.o.token})
	if err != nil {
		return "", err
	}
	// Kept with its name before it is used, since it is not shown again.
	return t.Text, e.write("token", []byte(e.o.token+"\n"))
}

// made reports whether the token of the name that is asked for was made for this directory.
func (e *environment) made() bool {
	name, err := os.ReadFile(filepath.Join(e.dir, "token"))
	return err == nil && strings.TrimSpace(string(name)) == e.o.token
}

// oldToken is the token that the directory has, if it is of the name that is asked for.
func (e *environment) oldToken() string {
	if !e.made() {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(e.dir, "config.json"))
	if err != nil {
		return ""
	}
	var c dockerConfig
	if json.Unmarshal(text, &c) != nil {
		return ""
	}
	token, _ := strings.CutPrefix(c.HTTPHeaders["Authorization"], "Bearer ")
	return token
}

// certificate leaves cert.pem and key.pem of an earlier run if the server knows them still, or makes new ones.
func (e *environment) certificate(ctx context.Context) error {
	list, err := e.s.Hyper.CertificateList(ctx)
	if err != nil {
		return err
	}
	if serial := e.oldSerial(); serial != "" && slices.ContainsFunc(list, func(c types.Certificate) bool {
		return c.Serial == serial && time.Until(c.Expires) > fresh
	}) {
		return nil
	}
	made, err := e.s.Hyper.CertificateCreate(ctx, types.CertificateCreate{Name: e.o.token})
	if err != nil {
		return err
	}
	return errors.Join(e.write("key.pem", []byte(made.KeyPEM)), e.write("cert.pem", []byte(made.CertificatePEM)))
}

func (e *environment) oldSerial() string {
	text, err := os.ReadFile(filepath.Join(e.dir, "cert.pem"))
	if err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(e.dir, "key.pem")); err != nil {
		return ""
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return ""
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return ""
	}
	return c.SerialNumber.Text(16)
}

// writeConfig keeps what else the file has: the user may have logged in to registries with it.
func (e *environment) writeConfig(token string) error {
	all := map[string]json.RawMessage{}
	if text, err := os.ReadFile(filepath.Join(e.dir, "config.json")); err == nil {
		if err := json.Unmarshal(text, &all); err != nil {
			return fmt.Errorf("%s is not JSON: mend or remove it: %w", filepath.Join(e.dir, "config.json"), err)
		}
	}
	own := dockerConfig{HTTPHeaders: e.header(token)}
	if home, err := os.UserHomeDir(); err == nil {
		plugins := filepath.Join(home, ".docker", "cli-plugins")
		if _, err := os.Stat(plugins); err == nil {
			own.PluginDirs = []string{plugins}
		}
	}
	text, err := json.Marshal(own)
	if err != nil {
		return err
	}
	delete(all, "HttpHeaders")
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	if text, err = json.MarshalIndent(all, "", "\t"); err != nil {
		return err
	}
	return e.write("config.json", append(text, '\n'))
}

// write replaces a file that only its owner may read.
func (e *environment) write(name string, content []byte) error {
	f, err := os.CreateTemp(e.dir, "."+name+".") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(e.dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", filepath.Join(e.dir, name), err)
	}
	return nil
}
