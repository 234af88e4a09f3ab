#!/usr/bin/env bash
# machine.sh COMMAND…: runs a command on a machine of its own: a network with nothing but loopback, where every port is
# free, and system folders whose changes are forgotten at the end. Needs root, or sudo.
set -euo pipefail

if [ "${AUTHER_DOCS_MACHINE:-}" != made ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo --preserve-env); fi
  "${as_root[@]}" unshare --net --mount true || { echo 'The documentation is run with namespaces of its own: this needs root.' >&2; exit 1; }
  AUTHER_DOCS_MACHINE=made exec "${as_root[@]}" unshare --net --mount --fork bash "$0" "$@"
fi

mount --make-rprivate /
changes=$(mktemp -d)
mount -t tmpfs changes "$changes"
for folder in /etc /usr/local /var/lib /usr/share; do
  mkdir -p "$changes$folder"/{upper,work}
  mount -t overlay overlay -o "lowerdir=$folder,upperdir=$changes$folder/upper,workdir=$changes$folder/work" "$folder"
done
mkdir "$changes/home" "$changes/tmp"
export HOME=$changes/home AUTHER_DOCS_FOLDER=$changes/tmp
# No ip(8) on a bare machine.
if command -v ip >/dev/null; then ip link set lo up; else python3 - <<'PY'
import fcntl, socket, struct
with socket.socket() as one:  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING (netdevice(7))
    fcntl.ioctl(one, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
PY
fi
echo '127.0.0.1 localhost auth.example.com app.example.com' >/etc/hosts
echo '::1 localhost' >>/etc/hosts
exec "$@"
