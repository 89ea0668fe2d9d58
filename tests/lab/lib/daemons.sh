# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Daemons on hosts, each with its configuration from standard input.

declare -A nhrpd_pid

# frr HOST <<conf: zebra and the daemons that the configuration speaks of.
frr() {
	local name=$1 conf daemon daemons=(zebra)
	conf=$(cat)
	case $conf in *'router bgp'*) daemons+=(bgpd) ;; esac
	case $conf in *'router ospf'$'\n'* | *'ip ospf'*) daemons+=(ospfd) ;; esac
	case $conf in *'router eigrp'*) daemons+=(eigrpd) ;; esac
	case $conf in *'ip route '*) daemons+=(staticd) ;; esac
	case $conf in *'bfd'*) daemons+=(bfdd) ;; esac
	case $conf in *'nhrp '*) daemons+=(nhrpd) ;; esac
	# FRR refuses root and wants its folders to be its own.
	on "$name" sh -c 'mkdir -p /run/frr /var/log/frr &&
		cat > /etc/frr/frr.conf &&
		touch /etc/frr/vtysh.conf /var/log/frr/frr.log &&
		chown -R frr:frr /run/frr /var/log/frr /etc/frr' <<-CONF
		log file /var/log/frr/frr.log
		$conf
	CONF
	for daemon in "${daemons[@]}"; do
		on "$name" "/usr/lib/frr/$daemon" -d -F traditional -P 0
	done
	on "$name" vtysh -b
}

# bird HOST <<conf
bird() {
	on "$1" sh -c 'mkdir -p /run/bird /etc/bird && cat > /etc/bird/bird.conf &&
		exec /usr/sbin/bird -D /var/log/bird.log -c /etc/bird/bird.conf'
}

# nhrpd HOST [OPTION...] <<conf: keeps its log in $LAB_OUT/HOST-nhrpd.log.
# Without a new configuration (standard input from /dev/null): as it was.
nhrpd() {
	local name=$1 conf
	shift
	conf=$(cat)
	[ -z "$conf" ] || on "$name" tee /etc/nhrpd.conf <<< "$conf" > /dev/null
	(exec nsenter -t "${host_pid[$name]}" -n -m -u -- "$build/bin/nhrpd" "$@") \
		< /dev/null >> "$LAB_OUT/$name-nhrpd.log" 2>&1 &
	nhrpd_pid[$name]=$!
}

# nhrpd_kill HOST [SIGNAL]: and waits for its end if the signal ends it.
nhrpd_kill() {
	local pid=${nhrpd_pid[$1]} signal=${2:-KILL}
	kill "-$signal" "$pid"
	case $signal in
	KILL | TERM | INT) wait "$pid" || true ;;
	esac
}
