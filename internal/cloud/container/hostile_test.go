package container

import (
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// TestHostileImages takes images whose configuration is made to do harm, as nobody's build tool would write it.
func TestHostileImages(t *testing.T) {
	many := make([]string, 40000)
	for i := range many {
		many[i] = "A" + strings.Repeat("x", 30)
	}
	for name, tc := range map[string]struct {
		change func(*store.Image)
		text   string
	}{
		"a large environment":              {func(i *store.Image) { i.Config.Config.Env = many }, "they may have at most 1024 KiB"},
		"large labels":                     {func(i *store.Image) { i.Config.Config.Labels = map[string]string{"a": strings.Repeat("x", 2<<20)} }, "they may have at most 1024 KiB"},
		"a large command":                  {func(i *store.Image) { i.Config.Config.Cmd = many }, "they may have at most 1024 KiB"},
		"a variable without a name":        {func(i *store.Image) { i.Config.Config.Env = []string{"=x"} }, "invalid environment variable"},
		"a zero byte in the environment":   {func(i *store.Image) { i.Config.Config.Env = []string{"A=x\x00LD_PRELOAD=/x"} }, "zero byte"},
		"a zero byte in the command":       {func(i *store.Image) { i.Config.Config.Cmd = []string{"sh\x00"} }, "zero byte"},
		"a zero byte in the directory":     {func(i *store.Image) { i.Config.Config.WorkingDir = "/a\x00b" }, "zero byte"},
		"a directory that is not anchored": {func(i *store.Image) { i.Config.Config.WorkingDir = "../.." }, "absolute path"},
		"a signal that there is not":       {func(i *store.Image) { i.Config.Config.StopSignal = "KILL;reboot" }, "invalid signal"},
		"a port that is none":              {func(i *store.Image) { i.Config.Config.ExposedPorts = map[string]struct{}{"80;reboot/tcp": {}} }, "nvalid"},
		"a port beyond all":                {func(i *store.Image) { i.Config.Config.ExposedPorts = map[string]struct{}{"70000/tcp": {}} }, "nvalid"},
		"a volume over everything":         {func(i *store.Image) { i.Config.Config.Volumes = map[string]struct{}{"/": {}} }, "cannot be mounted at"},
		"a volume over the kernel's":       {func(i *store.Image) { i.Config.Config.Volumes = map[string]struct{}{"/x/../proc/sys": {}} }, "cannot be mounted at"},
		"a volume that is not anchored":    {func(i *store.Image) { i.Config.Config.Volumes = map[string]struct{}{"../../etc": {}} }, "not absolute"},
		"a health check without a pause": {func(i *store.Image) {
			i.Docker.Healthcheck = &engine.Healthcheck{Test: []string{"CMD", "true"}, Interval: 1}
		}, "interval cannot be less"},
		"a health check before its time": {func(i *store.Image) {
			i.Docker.Healthcheck = &engine.Healthcheck{Test: []string{"CMD", "true"}, Timeout: -time.Hour}
		}, "timeout cannot be less"},
		"a health check of another kind": {func(i *store.Image) { i.Docker.Healthcheck = &engine.Healthcheck{Test: []string{"HOST", "reboot"}} }, "unknown type of health check"},
		"no command":                     {func(i *store.Image) { i.Config.Config.Cmd, i.Config.Config.Entrypoint = nil, nil }, "no command specified"},
	} {
		t.Run(name, func(t *testing.T) {
			img := testImage(tc.change)
			if _, _, err := resolve(&CreateRequest{Image: "mysql"}, img); err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want %q", err, tc.text)
			}
		})
	}
}

// An image cannot say that its containers are protected, are of a size, have an address, or belong to a project.
func TestLabelsOfImagesAreNotThePlatforms(t *testing.T) {
	img := testImage(func(i *store.Image) {
		i.Config.Config.Labels = map[string]string{
			"sh_hyper_container_protection": "true", "sh_hyper_instancetype": "l3", "sh_hyper_sg_open": "yes", "sh_hyper_noauto_volume": "true",
			"sh_hyper_fip": "auto", "sh.hyper.fip": "198.18.0.9", "sh.hyper.compose.project": "blog", "mine": "kept",
		}
	})
	spec, plans, err := resolve(&CreateRequest{Image: "mysql"}, img)
	if err != nil {
		t.Fatal(err)
	}
	if len(spec.Labels) != 1 || spec.Labels["mine"] != "kept" || spec.Protection || spec.Size != DefaultSize || len(spec.SecGroups) > 0 || spec.FIP.Asked != "" || len(plans) == 0 {
		t.Errorf("the container has %+v, and %d volumes", spec, len(plans))
	}
}
