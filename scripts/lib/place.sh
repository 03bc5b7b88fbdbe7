# shellcheck shell=bash
# A place is a hyperd for the demo or the lab, with all that belongs to it:
#
#   DIR/data, DIR/state      its data, and logs and process ids
#   $run                     its sockets
#   /run/hyper-pools/N       a link to DIR: number N of the address pools is taken by this place

: "${root:?this file is sourced after common.sh}"

# place DIR NAME: names the variables that the functions below use. NAME is the run directory's for the default DIR.
place() {
	local default=/var/lib/hyper-$2
	dir=$(realpath -m "$1")
	case $dir in / | /var | /var/lib | /home | /root | /tmp | /var/tmp) die "$dir is not a directory to be removed later: choose another" ;; esac
	data=$dir/data
	state=$dir/state
	run=/run/hyper-$2
	[[ $dir == "$default" ]] || run+=-$(printf '%s' "$dir" | sha256sum | cut -c1-8)
	socket=$run/hyper.sock
	hyper=$root/bin/hyper
	hyperd=$root/bin/hyperd
	export HYPER_HOST=unix://$socket
}

# hyperd_answers: whether hyperd serves its socket.
hyperd_answers() { curl -fsS -m 5 -o /dev/null --unix-socket "$socket" http://hyper/_ping 2>/dev/null; }

# pools: takes a number for this place's address pools, and prints it. The ranges of another hyperd's own choice,
# 100.64 and 198.18.0, are left alone.
pools() {
	local n pool link=/run/hyper-pools
	mkdir -p "$link"
	for pool in "$link"/*; do
		if [[ $(readlink "$pool") == "$dir" ]]; then
			basename "$pool"
			return
		fi
	done
	for ((n = 1; n < 64; n++)); do
		[[ -z $(ip -4 route show table all root "100.$((64 + n)).0.0/16")$(ip -4 route show table all root "198.18.$n.0/24") ]] || continue
		if ln -s "$dir" "$link/$n" 2>/dev/null; then
			echo "$n"
			return
		fi
		# A place whose directory is gone needs its number no more.
		[[ -e $(readlink "$link/$n") ]] || rm -f "$link/$n"
	done
	die "no address pools are free on this machine"
}

# free_port: a TCP port of loopback on which nobody listens.
free_port() {
	local port
	for ((port = 6443; port < 6543; port++)); do
		if [[ -z $(ss -Hltn "sport = :$port") ]]; then
			echo "$port"
			return
		fi
	done
	die "no port from 6443 to 6542 is free on loopback"
}

# place_up MIRROR...: starts hyperd unless it runs. With $tls_port, it serves TLS on that port of loopback too.
place_up() {
	local n mirror args=() i
	if running "$state" hyperd && hyperd_answers; then
		return
	fi
	stop "$state" hyperd
	mkdir -p "$dir" "$state"
	chmod 711 "$dir"
	n=$(pools)
	for mirror; do
		args+=(--registry-mirror "$mirror")
	done
	if [[ -n ${tls_port:-} ]]; then
		args+=(--host "tcp://127.0.0.1:$tls_port" --fetch-allow 127.0.0.0/8) # what is tried here is served from here
	fi
	say "starting hyperd (data in $data)"
	start "$state" hyperd "$hyperd" --data-root "$data" --run-dir "$run" --host "unix://$socket" \
		--uplink-pool "100.$((64 + n)).0.0/16" --fip-pool "198.18.$n.0/24" "${args[@]}"
	for ((i = 0; i < 600; i++)); do
		if hyperd_answers; then
			return
		fi
		running "$state" hyperd || break
		sleep 0.1
	done
	tail -n 20 "$state/hyperd.log" >&2
	die "hyperd does not answer: see $state/hyperd.log"
}

# place_down: removes everything that this place has made on the machine.
place_down() {
	local ids pool
	if [[ ! -e $dir && ! -e $run ]]; then
		say "nothing to remove: $dir does not exist"
		return
	fi
	[[ -d $state ]] || die "$dir was not made by this script; it stays as it is"
	[[ -x $hyperd && -x $hyper ]] || "$root/scripts/build" all
	if hyperd_answers; then
		mapfile -t ids < <("$hyper" ps -aq)
		if ((${#ids[@]} > 0)); then
			say "removing ${#ids[@]} containers"
			"$hyper" rm -f -v "${ids[@]}" >/dev/null || say "not all containers could be removed; going on"
		fi
	fi
	stop "$state" hyperd
	if [[ -e $data ]]; then
		say "cleaning up"
		"$hyperd" cleanup --data-root "$data" --run-dir "$run" >>"$state/cleanup.log" 2>&1 || {
			tail -n 20 "$state/cleanup.log" >&2
			die "hyperd cleanup failed; $dir stays as it is"
		}
	fi
	"$root/scripts/registry" stop "$state"
	if grep -qE "^[^ ]+ ($dir|$run)/" /proc/self/mounts; then
		die "something is still mounted below $dir or $run; it stays as it is: $(grep -E "^[^ ]+ ($dir|$run)/" /proc/self/mounts)"
	fi
	rm -rf --one-file-system "$dir" "$run"
	for pool in /run/hyper-pools/*; do
		if [[ $(readlink "$pool") == "$dir" ]]; then
			rm -f "$pool"
		fi
	done
}
