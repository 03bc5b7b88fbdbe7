// Package store keeps everything that Hyper knows: in SQLite on disk, and in memory for readers.
//
// Writers go through Update, one at a time: what they do is one SQLite transaction (WAL,
// synchronous=FULL) and becomes visible to readers only after it is on disk. Readers take a View: an
// immutable picture of one account, got without a lock and without touching SQLite. The rows that a
// View hands out are shared: they must not be changed; a writer puts a changed copy.
package store

// API (see the files of this package):
//
//	func Open(path string) (*Store, error)            // makes, migrates and loads the database
//	func (s *Store) Close() error
//	func (s *Store) Accounts() []Account              // by slot
//	func (s *Store) Account(name string) (Account, bool)
//	func (s *Store) CreateAccount(ctx, name string) (Account, error)  // lowest free slot; random id
//	func (s *Store) View(a account.Ref) *View
//	func (s *Store) Update(ctx, a account.Ref, fn func(*Tx) error) error
//	func (s *Store) FloatingIPOwner(addr netip.Addr) (account.Ref, bool)  // whoever of all accounts holds it
//
//	View: methods never fail; "not there" is ok == false
//	  Container(id string) (*Container, bool)
//	  ContainerByName(name string) (*Container, bool)
//	  FindContainer(ref string) (*Container, error)   // name (one leading slash allowed), id, or unique id prefix, name first. errdefs: NotFound "No such container: ref", InvalidArgument for an ambiguous prefix
//	  Containers() []*Container                       // newest first
//	  AddressTaken(addr netip.Addr) bool
//	  Volume(id), VolumeByName(name) (*Volume, bool); FindVolume(ref) (*Volume, error) // by name "No such volume: ref"
//	  Volumes() []*Volume                             // newest first
//	  VolumesOf(containerID) []*Volume
//	  Image(id) (*Image, bool); Images() []*Image     // newest (Created) first
//	  Tags() []Tag; TagsOf(imageID) []Tag; Tag(repository, tag) (Tag, bool)
//	  FloatingIP(addr) (*FloatingIP, bool); FloatingIPByName(name); FloatingIPs() []*FloatingIP // by address
//	  FloatingIPOf(containerID) (*FloatingIP, bool)
//	  Empty() bool
//	Tx embeds *View (the draft: sees its own writes) and adds
//	  PutContainer(Container) error; DeleteContainer(id) error
//	  PutVolume(Volume) error; DeleteVolume(id) error
//	  PutImage(Image) error; DeleteImage(id) error      // also its tags
//	  PutTag(Tag) error; DeleteTag(repository, tag, digest string) error
//	  PutFloatingIP(FloatingIP) error; DeleteFloatingIP(addr) error
//	  Put* of a name that another row of the account has: errdefs.ErrConflict
