package rest

import (
	"encoding/binary"
	"io"
	"sync"
)

// The streams in a multiplexed connection (api 5.1).
const (
	FrameStdout = 1
	FrameStderr = 2
)

// Frames puts several streams into one connection, each piece behind a head of eight bytes: the stream, three
// zeros, and the length.
type Frames struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
}

// NewFrames returns frames that are written to w, each by one call of Write.
func NewFrames(w io.Writer) *Frames { return &Frames{w: w} }

// Stream is the writer of one stream.
func (f *Frames) Stream(id byte) io.Writer { return &frameWriter{f, id} }

type frameWriter struct {
	*Frames
	id byte
}

func (s *frameWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf[:0], s.id, 0, 0, 0)
	s.buf = binary.BigEndian.AppendUint32(s.buf, uint32(len(p)))
	s.buf = append(s.buf, p...)
	if _, err := s.w.Write(s.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}
