package runtime

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/logfile"
)

// What a relay keeps beside a process's pipe: the names' endings.
const (
	unloggedSuffix = ".unlogged" // a pipe; the shim has it open too
	markSuffix     = ".mark"
)

// moveSize is how much is moved at a time.
const moveSize = 48 << 10

// relay moves one stream from its pipe to the log. A hyperd that is killed at any instruction loses nothing and doubles nothing:
//
//   - What is taken out of the process's pipe is moved, in one call, into a second pipe that outlives hyperd as the first does. It stays
//     there until it is in the log, a line that has not ended included. hyperd looks at a copy.
//   - Before lines are written to the log a mark says what time they get and how much was in the second pipe; when they are out of
//     the pipe the mark is wiped. Whoever finds a mark finds by it how many of the lines are in the log already.
type relay struct {
	stream   string
	log      *logfile.Writer
	logDir   string
	from     *os.File // the process's pipe
	unlogged *os.File // the second pipe
	peekR    *os.File // for the copy
	peekW    *os.File
	mark     *os.File

	rest int       // bytes of a line that has not ended: all that stays in the second pipe
	last time.Time // of what was written last to the log
	buf  []byte
}

// openRelay opens the pipe at path and what belongs to it. Nothing is read yet.
func openRelay(path, stream, logDir string, log *logfile.Writer) (_ *relay, err error) {
	r := &relay{stream: stream, log: log, logDir: logDir}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if err := unix.Mkfifo(path+unloggedSuffix, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("making the pipe of what is not logged yet: %w", err)
	}
	if r.mark, err = os.OpenFile(path+markSuffix, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if r.from, err = openOutput(path); err != nil {
		return nil, err
	}
	if r.unlogged, err = openInput(path + unloggedSuffix); err != nil {
		return nil, err
	}
	if r.peekR, r.peekW, err = os.Pipe(); err != nil {
		return nil, err
	}
	widen(r.unlogged)
	widen(r.peekW)
	r.buf = make([]byte, moveSize+logfile.MaxLine)
	return r, nil
}

func (r *relay) close() {
	for _, f := range []*os.File{r.mark, r.from, r.unlogged, r.peekR, r.peekW} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// end ends run, which closes everything, or if it was never called, does that.
func (r *relay) end(running bool) {
	if running {
		_ = r.from.Close()
		return
	}
	r.close()
}

// run moves the stream until it ends or the process's pipe is closed. told gets what is new.
func (r *relay) run(told func([]byte)) {
	defer r.close()
	_ = r.recover() // at worst a line is doubled
	for {
		err := r.move()
		if errors.Is(err, errFull) {
			err = r.write(true)
		}
		if err != nil {
			_ = r.write(true)
			return
		}
		before := r.rest
		p, err := r.peek()
		if err != nil {
			return
		}
		told(p[before:])
		if err := r.logged(p, false); err != nil {
			return
		}
	}
}

// errFull says that the second pipe cannot take more: each call may use up one of the kernel's buffers, for as little as a byte.
var errFull = errors.New("the pipe of what is not logged yet is full")

// move waits for output and takes it into the second pipe. io.EOF is the end.
func (r *relay) move() error {
	c, err := r.from.SyscallConn()
	if err != nil {
		return err
	}
	var n int64
	var failed error
	err = c.Read(func(from uintptr) bool {
		control(r.unlogged, func(to int) {
			n, failed = again(func() (int64, error) {
				return unix.Splice(int(from), nil, to, nil, moveSize, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			})
		})
		if !errors.Is(failed, unix.EAGAIN) {
			return true
		}
		if r.rest > 0 {
			if waiting, _ := unix.IoctlGetInt(int(from), unix.TIOCINQ); waiting > 0 {
				failed = errFull
				return true
			}
		}
		return false
	})
	switch {
	case err != nil:
		return err
	case failed == nil && n == 0:
		return io.EOF
	}
	return failed
}

// peek returns a copy of what is in the second pipe.
func (r *relay) peek() ([]byte, error) {
	want := pending(r.unlogged)
	if want == 0 {
		return nil, nil
	}
	var n int64
	var err error
	control(r.unlogged, func(from int) {
		control(r.peekW, func(to int) {
			n, err = again(func() (int64, error) { return unix.Tee(from, to, want, unix.SPLICE_F_NONBLOCK) })
		})
	})
	if err != nil {
		return nil, err
	}
	p := r.buf[:min(int(n), len(r.buf))]
	_, err = io.ReadFull(r.peekR, p)
	return p, err
}

// write logs what is in the second pipe; with all, a line that has not ended too.
func (r *relay) write(all bool) error {
	p, err := r.peek()
	if err != nil {
		return err
	}
	return r.logged(p, all)
}

// logged writes the lines of p, which is a copy of what is in the second pipe, and takes them out of there.
func (r *relay) logged(p []byte, all bool) error {
	lines, rest := logfile.Lines(p)
	if all && rest > 0 {
		lines, rest = append(lines, p[len(p)-rest:]), 0
	}
	r.rest = rest
	if len(lines) == 0 {
		return nil
	}
	at := time.Now()
	if !at.After(r.last) {
		at = r.last.Add(1)
	}
	r.last = at
	if err := r.setMark(at.UnixNano(), len(p)); err != nil {
		return err
	}
	_ = r.log.Write(r.stream, at, lines...) // what cannot be written, the disk being full, is lost
	return r.taken(p[:len(p)-rest])
}

// taken takes what is in the log out of the second pipe.
func (r *relay) taken(p []byte) error {
	if _, err := io.ReadFull(r.unlogged, p); err != nil {
		return err
	}
	return r.setMark(0, 0)
}

func (r *relay) setMark(at int64, size int) error {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], uint64(at))
	binary.LittleEndian.PutUint64(b[8:], uint64(size))
	_, err := r.mark.WriteAt(b[:], 0)
	return err
}

// recover finishes what an earlier hyperd was at when it died.
func (r *relay) recover() error {
	p, err := r.peek()
	if err != nil {
		return err
	}
	var b [16]byte
	if n, _ := r.mark.ReadAt(b[:], 0); n == len(b) && len(p) > 0 {
		at, size := int64(binary.LittleEndian.Uint64(b[:8])), int(binary.LittleEndian.Uint64(b[8:]))
		if at != 0 && size == len(p) { // else they were taken out, and the mark not wiped
			done, err := r.count(time.Unix(0, at))
			if err != nil {
				return err
			}
			lines, _ := logfile.Lines(p)
			n := 0
			for _, l := range lines[:min(done, len(lines))] {
				n += len(l)
			}
			if done > len(lines) {
				n = len(p) // a part of a line that was written as it was
			}
			if _, err := io.ReadFull(r.unlogged, make([]byte, n)); err != nil {
				return err
			}
		}
	}
	if err := r.setMark(0, 0); err != nil {
		return err
	}
	return r.write(false)
}

// count is how many entries of the stream the log has of a time.
func (r *relay) count(at time.Time) (n int, err error) {
	// A file's time is not as fine as an entry's.
	opts := engine.LogOptions{Since: at.Add(-time.Second), Tail: -1, Stdout: r.stream == stdoutName, Stderr: r.stream == stderrName}
	err = logfile.Read(context.Background(), r.logDir, r.log, opts, func(e engine.LogEntry) error {
		if e.Time.Equal(at) {
			n++
		}
		return nil
	})
	return n, err
}

// widen gives a pipe room. A bound of the machine may forbid it.
func widen(f syscall.Conn) {
	control(f, func(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize) })
}

// again repeats a call that a signal has cut short.
func again(call func() (int64, error)) (int64, error) {
	for {
		if n, err := call(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// control calls fn with a file's descriptor, which stays open meanwhile.
func control(f syscall.Conn, fn func(fd int)) {
	if c, err := f.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { fn(int(fd)) })
	}
}
