// Command hyper-init is the first process of a container that asks for one (--init): it runs the command, hands on every
// signal, reaps orphans, and ends as the command did.
package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fail(127, "hyper-init: no command")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			fail(126, "hyper-init: "+err.Error())
		}
		fail(127, "hyper-init: "+err.Error())
	}
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	child, err := os.StartProcess(path, args, &os.ProcAttr{Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: apart()})
	if err != nil {
		fail(126, "hyper-init: "+err.Error())
	}
	for s := range signals {
		switch s {
		case syscall.SIGCHLD:
			reap(child.Pid)
		case syscall.SIGURG, syscall.SIGPIPE: // the Go runtime's own
		case syscall.SIGTTIN, syscall.SIGTTOU: // ours: the terminal is the command's
		default:
			_ = child.Signal(s)
		}
	}
}

// apart gives the command a process group of its own and, where there is a terminal, its foreground: what is typed (ctrl-c)
// reaches the command once, and not through us again.
func apart() *syscall.SysProcAttr {
	_, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	return &syscall.SysProcAttr{Setpgid: true, Foreground: err == nil, Ctty: 0}
}

// reap takes the exit of every child that has ended; when it is the command's, so is ours.
func reap(command int) {
	for {
		var st syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &st, syscall.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return
		}
		if pid != command {
			continue
		}
		if st.Signaled() {
			os.Exit(128 + int(st.Signal()))
		}
		os.Exit(st.ExitStatus())
	}
}

func fail(code int, text string) {
	_, _ = os.Stderr.WriteString(text + "\n")
	os.Exit(code)
}
