package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// sector is the block size that loop devices offer: what the file systems on them use, so that direct
// I/O is aligned on any disk below.
const sector = 4096

// loopFor opens the loop device that the image is bound to, binding a free one if there is none. The device
// frees itself when the returned file is closed and no mount holds it.
func loopFor(image *os.File) (*os.File, error) {
	dev, err := boundLoop(image)
	if dev != nil || err != nil {
		return dev, err
	}
	return bindLoop(image)
}

// binding is held while a device is asked for and bound, since all who ask are offered the same.
var binding sync.Mutex

// bindLoop binds a free loop device to the image.
func bindLoop(image *os.File) (*os.File, error) {
	binding.Lock()
	defer binding.Unlock()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("this machine offers no loop devices: %w", err)
	}
	defer control.Close()
	backing, err := untimed(image)
	if err != nil {
		return nil, err
	}
	defer backing.Close()
	config := unix.LoopConfig{Fd: uint32(backing.Fd()), Size: sector}
	config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO
	name := config.Info.File_name[:]
	copy(name[:len(name)-1], filepath.Base(image.Name()))
	// Other programs are offered the same free device; whoever loses the race asks again.
	for range 256 {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("get a loop device: %w", err)
		}
		dev, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, fmt.Errorf("open a loop device: %w", err)
		}
		err = unix.IoctlLoopConfigure(int(dev.Fd()), &config)
		if errors.Is(err, unix.EINVAL) && config.Size != 0 {
			config.Size = 0 // let the kernel choose
			err = unix.IoctlLoopConfigure(int(dev.Fd()), &config)
		}
		if err == nil {
			shorten(n)
			return dev, nil
		}
		_ = dev.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("bind a loop device: %w", err)
		}
		time.Sleep(time.Millisecond)
	}
	return nil, errors.New("bind a loop device: others were faster each time")
}

// queue is how many requests of one disk may be on their way at a time. Those of all disks queue up at the machine's, where what somebody else
// asks for waits behind them: with the usual 128, of up to a megabyte, behind seconds.
const queue = "8"

// shorten bounds a loop device's queue. Where it cannot be, the device is as good as any.
func shorten(n int) {
	_ = os.WriteFile(fmt.Sprintf("/sys/block/loop%d/queue/nr_requests", n), []byte(queue), 0o644)
}

// boundLoop opens the loop device that the image is bound to; nil if there is none.
func boundLoop(image *os.File) (*os.File, error) {
	fi, err := image.Stat()
	if err != nil {
		return nil, err
	}
	bound, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil, err
	}
	for _, attribute := range bound {
		// The name only saves opening devices of others: it may come from another mount namespace.
		b, err := os.ReadFile(attribute)
		if err != nil || filepath.Base(strings.TrimSpace(string(b))) != filepath.Base(image.Name()) {
			continue
		}
		dev, err := openLoop(filepath.Base(filepath.Dir(filepath.Dir(attribute))), fi)
		if dev != nil || err != nil {
			return dev, err
		}
	}
	return nil, nil
}

// openLoop opens the named loop device if it is bound to the file; nil if it is not.
func openLoop(name string, file fs.FileInfo) (*os.File, error) {
	dev, err := os.OpenFile(filepath.Join("/dev", name), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENXIO) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open a loop device: %w", err)
	}
	info, err := unix.IoctlLoopGetStatus64(int(dev.Fd()))
	if err == nil && backs(info, file) {
		return dev, nil
	}
	_ = dev.Close()
	if err != nil && !errors.Is(err, unix.ENXIO) {
		return nil, fmt.Errorf("read the state of loop device %s: %w", name, err)
	}
	return nil, nil
}

// backs reports whether the loop device is bound to the file.
func backs(info *unix.LoopInfo64, file fs.FileInfo) bool {
	st, err := sysStat(file)
	return err == nil && info.Inode == st.Ino &&
		unix.Major(info.Device) == unix.Major(st.Dev) && unix.Minor(info.Device) == unix.Minor(st.Dev)
}
