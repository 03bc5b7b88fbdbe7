package logfile

import (
	"bytes"
	"unicode/utf8"
)

// MaxLine is where a long line is cut; its parts have no newline but the last.
const MaxLine = 16 << 10

// Lines cuts what a stream yielded into lines. rest is how many bytes, at the end, are of a line that has not ended.
func Lines(p []byte) (lines [][]byte, rest int) {
	for len(p) > 0 {
		n := bytes.IndexByte(p[:min(len(p), MaxLine)], '\n') + 1
		if n == 0 {
			if len(p) < MaxLine {
				break
			}
			n = cut(p)
		}
		lines = append(lines, p[:n])
		p = p[n:]
	}
	return lines, len(p)
}

// cut says where to cut a line of at least MaxLine bytes: not inside a character, if it is text.
func cut(p []byte) int {
	for n := MaxLine; n > MaxLine-utf8.UTFMax; n-- {
		if len(p) == n || utf8.RuneStart(p[n]) {
			return n
		}
	}
	return MaxLine
}
