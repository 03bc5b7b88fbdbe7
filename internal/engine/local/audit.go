package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/docker/go-units"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/disk"
)

// helpers are the programs that hyperd starts, in the directory that --libexec names.
var helpers = []string{"runc", "containerd-shim-hyper-v2", "hyper-files", "hyper-git", "hyper-init"}

// AuditMachine implements engine.Auditor: the machine itself, its programs, its disk, and its network.
func (e *Engine) AuditMachine(ctx context.Context, meant func() []engine.Owner) ([]engine.Check, error) {
	info, err := e.Info(ctx)
	if err != nil {
		return nil, err
	}
	scarce, cannot := disk.RoomWarning(info.Room), e.cannotMapIDs(ctx)
	machine := engine.Check{Name: "machine", Fact: fmt.Sprintf("Linux %s on %s, control groups version %s, containerd %s, runc %s", info.KernelVersion, info.OperatingSystem, info.CgroupVersion, info.ContainerdVer, info.RuncVer)}
	for _, w := range info.Warnings {
		switch w {
		case scarce: // see below
		case cannot:
			machine.Findings = append(machine.Findings, problems(w)...)
		default:
			machine.Findings = append(machine.Findings, engine.Finding{Kind: engine.Note, Text: w})
		}
	}
	room := engine.Check{Name: "disk", Fact: fmt.Sprintf("%s of %s free; volumes, snapshots and root disks take %s and may take %s",
		size(info.Room.Free), size(info.Room.Total), size(info.Room.Used), size(info.Room.Promised))}
	if scarce != "" {
		room.Findings = problems(scarce)
	}
	strays, err := e.Disks.Audit(ctx, meant)
	if err != nil {
		return nil, err
	}
	network, err := e.Network.AuditMachine(ctx, meant)
	if err != nil {
		return nil, err
	}
	checks := []engine.Check{machine, {Name: "programs", Findings: problems(append(Missing(e.config.Libexec), e.MissingTools()...)...)}, room, {Name: "nobody's disks", Findings: strays}}
	return append(checks, network...), nil
}

// Missing are sentences about programs that hyperd starts and that are not there.
func Missing(libexec string) (list []string) {
	for _, name := range helpers {
		if fi, err := os.Stat(filepath.Join(libexec, name)); err != nil || fi.Mode()&0o111 == 0 {
			list = append(list, fmt.Sprintf("%s is missing in %s: install hyperd again, or name its directory by --libexec", name, libexec))
		}
	}
	if _, err := exec.LookPath("nft"); err != nil {
		list = append(list, "nft is not installed: install the package nftables")
	}
	return list
}

func problems(texts ...string) (list []engine.Finding) {
	for _, t := range texts {
		list = append(list, engine.Finding{Kind: engine.Problem, Text: t})
	}
	return list
}

func size(bytes uint64) string { return units.BytesSize(float64(bytes)) }
