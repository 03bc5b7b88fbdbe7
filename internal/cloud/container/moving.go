package container

import (
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/store"
)

// Moving lists the ids of the account's containers that are at this moment being started, stopped, connected, removed or whatever else
// changes what of them is on the machine. It waits for nobody.
func (s *Service) Moving(a account.Ref) []string {
	var out []string
	for _, c := range s.Store.View(a).Containers() {
		if c.Phase != store.Ready || c.State.Status == store.StatusStarting || s.busy(c.ID) {
			out = append(out, c.ID)
		}
	}
	return out
}

// busy tells whether somebody has one of a container's locks.
func (s *Service) busy(id string) bool {
	s.mu.Lock()
	e := s.entries[id]
	s.mu.Unlock()
	if e == nil {
		return false
	}
	if !e.ops.TryLock() {
		return true
	}
	e.ops.Unlock()
	if !e.mu.TryLock() {
		return true
	}
	e.mu.Unlock()
	return false
}
