package fill

import (
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client/pkg/jsonmessage"
)

// often is how long a bar may stand still while bytes are sent.
const often = 100 * time.Millisecond

// bars show how much of each volume is sent, if somebody looks. They are on standard error, as is what is said between them: what scripts
// read is on the other.
type bars struct {
	s        *session.Session
	messages chan jsonstream.Message // nil: nobody looks
	over     chan struct{}
	mu       sync.Mutex
}

func newBars(s *session.Session) *bars {
	b := &bars{s: s}
	out := s.Cli.Err()
	if !out.IsTerminal() {
		fmt.Fprintln(out, "Warning: do not show upload progress: the output is not a terminal")
		return b
	}
	b.messages, b.over = make(chan jsonstream.Message), make(chan struct{})
	go func() {
		defer close(b.over)
		_ = jsonmessage.DisplayJSONMessages(received(b.messages), out, out.FD(), true, nil)
		for range b.messages { // what cannot be shown any more is waited for
		}
	}()
	return b
}

func received(in <-chan jsonstream.Message) iter.Seq2[jsonstream.Message, error] {
	return func(yield func(jsonstream.Message, error) bool) {
		for m := range in {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// say prints a line.
func (b *bars) say(line string) {
	if b.messages != nil {
		b.messages <- jsonstream.Message{Status: line}
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.s.Err(), line)
}

// end waits until all is shown.
func (b *bars) end() {
	if b.messages != nil {
		close(b.messages)
		<-b.over
	}
}

func (b *bars) bar(volume, source string) *bar {
	out := &bar{bars: b, volume: volume}
	if b.messages != nil {
		out.whole = weigh(source)
	}
	return out
}

// bar counts what is written to it.
type bar struct {
	bars        *bars
	volume      string
	sent, whole int64
	shown       time.Time
}

func (b *bar) Write(p []byte) (int, error) {
	b.sent += int64(len(p))
	if b.bars.messages != nil && time.Since(b.shown) > often {
		b.shown = time.Now()
		b.bars.messages <- jsonstream.Message{
			ID: b.volume, Status: "Uploading", Progress: &jsonstream.Progress{Current: b.sent, Total: max(b.whole, b.sent)},
		}
	}
	return len(p), nil
}

func (b *bar) done() {
	if b.bars.messages != nil {
		b.bars.messages <- jsonstream.Message{ID: b.volume, Status: "Uploaded"}
	}
}
