package compose

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/projectname"
	"github.com/hypercloud/hyper/internal/store"
)

// The labels by which containers are known to belong to a project. The original's client reads and writes the same.
const (
	labelPrefix  = "sh.hyper.compose."
	labelProject = labelPrefix + "project"
	labelService = labelPrefix + "service"
	labelNumber  = labelPrefix + "container-number" // from 1
	labelOneOff  = labelPrefix + "oneoff"           // True for those of `compose run`
	labelHash    = labelPrefix + "config-hash"
	labelVersion = labelPrefix + "version"
)

// formatVersion is what the labels' makers call themselves.
const formatVersion = "1.5.0"

// normalise is a project's name as it stands in labels and names. Errors: ErrInvalidArgument.
func normalise(typed string) (string, error) {
	name, err := projectname.Normalise(typed)
	if err != nil {
		return "", oops.Invalid("%v", err)
	}
	return name, nil
}

// containerName is what container number n of a service is called. A service that names its container has one only.
func containerName(project, service string, def store.ProjectService, n int) string {
	if def.ContainerName != "" && n == 1 {
		return strings.TrimPrefix(def.ContainerName, "/")
	}
	return project + "-" + service + "-" + strconv.Itoa(n)
}

// supersededName is what a container is called while another takes its place.
func supersededName(c *store.Container) string {
	tail := "-" + c.ID[:12]
	return c.Name[:min(len(c.Name), projectname.Longest-len(tail))] + tail
}

// superseded reports whether a container was renamed to make room for the one that replaces it.
func superseded(c *store.Container) bool { return strings.HasSuffix(c.Name, "-"+c.ID[:12]) }

// imageOf is the image of a service. One that names none has the image that building it would have made.
func imageOf(project, service string, def store.ProjectService) string {
	if def.Image == "" {
		return localImage(project, service)
	}
	return def.Image
}

func localImage(project, service string) string { return fmt.Sprintf("%s_%s", project, service) }
