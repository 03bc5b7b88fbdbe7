package logfile

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// maxLine is where a long line is cut; its parts have no newline but the last.
const maxLine = 16 << 10

// Splitter cuts what one stream yields into lines and writes them to a log.
type Splitter struct {
	w      *Writer
	stream string
	rest   []byte // of a line that has not ended
	lines  [][]byte
}

// NewSplitter returns a Splitter for a stream, "stdout" or "stderr".
func NewSplitter(w *Writer, stream string) *Splitter { return &Splitter{w: w, stream: stream} }

// Add takes what came at one time.
func (s *Splitter) Add(p []byte, at time.Time) {
	s.rest = append(s.rest, p...)
	s.lines = s.lines[:0]
	rest := s.rest
	for len(rest) > 0 {
		n := bytes.IndexByte(rest[:min(len(rest), maxLine)], '\n') + 1
		if n == 0 {
			if len(rest) < maxLine {
				break
			}
			n = cut(rest)
		}
		s.lines = append(s.lines, rest[:n])
		rest = rest[n:]
	}
	if len(s.lines) > 0 {
		_ = s.w.Write(s.stream, at, s.lines...)
	}
	s.rest = append(s.rest[:0], rest...)
}

// End writes what is left: a last line without a newline.
func (s *Splitter) End(at time.Time) {
	if len(s.rest) > 0 {
		_ = s.w.Write(s.stream, at, s.rest)
		s.rest = nil
	}
}

// cut says where to cut a line of at least maxLine bytes: not inside a character, if it is text.
func cut(p []byte) int {
	for n := maxLine; n > maxLine-utf8.UTFMax; n-- {
		if len(p) == n || utf8.RuneStart(p[n]) {
			return n
		}
	}
	return maxLine
}
