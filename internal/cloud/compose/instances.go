package compose

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/hypercloud/hyper/internal/store"
)

// instance is one container of a service.
type instance struct {
	*store.Container
	number int
}

// members are all containers of a project, one-off ones included, by service, number and age.
func members(view *store.View, project string) []*store.Container {
	var out []*store.Container
	for _, c := range view.Containers() {
		if c.Phase == store.Ready && c.Spec.Labels[labelProject] == project {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(x, y *store.Container) int {
		return cmp.Or(cmp.Compare(x.Spec.Labels[labelService], y.Spec.Labels[labelService]), cmp.Compare(number(x), number(y)))
	})
	return out
}

func number(c *store.Container) int {
	n, err := strconv.Atoi(c.Spec.Labels[labelNumber])
	if err != nil {
		return 0
	}
	return n
}

// oneOff reports whether a container was made to run one command.
func oneOff(c *store.Container) bool { return c.Spec.Labels[labelOneOff] == "True" }

// instances are the containers of a service, by number, and apart from them those that an interrupted replacement left.
func instances(view *store.View, project, service string) (current []instance, left []*store.Container) {
	byNumber := map[int]*store.Container{}
	for _, c := range members(view, project) {
		if c.Spec.Labels[labelService] != service || oneOff(c) {
			continue
		}
		n := number(c)
		switch other := byNumber[n]; {
		case other == nil:
			byNumber[n] = c
		case superseded(other):
			byNumber[n] = c
			left = append(left, other)
		case superseded(c):
			left = append(left, c)
		default: // two of one number, made by hand: both are of the service
			current = append(current, instance{c, n})
		}
	}
	for n, c := range byNumber {
		current = append(current, instance{c, n})
	}
	slices.SortFunc(current, func(x, y instance) int { return cmp.Or(cmp.Compare(x.number, y.number), cmp.Compare(x.ID, y.ID)) })
	return current, left
}
