package container

import (
	"context"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// psArgument is what may be handed to ps: options and column lists, no paths.
var psArgument = regexp.MustCompile(`^[-a-zA-Z0-9,_=:%+]+$`)

// Top lists the processes of a container, as the machine's ps shows them.
func (s *Service) Top(ctx context.Context, a account.Ref, ref string, psArgs []string) (Processes, error) {
	c, err := s.running(a, ref)
	if err != nil {
		return Processes{}, err
	}
	if len(psArgs) == 0 {
		psArgs = []string{"-ef"}
	}
	for _, arg := range psArgs {
		if !psArgument.MatchString(arg) {
			return Processes{}, oops.Invalid("%q cannot be an argument of ps", arg)
		}
	}
	pids, err := s.Engine.Processes(ctx, a, c.ID)
	if err != nil {
		return Processes{}, err
	}
	// Without a list of its own ps shows what has its own user and terminal. Some forms of its arguments take none.
	out, err := exec.CommandContext(ctx, "ps", append(slices.Clone(psArgs), "-q", joinPIDs(pids))...).Output()
	if err != nil {
		out, err = exec.CommandContext(ctx, "ps", psArgs...).Output()
	}
	if err != nil {
		return Processes{}, oops.Invalid("ps does not take the arguments %s: %v", strings.Join(psArgs, " "), err)
	}
	p, err := filterPS(string(out), pids)
	if err == nil {
		p.inside(a)
	}
	return p, err
}

func joinPIDs(pids []int) string {
	text := make([]string, len(pids))
	for i, pid := range pids {
		text[i] = strconv.Itoa(pid)
	}
	return strings.Join(text, ",")
}

// userColumns are those of ps that show who runs a process, where it knows no name for the id.
var userColumns = []string{"UID", "USER", "RUSER", "EUSER", "SUSER", "FUSER", "RUID", "EUID", "SUID", "FUID", "GROUP", "RGROUP", "EGROUP", "GID", "RGID", "EGID"}

// inside shows users and groups as they are in the account's containers, and not as on the machine.
func (p *Processes) inside(a account.Ref) {
	for i, title := range p.Titles {
		if !slices.Contains(userColumns, title) {
			continue
		}
		for _, row := range p.Rows {
			if i >= len(row) {
				continue // a column before it was empty
			}
			n, err := strconv.ParseUint(row[i], 10, 32)
			if err != nil || n < uint64(a.HostID()) || n >= uint64(a.HostID())+account.IDCount {
				continue
			}
			row[i] = strconv.FormatUint(n-uint64(a.HostID()), 10)
			if row[i] == "0" && !strings.HasSuffix(title, "ID") || row[i] == "0" && title == "UID" && slices.Contains(p.Titles, "STIME") {
				row[i] = "root" // which ps -f calls UID, too
			}
		}
	}
}

// filterPS keeps the rows of ps's output whose PID is one of pids.
func filterPS(out string, pids []int) (Processes, error) {
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	p := Processes{Titles: strings.Fields(lines[0])}
	col := slices.Index(p.Titles, "PID")
	if col < 0 {
		return Processes{}, oops.Invalid("the ps arguments give no PID column, which is needed to find the container's processes")
	}
	for _, l := range lines[1:] {
		f := strings.Fields(l)
		if len(f) <= col {
			continue
		}
		pid, err := strconv.Atoi(f[col])
		if err != nil || !slices.Contains(pids, pid) {
			continue
		}
		// The last column is a command line, blanks and all.
		if n := len(p.Titles); len(f) > n {
			f = append(f[:n-1:n-1], strings.Join(f[n-1:], " "))
		}
		p.Rows = append(p.Rows, f)
	}
	return p, nil
}
