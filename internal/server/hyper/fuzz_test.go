package hyper

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/server/rest"
)

var ofGo = regexp.MustCompile(`json:|Go struct|Go value|strconv\.|unmarshal`)

// A project is read or refused by a sentence, and what is read has sizes that can be and variables that have values.
func FuzzCompose(f *testing.F) {
	for _, seed := range []string{
		`{"ServiceConfigs":{"M":{"web":{"image":"a","command":"x","environment":["A=1","B"],"ports":["80"]}}},"VolumeConfigs":{"v":{"Driver":"hyper","DriverOpts":{"size":"10"}}},"auths":{"r":{"Username":"a"}}}`,
		`{"ServiceConfigs":{"M":{"web":null}},"VolumeConfigs":{"v":null}}`, `{"VolumeConfigs":{"v":{"External":true}}}`, `{"VolumeConfigs":{"v":{"External":{"Name":"w"}}}}`, `{"VolumeConfigs":{"v":{"External":7}}}`, `{"VolumeConfigs":{"v":{"DriverOpts":{"size":"-1"}}}}`,
		`{"ServiceConfigs":{"M":{"web":{"command":7}}}}`, `{"ServiceConfigs":[]}`, `{"VolumeConfigs":{"v":{"Driver":"nfs"}}}`, `{"ServiceConfigs":{"M":{"web":{"command":null,"entrypoint":["a",null]}}}}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(string(raw)))
		r.Header.Set("Content-Type", "application/json")
		var in composeRequest
		err := rest.ReadJSON(httptest.NewRecorder(), r, &in)
		if err == nil {
			spec, serr := in.spec()
			if err = serr; err == nil {
				for name, v := range spec.Volumes {
					if v.SizeGB < 0 || v.External && (v.SizeGB != 0 || v.Snapshot != "") {
						t.Errorf("the volume %q is %+v", name, v)
					}
				}
				for name, s := range spec.Services {
					for _, kv := range s.Environment {
						if !strings.Contains(kv, "=") {
							t.Errorf("the service %q has the variable %q", name, kv)
						}
					}
				}
				if len(spec.Services) != len(in.ServiceConfigs.M) || len(spec.Volumes) != len(in.VolumeConfigs) || len(in.auths()) != len(in.Auths) {
					t.Errorf("something is lost: %+v", spec)
				}
				return
			}
		}
		if s := rest.HTTPStatus(err); s != 400 && s != 404 && s != 501 || ofGo.MatchString(err.Error()) && !ofGo.Match(raw) {
			t.Errorf("%d %v", s, err)
		}
	})
}
