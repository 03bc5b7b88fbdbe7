package drive

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Rack is a mounted directory in which drives are files.
type Rack struct {
	root *fs.Inode
	last atomic.Uint64
}

// Mount mounts an empty rack at dir, in the mount namespace of the thread that calls. It is served until it is unmounted.
func Mount(dir string) (*Rack, error) {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("this machine has no FUSE: %w", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)
	if err := unix.Mount("drives", dir, "fuse.drives", unix.MS_NODEV|unix.MS_NOSUID, options); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("mount drives: %w", err)
	}
	root := &fs.Inode{}
	server, err := fuse.NewServer(fs.NewNodeFS(root, &fs.Options{}), fmt.Sprintf("/dev/fd/%d", fd), &fuse.MountOptions{MaxWrite: 512 << 10})
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("serve drives: %w", err)
	}
	go server.Serve()
	return &Rack{root: root}, nil
}

// Insert makes a drive a file.
func (r *Rack) Insert(name string, d *Drive) {
	ino := r.root.NewPersistentInode(context.Background(), &file{drive: d}, fs.StableAttr{Mode: syscall.S_IFREG, Ino: 1 + r.last.Add(1)})
	r.root.AddChild(name, ino, true)
}

// Remove takes a drive's file away.
func (r *Rack) Remove(name string) { r.root.RmChild(name) }

// file is a drive as the kernel asks for it.
type file struct {
	fs.Inode
	drive *Drive
}

var (
	_ fs.NodeGetattrer  = (*file)(nil)
	_ fs.NodeOpener     = (*file)(nil)
	_ fs.NodeReader     = (*file)(nil)
	_ fs.NodeWriter     = (*file)(nil)
	_ fs.NodeFsyncer    = (*file)(nil)
	_ fs.NodeAllocater  = (*file)(nil)
	_ fs.NodeSetattrer  = (*file)(nil)
	_ fs.NodeGetxattrer = (*file)(nil)
)

func (f *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size, out.Blksize = syscall.S_IFREG|0o600, uint64(f.drive.size), pageSize
	return 0
}

// Setattr changes nothing: times are the kernel's affair.
func (f *file) Setattr(ctx context.Context, h fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return f.Getattr(ctx, h, out)
}

func (f *file) Getxattr(context.Context, string, []byte) (uint32, syscall.Errno) {
	return 0, syscall.ENODATA
}

func (f *file) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (f *file) Read(_ context.Context, _ fs.FileHandle, b []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	b = b[:max(0, min(int64(len(b)), f.drive.size-off))]
	f.drive.read(b, off)
	return fuse.ReadResultData(b), 0
}

func (f *file) Write(_ context.Context, _ fs.FileHandle, b []byte, off int64) (uint32, syscall.Errno) {
	if err := f.drive.write(b, off, len(b)); err != nil {
		return 0, syscall.EIO
	}
	return uint32(len(b)), 0
}

func (f *file) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	f.drive.flush()
	return 0
}

// Allocate forgets a range: a loop device asks for it when blocks are discarded.
func (f *file) Allocate(_ context.Context, _ fs.FileHandle, off, size uint64, mode uint32) syscall.Errno {
	if mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) == 0 {
		return syscall.ENOTSUP
	}
	if err := f.drive.write(nil, int64(off), int(size)); err != nil {
		return syscall.EIO
	}
	return 0
}
