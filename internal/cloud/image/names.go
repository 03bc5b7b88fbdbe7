package image

import (
	"slices"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/store"
)

// Names lists the familiar names of an image: mysql:latest, and mysql@sha256:... as it was pulled.
func (s *Service) Names(a account.Ref, id string) (repoTags, repoDigests []string) {
	return namesOf(s.Store.View(a).TagsOf(id))
}

func namesOf(tags []store.Tag) (repoTags, repoDigests []string) {
	for _, t := range tags {
		name := familiar(t.Repository)
		if t.Tag != "" {
			repoTags = append(repoTags, name+":"+t.Tag)
		}
		if t.Digest == "" {
			continue // a name that was given here, not pulled
		}
		if d := name + "@" + t.Digest; !slices.Contains(repoDigests, d) {
			repoDigests = append(repoDigests, d)
		}
	}
	return repoTags, repoDigests
}
