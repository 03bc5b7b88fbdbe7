package docker

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/moby/moby/api/types/system"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/server/rest"
)

func (api *API) version(ctx context.Context, w http.ResponseWriter, _ *http.Request) error {
	kernel := kernelVersion()
	built := ""
	if !api.Build.Time.IsZero() {
		built = api.Build.Time.UTC().Format(time.RFC3339Nano)
	}
	v := system.VersionResponse{
		Platform:      system.PlatformInfo{Name: "Hyper"},
		Version:       api.Build.Version,
		APIVersion:    rest.NewestVersion.String(),
		MinAPIVersion: rest.OldestVersion.String(),
		GitCommit:     api.Build.Commit,
		GoVersion:     runtime.Version(),
		Os:            "linux",
		Arch:          runtime.GOARCH,
		KernelVersion: kernel,
		BuildTime:     built,
		Components: []system.ComponentVersion{{
			Name:    "Engine",
			Version: api.Build.Version,
			Details: map[string]string{
				"ApiVersion": rest.NewestVersion.String(), "MinAPIVersion": rest.OldestVersion.String(),
				"GitCommit": api.Build.Commit, "GoVersion": runtime.Version(), "Os": "linux", "Arch": runtime.GOARCH,
				"KernelVersion": kernel, "BuildTime": built, "Experimental": "false",
			},
		}},
	}
	if rest.Before(ctx, 35) {
		v.Platform, v.Components = system.PlatformInfo{}, nil
	}
	return rest.WriteJSON(w, http.StatusOK, v)
}

func kernelVersion() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
