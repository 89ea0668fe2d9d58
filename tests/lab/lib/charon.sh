# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# strongSwan's charon on hosts, with nothing but secrets in its files: nhrpd
# loads the connections.

declare -A charon_pid

# charon_conf HOST <<secrets: the drop-in that the documentation asks for, and
# swanctl.conf from standard input.
charon_conf() {
	on "$1" sh -c 'cat > /etc/strongswan.conf' <<-CONF
		charon-systemd {
			load = random nonce aes sha1 sha2 hmac kdf drbg gcm openssl kernel-netlink socket-default vici pem pkcs1 x509 pubkey
			$(sed -n '/^charon {/,/^}/{//!p}' "$LAB_REPO/nhrpd/strongswan.conf")
			filelog { log { path = /var/log/charon.log
				default = 1
				flush_line = yes } }
		}
		swanctl { load = random nonce aes sha1 sha2 hmac openssl pem pkcs1 x509 pubkey }
	CONF
	on "$1" sh -c 'cat > /etc/swanctl/swanctl.conf'
}

# charon HOST: runs, and has its secrets
charon() {
	(exec nsenter -t "${host_pid[$1]}" -n -m -u -- /usr/sbin/charon-systemd) \
		< /dev/null >> "$LAB_OUT/$1-charon.out" 2>&1 &
	charon_pid[$1]=$!
	eventually 20 "charon of $1 has its secrets" on "$1" swanctl --load-creds
}

# charon_kill HOST [SIGNAL]: and waits for its end
charon_kill() {
	kill "-${2:-KILL}" "${charon_pid[$1]}"
	wait "${charon_pid[$1]}" || true
}
