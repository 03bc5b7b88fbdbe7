package logfile

import (
	"bytes"
	"io"
	"time"
)

// Copy writes what r yields to w line by line until r ends.
func Copy(w *Writer, stream string, r io.Reader, also func([]byte)) {
	buf := make([]byte, 32<<10)
	var rest []byte
	for {
		n, err := r.Read(buf)
		if n > 0 {
			also(buf[:n])
			now := time.Now()
			rest = append(rest, buf[:n]...)
			for {
				i := bytes.IndexByte(rest, '\n')
				switch {
				case i >= 0 && i < maxLine:
					_ = w.Write(stream, rest[:i+1], now)
					rest = rest[i+1:]
					continue
				case len(rest) >= maxLine:
					_ = w.Write(stream, rest[:maxLine], now)
					rest = rest[maxLine:]
					continue
				}
				break
			}
			rest = append([]byte(nil), rest...)
		}
		if err != nil {
			if len(rest) > 0 {
				_ = w.Write(stream, rest, time.Now())
			}
			return
		}
	}
}
