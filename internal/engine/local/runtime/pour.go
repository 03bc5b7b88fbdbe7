package runtime

import (
	"bufio"
	"io"
	"os"
	"syscall"
)

// pieceSize is how much of a long stream is handed on at a time: what is carried in smaller pieces costs more for the handing than for the bytes.
const pieceSize = 256 << 10

// pour writes a stream into a program's pipe to its end, and closes the pipe. The program sees little of it before a whole piece has come.
func pour(pipe io.WriteCloser, from io.Reader) {
	if f, ok := pipe.(*os.File); ok {
		widen(f)
	}
	w := bufio.NewWriterSize(onlyWriter{pipe}, pieceSize)
	_, _ = w.ReadFrom(from)
	_ = w.Flush() // what came before an error too: a cut archive is told from a short one by who reads it
	_ = pipe.Close()
}

// inPieces takes what a program writes in large pieces. os/exec hands a program's output to ReadFrom, where there is one.
type inPieces struct{ io.Writer }

// ReadFrom implements io.ReaderFrom.
func (w inPieces) ReadFrom(r io.Reader) (int64, error) {
	if pipe, ok := r.(syscall.Conn); ok {
		widen(pipe)
	}
	return io.CopyBuffer(onlyWriter{w.Writer}, onlyReader{r}, make([]byte, pieceSize))
}

// onlyReader hides that a file can write itself somewhere: it would do so in pieces of its own choice.
type onlyReader struct{ io.Reader }
