package life

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// chooser thinks of what accounts do next.
type chooser struct {
	*rand.Rand
	made int // names that were given
}

// weights say how often an account does what. Carol does little.
var weights = map[string]map[string]int{
	"alice": {"run": 20, "create": 4, "start": 10, "stop": 8, "restart": 8, "kill": 5, "rm": 10, "exit": 16, "pause": 4, "unpause": 4, "rename": 2, "pull": 3, "rmi": 2,
		"volume create": 2, "volume rm": 2, "volume resize": 1, "snapshot create": 1, "snapshot rm": 1, "fip allocate": 2, "fip release": 2, "fip attach": 4, "fip detach": 2},
	"bob": {"run": 6, "create": 2, "start": 3, "stop": 3, "restart": 3, "kill": 1, "rm": 4, "exit": 4, "pull": 5, "rmi": 4, "volume create": 12, "volume rm": 8,
		"volume resize": 8, "snapshot create": 10, "snapshot rm": 8, "snapshot restore": 5, "fip allocate": 2, "fip release": 2},
	"carol": {"run": 3, "start": 1, "stop": 1, "rm": 1, "exit": 2, "pull": 1, "rmi": 1, "volume create": 1, "volume rm": 1, "fip allocate": 1, "fip release": 1},
}

// most is how many of a kind an account has at a time.
const most = 8

// The sizes of images, in bytes: what is rounded up is of interest.
var imageSizes = []int64{1, 714_000_000, 999_999_999, 1_000_000_000, 1_000_000_001, 1_500_000_000, 3_200_000_000}

func pick[T any](c *chooser, list []T) (one T) {
	if len(list) == 0 {
		return one
	}
	return list[c.IntN(len(list))]
}

// choose thinks of one thing that an account with that state does. The point is one of the daemon's failpoints: what leads there is preferred.
func (c *chooser) choose(account string, s state, point string) op {
	for range 50 {
		what := c.weighted(weights[account])
		if toward := leads(point); len(toward) > 0 && c.IntN(2) == 0 {
			what = pick(c, toward)
		}
		if o, ok := c.make(what, s); ok {
			o.Account, o.Do = account, what
			return o
		}
	}
	return op{Account: account, Do: "pull", Image: "app:1", Bytes: imageSizes[0]}
}

func (c *chooser) weighted(w map[string]int) string {
	total, keys := 0, []string{}
	for k, n := range w {
		total, keys = total+n, append(keys, k)
	}
	slices.Sort(keys)
	n := c.IntN(total)
	for _, k := range keys {
		if n -= w[k]; n < 0 {
			return k
		}
	}
	panic("the weights are no sum of themselves")
}

func with(list []thingState, ok func(thingState) bool) []thingState {
	return slices.DeleteFunc(slices.Clone(list), func(t thingState) bool { return !ok(t) })
}

func status(list []thingState, of ...string) []thingState {
	return with(list, func(t thingState) bool { return slices.Contains(of, t.Status) })
}

func (c *chooser) name(of string) string {
	c.made++
	return fmt.Sprintf("%s%d", of, c.made)
}

func (c *chooser) make(what string, s state) (op, bool) {
	up, down := status(s.Containers, "running", "paused"), status(s.Containers, "created", "exited")
	free := with(s.Volumes, func(v thingState) bool { return !v.Used })
	tagged := with(s.Images, func(i thingState) bool { return len(i.Names) > 0 })
	at := func(list []thingState) (op, bool) { return op{Name: pick(c, list).ID}, len(list) > 0 }
	switch what {
	case "run", "create":
		if len(s.Containers) >= most || len(tagged) == 0 {
			return op{}, false
		}
		o := op{Image: pick(c, tagged).Names[0], Name: c.name("c"), Size: pick(c, []string{"s1", "s2", "s3", "s4", "m1", "m2", "m3", "l1", "l2", "l3"})}
		switch c.IntN(6) {
		case 0, 1:
			o.Remove = true
		case 2:
			o.Restart = pick(c, []string{"always", "unless-stopped", "on-failure"})
		}
		if c.IntN(4) == 0 && len(s.Volumes) < most {
			o.Volumes = []string{"/auto"}
		}
		switch c.IntN(5) {
		case 0:
			if len(free) > 0 {
				o.Binds = []string{pick(c, free).Name + ":/data"}
			}
		case 1:
			if len(s.Volumes) < most {
				o.Binds = []string{c.name("v") + ":/data"}
			}
		}
		return o, true
	case "start":
		return at(down)
	case "stop", "kill":
		return at(up)
	case "restart":
		return at(s.Containers)
	case "exit":
		o, ok := at(up)
		o.Code = pick(c, []int{0, 0, 1, 137})
		return o, ok
	case "pause":
		return at(status(s.Containers, "running"))
	case "unpause":
		return at(status(s.Containers, "paused"))
	case "rename":
		o, ok := at(s.Containers)
		o.To = c.name("c")
		return o, ok
	case "rm":
		list := s.Containers
		if c.IntN(3) > 0 {
			list = down
		}
		o, ok := at(list)
		o.Force = true
		return o, ok
	case "pull":
		if len(s.Images) >= most {
			return op{}, false
		}
		return op{Image: pick(c, []string{"app:1", "app:2", "db:1"}), Bytes: pick(c, imageSizes)}, true
	case "rmi":
		o, ok := at(with(s.Images, func(i thingState) bool { return !i.Used }))
		o.Force = true
		return o, ok && len(s.Images) > 1
	case "volume create":
		o := op{Name: c.name("v"), GB: 10 * (1 + c.IntN(5))}
		if len(s.Snapshots) > 0 && c.IntN(4) == 0 {
			o.To = pick(c, s.Snapshots).Name
		}
		return o, len(s.Volumes) < most
	case "volume rm":
		return op{Name: pick(c, free).Name}, len(free) > 0
	case "volume resize":
		small := with(s.Volumes, func(v thingState) bool { return v.GB < 50 })
		v := pick(c, small)
		return op{Name: v.Name, GB: min(50, int(v.GB)+10*(1+c.IntN(2)))}, len(small) > 0
	case "snapshot create":
		return op{Name: c.name("s"), To: pick(c, s.Volumes).Name}, len(s.Volumes) > 0 && len(s.Snapshots) < most
	case "snapshot rm", "snapshot restore":
		return op{Name: pick(c, s.Snapshots).Name}, len(s.Snapshots) > 0
	case "fip allocate":
		return op{}, len(s.FIPs) < 3
	case "fip release":
		list := with(s.FIPs, func(f thingState) bool { return !f.Used })
		return at(list)
	case "fip attach":
		list := with(s.FIPs, func(f thingState) bool { return !f.Used })
		return op{Name: pick(c, list).ID, To: pick(c, up).ID}, len(list) > 0 && len(up) > 0
	case "fip detach":
		list := with(s.FIPs, func(f thingState) bool { return f.Used })
		return op{To: pick(c, list).Name}, len(list) > 0
	}
	panic(what + " is nothing that can be made up")
}

// points are the failpoints that something here leads to.
var points = []string{
	"container.create.after-intent", "container.create.after-engine", "container.create.after-populate", "container.start.after-intent", "container.start.after-engine",
	"container.stop.after-intent", "container.stop.after-exit", "container.exit.after-record", "container.recover.after-record", "container.remove.after-intent", "container.remove.after-engine",
	"volume.attach.after-mount", "volume.create.after-intent", "volume.create.after-engine", "volume.remove.after-intent", "volume.remove.after-engine",
	"volume.resize.after-intent", "volume.resize.after-engine", "snapshot.create.after-intent", "snapshot.create.after-engine", "snapshot.remove.after-intent",
	"snapshot.remove.after-engine", "snapshot.restore.after-intent", "snapshot.restore.after-engine", "image.pull.after-engine", "image.remove.after-intent",
	"fip.attach.after-intent", "fip.attach.after-apply", "fip.detach.after-intent",
}

// leads says what leads to a failpoint.
func leads(point string) []string {
	parts := strings.Split(point, ".")
	switch {
	case point == "", parts[1] == "recover":
		return nil
	case parts[0] == "container" && parts[1] == "create", parts[0] == "volume" && parts[1] == "attach":
		return []string{"create", "run"}
	case parts[0] == "container" && parts[1] == "start":
		return []string{"run", "start", "restart"}
	case parts[0] == "container" && parts[1] == "remove":
		return []string{"rm", "exit"}
	case parts[0] == "container" && parts[1] == "exit":
		return []string{"exit", "kill"}
	case parts[0] == "container":
		return []string{parts[1]}
	case parts[0] == "image" && parts[1] == "remove":
		return []string{"rmi"}
	case parts[0] == "image":
		return []string{parts[1]}
	case parts[1] == "remove":
		return []string{parts[0] + " rm"}
	}
	return []string{parts[0] + " " + parts[1]}
}
