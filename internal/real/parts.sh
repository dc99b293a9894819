#!/bin/sh
# The servers that the tests of this folder start, and other people's SPF that
# internal/peers compares with: installs what is missing where it may (as root, on a
# system with apt-get; one is built with Go), and says what is missing after that.
#
#   parts.sh           install, then say
#   parts.sh missing   only say
set -u
bin=$(cd "$(dirname "$0")/../.." && pwd)/bin
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/dovecot:$bin

# program:package, or file:package for what is no program
parts="nsd:nsd unbound:unbound kzonesign:knot-dnssecutils keymgr:knot
nginx:nginx-light postfix:postfix dovecot:dovecot-imapd pop3-login:dovecot-pop3d
promtool:prometheus systemd-analyze:systemd flock:util-linux openssl:openssl pebble:
/usr/lib/python3/dist-packages/spf.py:python3-spf /usr/lib/python3/dist-packages/dns/resolver.py:python3-dnspython
/usr/share/perl5/Mail/SPF.pm:libmail-spf-perl"

# The ACME server that is in no Debian: built, where there is Go.
pebble=github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1

# missing prints the programs and files that are not there, or with "packages" what they come in.
missing() {
	for part in $parts; do
		case $part in
		/*) [ -e "${part%:*}" ] && continue ;;
		*) command -v "${part%:*}" >/dev/null 2>&1 && continue ;;
		esac
		if [ "${1:-}" = packages ]; then echo "${part#*:}"; else echo "${part%:*}"; fi
	done
}

install() {
	export DEBIAN_FRONTEND=noninteractive
	# The packages' own daemons are not to start: this is how Debian is told.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
		trap 'exit 1' HUP INT TERM
	fi
	# One after the other: Debian's releases put kzonesign into different packages.
	apt-get update -qq >/dev/null 2>&1
	for package in $(missing packages); do
		apt-get install -y -qq --no-install-recommends "$package" </dev/null >/dev/null 2>&1
	done
}

if [ "${1:-}" != missing ] && ! command -v pebble >/dev/null 2>&1 && command -v go >/dev/null 2>&1; then
	GOBIN=$bin go install $pebble >/dev/null 2>&1
fi
if [ "${1:-}" != missing ] && [ -n "$(missing packages)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	install
fi
for program in $(missing); do
	echo "not run: tests that need $program, which is not installed"
done
exit 0
