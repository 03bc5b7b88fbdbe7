package image

import (
	"time"

	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/engine"
)

// paceOfBytes is how often a layer's count of bytes is told.
const paceOfBytes = 100 * time.Millisecond

// narrator turns an engine's progress into the lines of Docker's stream, each said once.
type narrator struct {
	named  reference.Named
	out    func(Message)
	now    func() time.Time
	begun  bool
	layers map[string]told
	there  []Message // layers that were there already: of no interest if nothing else has to be fetched either
}

// told is what was said last of a layer.
type told struct {
	status  engine.PullStatus
	current int64
	at      time.Time
}

func newNarrator(named reference.Named, out func(Message), now func() time.Time) *narrator {
	return &narrator{named: named, out: out, now: now, layers: map[string]told{}}
}

// begin says what is pulled. It comes with the first progress and not before: until then the image may turn out not
// to exist, which is then the whole answer.
func (n *narrator) begin() {
	if n.begun {
		return
	}
	n.begun = true
	id := tagOf(n.named)
	if id == "" {
		id = digestOf(n.named)
	}
	n.out(Message{ID: id, Status: "Pulling from " + reference.Path(n.named)})
}

func (n *narrator) progress(p engine.PullProgress) {
	n.begin()
	if p.Layer == "" || p.Status == "" {
		return
	}
	counts := p.Status == engine.PullDownloading || p.Status == engine.PullExtracting
	last, known := n.layers[p.Layer]
	now := n.now()
	if known && last.status == p.Status {
		whole := p.Total > 0 && p.Current >= p.Total
		if !counts || p.Current == last.current || !whole && now.Sub(last.at) < paceOfBytes {
			return
		}
	}
	n.layers[p.Layer] = told{p.Status, p.Current, now}
	m := Message{ID: p.Layer, Status: string(p.Status)}
	if counts {
		m.Current, m.Total = p.Current, p.Total
	}
	if p.Status == engine.PullExists {
		n.there = append(n.there, m)
		return
	}
	n.tellThere()
	n.out(m)
}

func (n *narrator) tellThere() {
	for _, m := range n.there {
		n.out(m)
	}
	n.there = nil
}

// end says what came of it.
func (n *narrator) end(digest string, fresh bool) {
	n.begin()
	if fresh {
		n.tellThere()
	}
	n.out(Message{Status: "Digest: " + digest})
	status := "Status: Image is up to date for "
	if fresh {
		status = "Status: Downloaded newer image for "
	}
	n.out(Message{Status: status + reference.FamiliarString(n.named)})
}
