package logfile

import (
	"io"
	"time"
)

// Copy writes what r yields to w, line by line, until r ends; also sees each piece as it comes.
func Copy(w *Writer, stream string, r io.Reader, also func([]byte)) {
	s := NewSplitter(w, stream)
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			s.Add(buf[:n], time.Now())
			also(buf[:n])
		}
		if err != nil {
			s.End(time.Now())
			return
		}
	}
}
