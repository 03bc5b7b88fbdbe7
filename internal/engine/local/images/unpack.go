package images

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// maxFileNames is how many bytes the names and attributes of an image's files may have. Large images have some dozen megabytes of them.
const maxFileNames = 256 << 20

// unpacker makes the snapshots of one image, lowest layer first. A snapshot is named by the chain id of the layers
// that are in it; one that is there is not made again.
type unpacker struct {
	*work
	sn     snapshots.Snapshotter
	layers []ocispec.Descriptor
	diffs  []digest.Digest
	below  int // how many snapshots were there at the beginning
	budget budget
	// suspect are blobs that nobody has unpacked yet, whatever is there under the name of what they should unpack to.
	suspect map[digest.Digest]bool
	made    string // a directory on the file system that snapshots were made on
}

func (p *work) unpacker(ctx context.Context, layers []ocispec.Descriptor, diffs []digest.Digest) (*unpacker, error) {
	u := &unpacker{
		work: p, sn: p.Client.SnapshotService(snapshotter), layers: layers, diffs: diffs,
		budget: budget{bytes: p.MaxImageSize, stream: p.MaxImageSize + p.MaxImageSize/2, files: p.MaxFiles, names: maxFileNames},
	}
	for u.below < len(diffs) {
		here, err := u.holds(ctx, chainID(diffs[:u.below+1]))
		if err != nil {
			return nil, err
		}
		if !here {
			break
		}
		u.below++
	}
	return u, nil
}

// chainID names the snapshot of a stack of layers.
func chainID(diffs []digest.Digest) string { return identity.ChainID(diffs).String() }

// holds reports whether a snapshot is there, and if so keeps it there.
func (u *unpacker) holds(ctx context.Context, chain string) (bool, error) {
	if err := u.lease.hold(ctx, "snapshots/"+snapshotter, chain); err != nil {
		return false, storing(ctx, "holding a layer", err)
	}
	_, err := u.sn.Stat(ctx, chain)
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, storing(ctx, "looking for a layer", err)
}

// unpacked reports whether all that is made of a blob was there at the beginning.
func (u *unpacker) unpacked(blob digest.Digest) bool {
	for _, l := range u.layers[u.below:] {
		if l.Digest == blob {
			return false
		}
	}
	return true
}

// unpack makes the snapshot of layer i; those below are there.
func (u *unpacker) unpack(ctx context.Context, i int) error {
	chain, parent := chainID(u.diffs[:i+1]), chainID(u.diffs[:i])
	key := u.account + "/" + chain
	u.chains.Lock(key)
	defer func() { _ = u.chains.Unlock(key) }()
	here, err := u.holds(ctx, chain)
	if err != nil {
		return err
	}
	if here {
		if i >= u.below {
			u.tell.status(u.layers[i].Digest, engine.PullComplete, u.layers[i].Size, u.layers[i].Size)
		}
		if err := u.charge(ctx, chain); err != nil {
			return err
		}
		return u.compare(ctx, i)
	}
	return u.make(ctx, i, chain, parent)
}

// charge takes the size of a layer that was there off the budget.
func (u *unpacker) charge(ctx context.Context, chain string) error {
	use, err := u.sn.Usage(ctx, chain)
	if err != nil {
		return storing(ctx, "measuring a layer", err)
	}
	u.budget.bytes -= use.Size
	u.budget.files -= use.Inodes
	return nil
}

// compare reads a blob through that an archive holds for a layer which is there already: an image is not to name what it does not consist of.
func (u *unpacker) compare(ctx context.Context, i int) error {
	layer := u.layers[i]
	if !u.suspect[layer.Digest] {
		return nil
	}
	ra, err := u.Client.ContentStore().ReaderAt(ctx, layer)
	if err != nil {
		return storing(ctx, "reading a layer", err)
	}
	defer ra.Close()
	stream, end, err := decompress(content.NewReader(ra))
	if err != nil {
		return broken(ctx, layer, err)
	}
	defer end()
	sum := digest.Canonical.Digester()
	_, err = io.Copy(sum.Hash(), &limited{r: stream, left: &u.budget.stream})
	switch {
	case u.budget.stream < 0:
		return u.tooLarge()
	case err != nil:
		return broken(ctx, layer, err)
	case sum.Digest() != u.diffs[i]:
		return u.differs(layer)
	}
	return nil
}

func (u *unpacker) differs(layer ocispec.Descriptor) error {
	return oops.Unavailable("layer %s does not unpack to what the image's config says", short(layer.Digest))
}

func (u *unpacker) make(ctx context.Context, i int, chain, parent string) error {
	layer := u.layers[i]
	key := fmt.Sprintf("extract-%s-%d", u.lease.ID, i)
	// A mirror before may have failed while this layer was being unpacked.
	if err := u.sn.Remove(ctx, key); err != nil && !errdefs.IsNotFound(err) {
		return storing(ctx, "removing a half unpacked layer", err)
	}
	mounts, err := u.sn.Prepare(ctx, key, parent)
	if err != nil {
		return storing(ctx, "making a layer", err)
	}
	committed := false
	defer func() {
		if !committed {
			_ = u.sn.Remove(context.WithoutCancel(ctx), key)
		}
	}()
	u.tell.status(layer.Digest, engine.PullExtracting, 0, layer.Size)
	a := applier{
		store: u.Client.ContentStore(), budget: &u.budget, roomy: u.roomy,
		tell: func(n int64) { u.tell.bytes(layer.Digest, engine.PullExtracting, n, layer.Size) },
	}
	diff, dir, err := a.apply(ctx, layer, mounts)
	switch {
	case u.budget.bytes < 0 || u.budget.stream < 0:
		return u.tooLarge()
	case u.budget.files < 0:
		return oops.Exhausted("the image has more than %d files", u.MaxFiles)
	case u.budget.names < 0:
		return oops.Exhausted("the names and attributes of the image's files have more than %d MB together", maxFileNames>>20)
	case err != nil:
		return err
	case diff != u.diffs[i]:
		return u.differs(layer)
	}
	err = u.sn.Commit(ctx, chain, key)
	if errdefs.IsAlreadyExists(err) {
		err = nil // somebody else's, the same
	} else if err == nil {
		committed, u.made = true, dir
	}
	if err == nil {
		u.tell.status(layer.Digest, engine.PullComplete, layer.Size, layer.Size)
	}
	return storing(ctx, "keeping a layer", err)
}

// finish writes the snapshots to disk, since an image that is recorded must be whole after a power cut too, and tells
// how many bytes each has.
func (u *unpacker) finish(ctx context.Context) (sizes []int64, err error) {
	if u.made != "" {
		f, err := os.Open(u.made)
		if err != nil {
			return nil, fmt.Errorf("opening a layer: %w", err)
		}
		err = unix.Syncfs(int(f.Fd()))
		_ = f.Close()
		if err != nil {
			return nil, storing(ctx, "writing the layers to disk", err)
		}
	}
	for i := range u.diffs {
		use, err := u.sn.Usage(ctx, chainID(u.diffs[:i+1]))
		if err != nil {
			return nil, storing(ctx, "measuring a layer", err)
		}
		sizes = append(sizes, use.Size)
	}
	return sizes, nil
}

// measured notes the sizes of an image's layers in it.
func measured(img *engine.Image, sizes []int64) {
	img.LayerSizes, img.Size = sizes, 0
	for _, n := range sizes {
		img.Size += n
	}
}
