package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

const (
	blockSize = 4096
	// minSize is the smallest volume: below it there is no room for a journal.
	minSize = 16 << 20
	// smallJournal is the size of a volume from which on its journal is smaller than mkfs would make it.
	smallJournal = 1 << 30
	// growth is how much larger a file system can become while it is mounted. For each 8 GiB of it a block is kept in the table of groups, and to grow
	// a mounted file system takes a transaction that has room for all of them. The usual 1024 blocks are more than a transaction of a journal
	// of 16 MiB can have.
	growth = 1 << 40
	// mountOptions: freed blocks go back to the machine. The inode tables of a sparse file are zero
	// already, so that the kernel need not write them.
	mountOptions = "discard,noinit_itable"
	// volatileOptions: nothing waits until it is on disk. After a power cut the file system is damaged.
	volatileOptions = mountOptions + ",barrier=0"
)

// makeVolume makes an empty file system with a journal that has its room on the machine's disk from the start: one that could
// not be written, because the machine's disk is full, would turn the volume read-only.
func makeVolume(ctx context.Context, path string, size int64) error {
	var journal []string
	if size >= smallJournal {
		journal = []string{"-J", fmt.Sprintf("size=%d", rootJournal)}
	}
	if err := makeExt4(ctx, path, 0, journal...); err != nil {
		return err
	}
	image, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(settle(image), image.Close())
}

// makeExt4 makes an empty file system in the sparse file at path, as large as the file. Its journal is written, or if lazy is 1
// left to be written when it is used. Further arguments are mkfs's.
func makeExt4(ctx context.Context, path string, lazy int, more ...string) error {
	mkfs, err := findTool("mkfs.ext4", "e2fsprogs")
	if err != nil {
		return err
	}
	file, err := os.Stat(path)
	if err != nil {
		return err
	}
	// -F: it is a file. No block is kept for root. A file system with an error turns read-only, not worse.
	args := []string{"-q", "-F", "-b", fmt.Sprint(blockSize), "-m", "0", "-e", "remount-ro",
		"-E", fmt.Sprintf("lazy_itable_init=1,lazy_journal_init=%d,nodiscard,root_owner=0:0,resize=%d", lazy, (file.Size()+growth)/blockSize)}
	return runTool(ctx, mkfs, append(append(args, more...), path)...)
}

// repairExt4 repairs what can be repaired without losing anything.
func repairExt4(ctx context.Context, device string, more ...string) error {
	e2fsck, err := findTool("e2fsck", "e2fsprogs")
	if err != nil {
		return err
	}
	err = runTool(ctx, e2fsck, append(append([]string{"-p"}, more...), device)...)
	var failed *toolError
	if errors.As(err, &failed) && failed.code == 1 { // all errors were corrected
		return nil
	}
	return err
}

// superblock is what an unmounted ext4 file system says of itself.
type superblock struct {
	used   bool  // was mounted once: it may hold data
	errors bool  // the kernel met an error in it
	dirty  bool  // its journal holds what is not in its place yet, so that free is old
	free   int64 // bytes
	size   int64 // bytes

	kept    int64 // blocks in the table of groups for its growth
	journal int64 // bytes
}

// growsMounted tells whether the kernel can make the file system larger while it is mounted: whether a transaction, a quarter of the journal, has room
// for all blocks that are kept for its growth, and for some more.
func (sb superblock) growsMounted() bool { return sb.kept+32 <= sb.journal/blockSize/4 }

// readSuperblock reads the superblock in an image file. The offsets are those of struct ext4_super_block.
func readSuperblock(image *os.File) (superblock, error) {
	b := make([]byte, 1024)
	if _, err := image.ReadAt(b, 1024); err != nil {
		return superblock{}, fmt.Errorf("read the superblock of %s: %w", image.Name(), err)
	}
	const magic, errorState = 0xEF53, 2
	if binary.LittleEndian.Uint16(b[56:]) != magic {
		return superblock{}, fmt.Errorf("%s holds no ext4 file system", image.Name())
	}
	const needsRecovery, wide = 0x4, 0x80
	incompat := binary.LittleEndian.Uint32(b[96:])
	free, blocks := int64(binary.LittleEndian.Uint32(b[12:])), int64(binary.LittleEndian.Uint32(b[4:]))
	if incompat&wide != 0 {
		blocks |= int64(binary.LittleEndian.Uint32(b[336:])) << 32
		free |= int64(binary.LittleEndian.Uint32(b[344:])) << 32
	}
	return superblock{
		used:   binary.LittleEndian.Uint32(b[44:]) != 0 || binary.LittleEndian.Uint16(b[52:]) != 0,
		errors: binary.LittleEndian.Uint16(b[58:])&errorState != 0,
		dirty:  incompat&needsRecovery != 0,
		free:   free * blockSize,
		size:   blocks * blockSize,

		kept:    int64(binary.LittleEndian.Uint16(b[206:])),
		journal: int64(binary.LittleEndian.Uint32(b[268+4*16:])),
	}, nil
}
