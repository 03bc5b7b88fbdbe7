# shellcheck shell=bash
# What the scripts share: where things are, how to speak, how to keep a process in the background.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # for those who source this
tools=$root/build # programs that only development needs

say() { printf '%s\n' "$*" >&2; }
die() {
	say "$(basename "$0"): $*"
	exit 1
}

# need_root WHAT: ends here unless this is root.
need_root() {
	((EUID == 0)) || die "$1 makes namespaces, mounts and firewall rules: run it as root (sudo make ...)"
}

# need_go: ends here unless a Go that can build this project is there.
need_go() {
	local want have
	command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
	want=$(sed -n 's/^go //p' "$root/go.mod")
	command -v go >/dev/null ||
		die "Go is missing: install Go $want or newer from https://go.dev/dl and put it on the PATH."
	have=$(cd "$root" && go env GOVERSION 2>/dev/null) || have=
	have=${have#go}
	if [[ -z $have || $(printf '%s\n' "$want" "${have%% *}" | sort -V | head -n 1) != "$want" ]]; then
		die "Go ${have:-on the PATH} is too old: install Go $want or newer from https://go.dev/dl and put it first on the PATH."
	fi
}

# start_time PID: when the process began, in clock ticks; with the id it names one process for ever.
start_time() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	# The second field is the program's name in parentheses and may hold anything.
	read -r -a stat <<<"${stat##*) }"
	[[ ${stat[0]} != Z ]] || return 1
	printf '%s' "${stat[19]}"
}

# running DIR NAME: whether the process that start has left in DIR is alive.
running() {
	local pid began
	[[ -r $1/$2.pid ]] || return 1
	read -r pid began <"$1/$2.pid" || return 1
	[[ -n $began && $(start_time "$pid") == "$began" ]]
}

# start DIR NAME COMMAND...: runs it in the background; its output goes to DIR/NAME.log, its id to DIR/NAME.pid.
start() {
	local dir=$1 name=$2 pid
	shift 2
	mkdir -p "$dir"
	setsid "$@" </dev/null >>"$dir/$name.log" 2>&1 &
	pid=$!
	printf '%s %s\n' "$pid" "$(start_time "$pid" || true)" >"$dir/$name.pid"
}

# stop DIR NAME: ends it, by force after half a minute.
stop() {
	local pid i
	if running "$1" "$2"; then
		read -r pid _ <"$1/$2.pid"
		kill "$pid"
		for ((i = 0; i < 300; i++)); do
			running "$1" "$2" || break
			sleep 0.1
		done
		if running "$1" "$2"; then
			say "$2 did not end within 30 seconds; killing it"
			kill -KILL "$pid"
			sleep 0.2
		fi
	fi
	rm -f "$1/$2.pid"
}
