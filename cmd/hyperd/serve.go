package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/cloud/budget"
	"github.com/hypercloud/hyper/internal/cloud/build"
	"github.com/hypercloud/hyper/internal/cloud/compose"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/doctor"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/registry"
	"github.com/hypercloud/hyper/internal/cloud/secgroup"
	"github.com/hypercloud/hyper/internal/cloud/snapshot"
	"github.com/hypercloud/hyper/internal/cloud/system"
	"github.com/hypercloud/hyper/internal/cloud/usage"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local"
	"github.com/hypercloud/hyper/internal/fetch"
	"github.com/hypercloud/hyper/internal/mail"
	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/server/auth"
	"github.com/hypercloud/hyper/internal/server/docker"
	"github.com/hypercloud/hyper/internal/store"
	"github.com/hypercloud/hyper/internal/version"
)

// base is what the rules stand on.
type base struct {
	store  *store.Store
	engine *local.Engine
	web    *fetch.Client  // for what tenants name
	pool   fip.Pool       // of floating IPs
	uplink []netip.Prefix // of links between the machine and the accounts' routers
}

// machine opens the store and takes hold of the machine.
func machine(ctx context.Context, c config, log *slog.Logger, trace func(string, time.Time)) (base, error) {
	uplink, err := prefixes("uplink-pool", []string{c.UplinkPool})
	if err != nil {
		return base{}, err
	}
	fips, err := fip.ParsePool(c.FIPPool, c.FIPExclude)
	if err != nil {
		return base{}, err
	}
	web, err := fetcher(c, slices.Concat(uplink, fips.Prefixes()))
	if err != nil {
		return base{}, err
	}
	for _, dir := range []string{c.DataRoot, c.RunDir} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return base{}, fmt.Errorf("making %s: %w", dir, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(c.DataRoot, "tmp"), 0o700); err != nil {
		return base{}, fmt.Errorf("making a directory for temporary files: %w", err)
	}
	st, err := store.Open(filepath.Join(c.DataRoot, "hyper.db"))
	if err != nil {
		return base{}, err
	}
	eng, err := local.New(ctx, local.Config{
		DataRoot: c.DataRoot, RunDir: c.RunDir, Libexec: c.Libexec, Instance: c.Instance,
		Mirrors: c.RegistryMirrors, Permit: web.Permits, Dial: web.Dial, CgroupParent: "/hyper-" + c.Instance,
		UplinkPool: uplink[0], FIPPools: fips.Named(), FIPs: fips.Given(), MTU: c.MTU, DNSUpstreams: c.DNS, VolumePoolSize: c.Limits.VolumePoolGB << 30,
		VolumeOvercommit: c.Limits.VolumeOvercommit, VolumeReserve: uint64(c.Limits.VolumeReserveMB) << 20,
		RootfsSize: c.Limits.RootfsGB << 30, LogRate: c.Limits.LogRate, Log: log, Trace: trace,
	})
	if err != nil {
		_ = st.Close()
		return base{}, err
	}
	return base{st, eng, web, fips, uplink}, nil
}

// serve runs the daemon until ctx is done.
func serve(ctx context.Context, c config, log *slog.Logger) error {
	raiseFileLimit(log)
	var trace func(string, time.Time)
	if c.Trace {
		trace = func(span string, begin time.Time) { log.Info("trace", "span", span, "took", time.Since(begin)) }
	}
	b, err := machine(ctx, c, log, trace)
	if err != nil {
		return err
	}
	defer b.store.Close()
	defer b.engine.Close()
	acc, ok := b.store.Account(accounts.Default)
	if !ok {
		if acc, err = b.store.CreateAccount(ctx, accounts.Default); err != nil {
			return err
		}
	}
	p, err := assemble(c, b, acc.Ref, log, trace)
	if err != nil {
		return err
	}
	if err := p.usage.Begin(ctx); err != nil {
		return err
	}
	defer p.images.Close()
	defer p.containers.Close()
	if err := p.recover(ctx, b.engine, log); err != nil {
		return err
	}
	p.fips.Report()
	background, endBackground := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	for _, watch := range []func(context.Context){p.snapshots.Run, p.volumes.Watch, b.engine.GuardRoom, keepTime(b.store, log), p.notePrices, p.watchBudgets, p.sendMail} {
		watchers.Go(func() { watch(background) })
	}
	defer func() { endBackground(); watchers.Wait() }()
	listeners, err := listen(c, p.accounts)
	for _, l := range listeners {
		defer l.Close()
	}
	if err != nil {
		return err
	}
	built, _ := time.Parse(time.RFC3339, version.BuildTime)
	srv := server.New(server.Config{
		Containers: p.containers, Images: p.images, Volumes: p.volumes, UploadPort: uploadPort(c), Networks: p.network, FIPs: p.fips, Snapshots: p.snapshots, SecGroups: p.secgroups, Accounts: p.accounts, Compose: p.compose, Builds: p.builds, Doctor: p.doctor, Usage: p.usage, Budgets: p.budgets, System: p.system, Events: p.events,
		Logins: &registry.Service{Transport: b.web.Transport()},
		Auth: auth.Any{
			Socket: &auth.Peers{Account: acc.Ref, Named: p.accounts.Named},
			TLS:    auth.NewRemote(auth.RemoteConfig{Entries: p.accounts, SpoolDir: filepath.Join(c.DataRoot, "tmp"), Log: log}),
		},
		Pace:  server.Pace{PerSecond: c.Limits.RequestsPerSecond, AtOnce: c.Limits.RequestsAtOnce},
		Build: docker.Build{Version: version.Version, Commit: version.Commit, Time: built}, Log: log,
	})
	log.Info("hyperd serves", "version", version.Version, "hosts", c.Hosts, "data", c.DataRoot)
	return srv.Serve(ctx, listeners...)
}

// uploadPort is the port of the listener for uploads in clear.
func uploadPort(c config) string {
	_, port, _ := net.SplitHostPort(c.UploadHost) // "" if there is none
	return port
}

// fetcher asks the Internet for what tenants name, and none of the platform's own addresses.
func fetcher(c config, own []netip.Prefix) (*fetch.Client, error) {
	var allow []netip.Prefix
	for _, s := range c.Fetch.Allow {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("fetch.allow %q is not a prefix such as 10.1.2.0/24", s)
		}
		allow = append(allow, p.Masked())
	}
	return fetch.New(fetch.Config{Allow: allow, Deny: own}), nil
}

// parts are the rules, made of a store and a machine.
type parts struct {
	store      *store.Store
	events     *event.Bus
	images     *image.Service
	volumes    *volume.Service
	snapshots  *snapshot.Service
	network    *network.Service
	fips       *fip.Service
	secgroups  *secgroup.Service
	containers *container.Service
	accounts   *accounts.Service
	system     *system.Service
	compose    *compose.Service
	builds     *build.Service
	doctor     *doctor.Service
	usage      *usage.Service
	budgets    *budget.Service
	mail       *mail.Sender // nil: there is no mail server
}

// notePrices notes prices whose day comes.
func (p *parts) notePrices(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	p.usage.Watch(ctx, tick.C)
}

// watchBudgets tells accounts of theirs.
func (p *parts) watchBudgets(ctx context.Context) {
	tick := time.NewTicker(budget.Often)
	defer tick.Stop()
	p.budgets.Watch(ctx, p.containers, tick.C)
}

// sendMail sends what is to be told by mail.
func (p *parts) sendMail(ctx context.Context) {
	if p.mail != nil {
		p.mail.Run(ctx)
	}
}

func assemble(c config, b base, operator account.Ref, log *slog.Logger, trace func(string, time.Time)) (*parts, error) {
	st, eng := b.store, b.engine
	p := &parts{store: st, events: event.NewBus()}
	if err := p.billing(c, log); err != nil {
		return nil, err
	}
	p.images = image.New(image.Config{Store: st, Engine: eng, Events: p.events, Log: log, Fetch: b.web, SpoolDir: filepath.Join(c.DataRoot, "tmp"), Spending: p.budgets})
	p.volumes = volume.New(volume.Config{Store: st, Engine: eng, Events: p.events, Log: log, MaxSizeGB: c.Limits.VolumeMaxGB,
		Fetch: b.web, FillTime: time.Duration(c.Limits.FillMinutes) * time.Minute, Spending: p.budgets})
	p.snapshots = snapshot.New(snapshot.Config{Store: st, Engine: eng, Events: p.events, Log: log, Spending: p.budgets})
	p.network = network.New(network.Config{Store: st, Engine: eng, Events: p.events, Reserved: slices.Concat(b.pool.Prefixes(), b.uplink), Log: log})
	var wire fip.Wire
	if c.FIPProbe {
		wire = eng
	}
	p.fips = fip.New(fip.Config{Store: st, Network: p.network, Pool: b.pool, Wire: wire, Events: p.events, Log: log, Spending: p.budgets})
	p.secgroups = secgroup.New(secgroup.Config{Store: st, Network: p.network, Events: p.events, Log: log})
	p.containers = container.New(container.Config{
		Store: st, Engine: eng, Images: p.images, Volumes: p.volumes, Network: p.network, FIPs: p.fips, Events: p.events, Log: log,
		DataRoot: c.DataRoot, LogConfig: engine.LogConfig{MaxFiles: c.Limits.LogFiles, MaxSize: c.Limits.LogFileSize}, Trace: trace, Spending: p.budgets,
	})
	p.builds = build.New(build.Config{Store: st, Engine: eng, Containers: p.containers, Images: p.images, Log: log,
		Off: c.Build.Off, Size: c.Build.Size, Idle: time.Duration(c.Build.IdleMinutes) * time.Minute, Spending: p.budgets})
	p.compose = compose.New(compose.Config{Store: st, Containers: p.containers, Images: p.images, Volumes: p.volumes, FIPs: p.fips, Log: log, Spending: p.budgets})
	p.system = system.New(system.Config{Store: st, Engine: eng, FIPs: p.fips, Operator: operator, ID: operator.ID(), Root: c.DataRoot})
	p.doctor = doctor.New(doctor.Config{Store: st, Engine: eng, Containers: p.containers, Log: log})
	var err error
	p.accounts, err = accounts.New(accounts.Config{
		Store: st, Dir: filepath.Join(c.DataRoot, "tls"), Quotas: c.Quotas, Log: log,
		Belongings: accounts.Parts{
			Store: st, Containers: p.containers, Volumes: p.volumes, Images: p.images, FIPs: p.fips, Networks: p.network, Snapshots: p.snapshots, Routers: eng,
		},
	})
	return p, err
}

// billing makes what tells of use, and holds accounts to their budgets.
func (p *parts) billing(c config, log *slog.Logger) error {
	book, err := priceBook(c.Prices)
	if err != nil {
		return err
	}
	if p.mail, err = postOffice(c.SMTP, log); err != nil {
		return err
	}
	p.usage = usage.New(usage.Config{Store: p.store, Book: book, Log: log})
	rules := budget.Config{Store: p.store, Book: book, Events: p.events, Log: log}
	if p.mail != nil {
		rules.Mail = p.mail
	}
	p.budgets = budget.New(rules)
	return nil
}

// recover brings store and machine together after a start: see container.Service.Recover.
func (p *parts) recover(ctx context.Context, eng *local.Engine, log *slog.Logger) error {
	var keep []engine.Keep
	for _, acc := range p.store.Accounts() {
		keep = append(keep, container.Keep(p.store.View(acc.Ref), acc.Ref))
	}
	// One account's trouble must not keep the others from being served: what fails for one is told of, and tried at the next start.
	if err := eng.Reap(ctx, keep); err != nil {
		log.Error("not all of what an earlier run left could be cleared", "error", err)
	} else if err := p.store.FreeSlots(ctx); err != nil { // all that is on the machine now is that of the accounts that there are
		return err
	}
	if err := p.containers.Recover(ctx); err != nil {
		return err
	}
	for _, acc := range p.store.Accounts() {
		if err := errors.Join(p.snapshots.Recover(ctx, acc.Ref), p.volumes.Recover(ctx, acc.Ref)); err != nil {
			log.Error("finishing what was begun with an account's volumes", "account", acc.Name, "error", err)
		}
	}
	for _, acc := range p.store.Accounts() {
		p.builds.Recover(acc.Ref)
	}
	if err := p.accounts.Recover(ctx); err != nil {
		log.Error("an account that is being removed stays: remove it again", "error", err)
	}
	return nil
}

// cleanup removes from the machine everything that belongs to a data root.
func cleanup(ctx context.Context, c config, log *slog.Logger) error {
	b, err := machine(ctx, c, log, nil)
	if err != nil {
		return err
	}
	defer b.store.Close()
	if err := b.engine.Reap(ctx, nil); err != nil {
		return err
	}
	return b.engine.Destroy(ctx)
}

// raiseFileLimit lets hyperd, and so its containers, open as many files as the kernel allows: inside a user namespace a
// limit cannot be raised, so a container's is at most its parent's.
func raiseFileLimit(log *slog.Logger) {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		return
	}
	for _, n := range []uint64{1 << 20, 1 << 19, now.Max} {
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: max(n, now.Max)}) == nil {
			return
		}
	}
	log.Warn("the limit of open files stays as it is", "limit", now.Max)
}
