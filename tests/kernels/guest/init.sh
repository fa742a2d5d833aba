#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The guest's first process: mounts, loads modules, runs /tests one by one, says
# the outcome of each on the console (a line that begins with @@), sends /out as
# a tar archive over the second serial port and powers off.
/bin/busybox mkdir -p /bin /proc /sys /dev /tmp /out /run
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs security /sys/kernel/security 2>/dev/null
mkdir -p /run/netns
chmod 1777 /tmp
ip link set lo up
for module in /modules/inet_diag.ko /modules/*.ko; do
    [ -e "$module" ] && insmod "$module" 2>/dev/null
done
ulimit -n 65536
echo "@@ BOOT $(uname -r)"
if grep -q -w tcpledger.shell /proc/cmdline; then
    echo "The tests are in /tests; powering off ends the guest."
    setsid cttyhack sh
    poweroff -f
fi
# Each line of /tests: name, seconds allowed, command.
while read -r name seconds command; do
    echo "@@ RUN $name"
    timeout -s KILL "$seconds" sh -c "$command" >"/out/$name.out" 2>"/out/$name.err" </dev/null
    status=$?
    read -r seconds_up _ </proc/uptime
    echo "@@ END $name $status at $seconds_up s"
done </tests
dmesg >/out/dmesg
stty -F /dev/ttyS1 raw -echo 2>/dev/null
tar -c -C /out . >/dev/ttyS1
echo "@@ DONE"
poweroff -f
