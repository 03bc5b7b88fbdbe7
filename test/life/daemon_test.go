package life

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/budget"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/snapshot"
	"github.com/hypercloud/hyper/internal/cloud/usage"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/store"
)

// names are the accounts.
var names = []string{"alice", "bob", "carol"}

// daemon is hyperd without its API, on a fake machine.
type daemon struct {
	dir        string
	wall, boot atomic.Int64
	bootID     atomic.Value
	out        *json.Encoder

	engine     *fake.Engine
	store      *store.Store
	images     *image.Service
	volumes    *volume.Service
	snapshots  *snapshot.Service
	fips       *fip.Service
	containers *container.Service
	usage      *usage.Service
	budgets    *budget.Service
	accounts   map[string]account.Ref
}

// serve is the daemon's life: it does what it is told until it is killed, or told to close.
func serve(dir string) int {
	d := &daemon{dir: dir, out: json.NewEncoder(os.Stdout)}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		a, err := d.obey(context.Background(), c)
		if err != nil {
			a.Failed = err.Error()
		}
		if a.Do = c.Do; d.out.Encode(a) != nil || c.Do == "close" {
			return 0
		}
	}
	return 0
}

func (d *daemon) now() time.Time { return time.Unix(0, d.wall.Load()) }

func (d *daemon) obey(ctx context.Context, c command) (a answer, err error) {
	d.wall.Store(c.Wall)
	d.boot.Store(c.Boot)
	d.bootID.Store(c.BootID)
	switch c.Do {
	case "start":
		err = d.start(ctx)
	case "work":
		a.Errors = d.work(ctx, c.Work)
	case "keep":
		err = d.store.KeepTime(ctx)
	case "bill":
		return d.bill(ctx, c)
	case "close":
		d.images.Close()
		d.containers.Close()
		return a, d.store.Close()
	}
	if err == nil {
		err = d.settle()
	}
	if err != nil {
		return a, err
	}
	a.Now, a.State = d.store.Now().UnixMilli(), d.listed()
	if c.Spent != "" {
		b, err := d.budgets.State(ctx, d.accounts[c.Spent])
		if err != nil {
			return a, err
		}
		a.Spent = b.Spent.RatString()
	}
	return a, nil
}

// start does what hyperd does when it starts, in that order.
func (d *daemon) start(ctx context.Context) (err error) {
	if d.engine, err = fake.Load(filepath.Join(d.dir, "machine")); err != nil {
		return err
	}
	d.engine.Now, d.engine.Boot = d.now, func() time.Duration { return time.Duration(d.boot.Load()) }
	d.store, err = store.OpenAt(filepath.Join(d.dir, "hyper.db"), store.Clock{
		Wall: d.now, Boot: d.engine.Boot, ID: func() (string, error) { return d.bootID.Load().(string), nil },
	})
	if err != nil {
		return err
	}
	d.accounts = map[string]account.Ref{}
	ids := map[string]string{}
	for _, name := range names {
		acc, ok := d.store.Account(name)
		if !ok {
			if acc, err = d.store.CreateAccount(ctx, name); err != nil {
				return err
			}
		}
		d.accounts[name], ids[name] = acc.Ref, acc.Ref.ID()
	}
	found := answer{Do: "found", Now: d.store.Now().UnixMilli(), Seen: d.store.Seen().UnixMilli(), State: d.rows(), IDs: ids}
	if err := d.out.Encode(found); err != nil {
		return err
	}
	bus, log := event.NewBus(), slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	net := network.New(network.Config{Store: d.store, Engine: d.engine, Events: bus, Log: log})
	d.images = image.New(image.Config{Store: d.store, Engine: d.engine, Events: bus, Log: log})
	d.volumes = volume.New(volume.Config{Store: d.store, Engine: d.engine, Events: bus, Log: log})
	d.snapshots = snapshot.New(snapshot.Config{Store: d.store, Engine: d.engine, Events: bus, Log: log, Now: d.now})
	d.fips = fip.New(fip.Config{Store: d.store, Network: net, Pool: fip.MustPool("198.18.0.0/27"), Wire: d.engine, Events: bus, Log: log})
	d.containers = container.New(container.Config{
		Store: d.store, Engine: d.engine, Images: d.images, Volumes: d.volumes, Network: net, FIPs: d.fips, Events: bus, Log: log, DataRoot: d.dir,
		// When a container was started is noted by a clock that nobody turns, so how long it ran is not known here: it is always long enough.
		RestartAfter: math.MinInt64 + 1,
	})
	d.usage, d.budgets = usage.New(usage.Config{Store: d.store, Log: log}), budget.New(budget.Config{Store: d.store, Log: log})
	var keep []engine.Keep
	for _, acc := range d.store.Accounts() {
		keep = append(keep, container.Keep(d.store.View(acc.Ref), acc.Ref))
	}
	if err := d.engine.Reap(ctx, keep); err != nil {
		return err
	}
	if err := d.store.FreeSlots(ctx); err != nil {
		return err
	}
	if err := d.containers.Recover(ctx); err != nil {
		return err
	}
	for _, acc := range d.store.Accounts() {
		if err := errors.Join(d.snapshots.Recover(ctx, acc.Ref), d.volumes.Recover(ctx, acc.Ref)); err != nil {
			return err
		}
	}
	return d.usage.Begin(ctx)
}

// work carries out what accounts do.
func (d *daemon) work(ctx context.Context, work []op) []string {
	out := make([]string, len(work))
	var g sync.WaitGroup
	for _, name := range names {
		g.Go(func() {
			for i, o := range work {
				if o.Account != name {
					continue
				}
				if err := d.do(ctx, d.accounts[name], o); err != nil {
					out[i] = err.Error()
				}
			}
		})
	}
	g.Wait()
	return out
}

func (d *daemon) do(ctx context.Context, a account.Ref, o op) (err error) {
	switch o.Do {
	case "run", "create":
		var made container.Created
		made, err = d.containers.Create(ctx, a, container.CreateRequest{
			Name: o.Name, Image: o.Image, Labels: map[string]string{"sh_hyper_instancetype": o.Size}, Binds: o.Binds, Volumes: o.Volumes,
			Restart: store.RestartPolicy{Name: o.Restart}, AutoRemove: o.Remove,
		})
		if err == nil && o.Do == "run" {
			err = d.containers.Start(ctx, a, made.ID)
		}
	case "start":
		err = d.containers.Start(ctx, a, o.Name)
	case "stop":
		err = d.containers.Stop(ctx, a, o.Name, container.StopOptions{})
	case "restart":
		err = d.containers.Restart(ctx, a, o.Name, container.StopOptions{})
	case "kill":
		err = d.containers.Kill(ctx, a, o.Name, "")
	case "pause":
		err = d.containers.Pause(ctx, a, o.Name)
	case "unpause":
		err = d.containers.Unpause(ctx, a, o.Name)
	case "rm":
		_, err = d.containers.Remove(ctx, a, o.Name, container.RemoveOptions{Force: o.Force, Volumes: true})
	case "rename":
		err = d.containers.Rename(ctx, a, o.Name, o.To)
	case "exit":
		if !d.engine.Exit(a, o.Name, o.Code) {
			err = errors.New("it does not run")
		}
	case "pull":
		img := fake.MakeImage(fmt.Sprintf("%s of %d bytes", o.Image, o.Bytes), time.Unix(1_700_000_000, 0), "base")
		img.Size = o.Bytes
		d.engine.Serve("docker.io/library/"+o.Image, img)
		err = d.images.Pull(ctx, a, image.PullRequest{Ref: o.Image}, func(image.Message) {})
	case "rmi":
		_, err = d.images.Remove(ctx, a, o.Name, o.Force)
	case "volume create":
		_, err = d.volumes.Create(ctx, a, volume.CreateRequest{Name: o.Name, SizeGB: o.GB, Snapshot: o.To})
	case "volume rm":
		err = d.volumes.Remove(ctx, a, o.Name, false)
	case "volume resize":
		err = d.volumes.Resize(ctx, a, o.Name, o.GB)
	case "snapshot create":
		_, err = d.snapshots.Create(ctx, a, snapshot.CreateRequest{Volume: o.To, Name: o.Name, Force: true})
	case "snapshot rm":
		err = d.snapshots.Remove(ctx, a, o.Name)
	case "snapshot restore":
		_, err = d.snapshots.Restore(ctx, a, o.Name)
	case "fip allocate":
		_, err = d.fips.Allocate(ctx, a, 1)
	case "fip release":
		err = d.fips.Release(ctx, a, o.Name)
	case "fip attach":
		err = d.fips.Attach(ctx, a, o.Name, o.To)
	case "fip detach":
		_, err = d.fips.Detach(ctx, a, o.To)
	case "correct":
		var who usage.Subject
		if who, err = d.usage.Self(a); err == nil {
			_, err = d.usage.Correct(ctx, who, o.Amount, "it was agreed so")
		}
	default:
		err = fmt.Errorf("%s is nothing that can be done", o.Do)
	}
	return err
}

// patience is how long the daemon has to come to rest. The machine may be busy with other things.
const patience = 60 * time.Second

// settle waits until nothing goes on by itself any more: restarts, removals after an exit, exits that are not recorded.
func (d *daemon) settle() error {
	end := time.Now().Add(patience)
	for {
		what, err := d.unrest()
		if what == "" || err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v still: %s", patience, what)
		}
		time.Sleep(time.Millisecond) // there is no event for all of this
	}
}

func (d *daemon) unrest() (string, error) {
	for name, a := range d.accounts {
		tasks, err := d.engine.Tasks(context.Background(), a)
		if err != nil {
			return "", err
		}
		runs := map[string]bool{}
		for _, t := range tasks {
			runs[t.ContainerID] = t.Running
		}
		v := d.store.View(a)
		for _, c := range v.Containers() {
			switch status := c.State.Status; {
			case c.Phase != store.Ready, status == store.StatusStarting, status == store.StatusRestarting,
				status == store.StatusExited && c.Spec.AutoRemove, status.Live() && !runs[c.ID]:
				return fmt.Sprintf("container %s of %s is %s and %s", c.ID, name, c.Phase, status), nil
			}
		}
		for _, vol := range v.Volumes() {
			if vol.Phase != store.Ready {
				return fmt.Sprintf("volume %s of %s is %s", vol.ID, name, vol.Phase), nil
			}
		}
		for _, s := range v.Snapshots() {
			if s.Phase != store.Ready {
				return fmt.Sprintf("snapshot %s of %s is %s", s.ID, name, s.Phase), nil
			}
		}
	}
	return "", nil
}

// listed is what the accounts see.
func (d *daemon) listed() map[string]state {
	out := map[string]state{}
	for name, a := range d.accounts {
		var s state
		containers, _ := d.containers.List(context.Background(), a, container.ListOptions{All: true})
		for _, c := range containers {
			s.Containers = append(s.Containers, ofContainer(c))
		}
		volumes, _ := d.volumes.List(a, nil)
		for _, v := range volumes {
			s.Volumes = append(s.Volumes, ofVolume(v))
		}
		snapshots, _ := d.snapshots.List(a, nil)
		for _, row := range snapshots {
			s.Snapshots = append(s.Snapshots, ofSnapshot(row))
		}
		for _, sum := range d.images.List(a, image.ListOptions{}) {
			s.Images = append(s.Images, thingState{ID: sum.Image.ID, Ready: true, Bytes: sum.Image.Size, Used: sum.Containers > 0, Names: sum.RepoTags})
		}
		fips, _ := d.fips.List(a, nil)
		for _, f := range fips {
			s.FIPs = append(s.FIPs, ofFIP(f))
		}
		out[name] = s
	}
	return out
}

// rows is what the books say that was intended and done when the daemon before was killed.
func (d *daemon) rows() map[string]state {
	out := map[string]state{}
	for name, a := range d.accounts {
		var s state
		v := d.store.View(a)
		for _, c := range v.Containers() {
			s.Containers = append(s.Containers, ofContainer(c))
		}
		for _, vol := range v.Volumes() {
			s.Volumes = append(s.Volumes, ofVolume(vol))
		}
		for _, row := range v.Snapshots() {
			s.Snapshots = append(s.Snapshots, ofSnapshot(row))
		}
		for _, img := range v.Images() {
			s.Images = append(s.Images, thingState{ID: img.ID, Ready: true, Bytes: img.Size})
		}
		for _, f := range v.FloatingIPs() {
			s.FIPs = append(s.FIPs, ofFIP(f))
		}
		out[name] = s
	}
	return out
}

func ofContainer(c *store.Container) thingState {
	return thingState{ID: c.ID, Name: c.Name, Status: string(c.State.Status), Ready: c.Phase == store.Ready}
}

func ofVolume(v *store.Volume) thingState {
	return thingState{ID: v.ID, Name: v.Name, Ready: v.Phase == store.Ready, GB: int64(v.SizeGB), Used: v.Container != ""}
}

func ofSnapshot(s *store.Snapshot) thingState {
	return thingState{ID: s.ID, Name: s.Name, Ready: s.Phase == store.Ready, GB: int64(s.SizeGB)}
}

func ofFIP(f *store.FloatingIP) thingState {
	return thingState{ID: f.Address.String(), Ready: true, Used: f.Container != "", Name: f.Container}
}

// bill has bills made, and tells of the ledger what is not known yet.
func (d *daemon) bill(ctx context.Context, c command) (a answer, err error) {
	a.Ledger, a.Open, a.Bills = map[string][]metering.Entry{}, map[string][]metering.Entry{}, map[string]map[string]bill{}
	for name, ref := range d.accounts {
		v := d.store.View(ref)
		now := d.store.Now()
		a.Now, a.Open[name], a.Bills[name] = now.UnixMilli(), v.Meters(now), map[string]bill{}
		if a.Ledger[name], err = d.store.LedgerAfter(ctx, v, c.After[name]); err != nil {
			return a, err
		}
		who, err := d.usage.Self(ref)
		if err != nil {
			return a, err
		}
		for _, month := range c.Months {
			owed, err := d.usage.Bill(ctx, who, month)
			if err != nil {
				return a, err
			}
			since, until, err := metering.Month(month)
			if err != nil {
				return a, err
			}
			b := bill{Total: owed.Total.RatString(), Kinds: lines(owed.Statement)}
			if now.After(since) {
				used, err := d.usage.Usage(ctx, who, usage.Span{Since: since, Until: until}, metering.ByResource)
				if err != nil {
					return a, err
				}
				b.Used = lines(used.Statement)
			}
			a.Bills[name][month] = b
		}
	}
	return a, nil
}

func lines(st *metering.Statement) (out []line) {
	for _, l := range st.Lines {
		out = append(out, line{string(l.Kind), l.Class, l.Resource, l.Quantity.RatString(), l.Amount.RatString()})
	}
	return out
}
