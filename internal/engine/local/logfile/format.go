package logfile

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/hypercloud/hyper/internal/engine"
)

// appendEntry appends one entry as a line of a log file: the form of Docker's json-file. Bytes that are not UTF-8
// become U+FFFD, as there.
func appendEntry(dst []byte, stream string, text []byte, at time.Time) []byte {
	dst = append(dst, `{"log":`...)
	dst = appendString(dst, text)
	dst = append(dst, `,"stream":"`...)
	dst = append(dst, stream...)
	dst = append(dst, `","time":"`...)
	dst = at.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"', '}', '\n')
}

const hexDigits = "0123456789abcdef"

// appendString appends text as a JSON string.
func appendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(text[i:])
			dst = utf8.AppendRune(dst, r) // RuneError is U+FFFD
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}

// parse reads one line of a log file. A line that was torn by a power cut, or is no entry at all, is not ok.
func parse(raw []byte) (e engine.LogEntry, ok bool) {
	var l struct {
		Log    string    `json:"log"`
		Stream string    `json:"stream"`
		Time   time.Time `json:"time"`
	}
	if json.Unmarshal(raw, &l) != nil || l.Stream == "" {
		return e, false
	}
	return engine.LogEntry{Time: l.Time, Stream: l.Stream, Line: []byte(l.Log)}, true
}
