package runtime

// hub finds a container's hub, or makes one.
func (r *Runtime) hub(k key) *hub {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.hubs[k]
	if h == nil {
		h = newHub()
		h.intake = r.intake(k.account)
		r.hubs[k] = h
	}
	return h
}

// present finds a container's hub; nil if there is none.
func (r *Runtime) present(k key) *hub {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hubs[k]
}

// closeHub ends a run's streams; the next run has a hub of its own. A hub that waits for its run stays.
func (r *Runtime) closeHub(k key) {
	h := r.present(k)
	if h == nil || !h.isOpened() {
		return
	}
	h.settle(drainTime)
	r.dropHub(k)
}

// dropHub ends a hub, whatever its state.
func (r *Runtime) dropHub(k key) {
	r.mu.Lock()
	h := r.hubs[k]
	delete(r.hubs, k)
	r.mu.Unlock()
	if h != nil {
		h.close()
	}
}

// dropIdle forgets a hub that waits for a run when nobody waits any more.
func (r *Runtime) dropIdle(k key, h *hub) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.hubs[k] == h && !h.opened && len(h.attached) == 0 {
		delete(r.hubs, k)
	}
}
