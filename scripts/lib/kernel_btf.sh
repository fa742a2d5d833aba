# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The BTF of a kernel that does not run here, from Debian's package of it. Wants common.sh sourced
# before it.

lib_dir=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/lib/private_apt.sh
. "$lib_dir/private_apt.sh"
debian_suite=${DEBIAN_SUITE:-trixie-backports}

# newest_kernel_package DEBIAN_ARCH: the package with the image, which the meta-package leads to;
# from 7.0 on the image is in linux-binary-*, before that in linux-image-* itself.
newest_kernel_package() {
    local image binary
    image=$(first_dependency "linux-image-cloud-$1" 'linux-image-[0-9]')
    [[ $image ]] || die "$debian_suite has no kernel for $1"
    binary=$(first_dependency "$image" 'linux-binary-')
    printf '%s\n' "${binary:-$image}"
}

# first_dependency PACKAGE PATTERN: the first package it depends on whose name begins so.
first_dependency() {
    apt-cache depends "$1" | awk -v pattern="^$2" '
        !found && $1 == "Depends:" && $2 ~ pattern { found = $2 }
        END { print found }'
}

# fetch_kernel_btf SCRATCH DEBIAN_ARCH OUT: downloads the kernel and writes its BTF to OUT.
# Prints the package's name.
fetch_kernel_btf() {
    local scratch=$1 arch=$2 out=$3 package
    private_apt "$scratch" "$arch" "$debian_suite"
    package=$(newest_kernel_package "$arch")
    (cd "$scratch" && apt-get download -qq "$package")
    dpkg-deb --fsys-tarfile "$scratch/$package"_*.deb |
        tar -x -O --wildcards './boot/vmlinuz-*' './usr/lib/modules/*/vmlinuz' \
            >"$scratch/vmlinuz" 2>"$scratch/tar.err" || [[ -s $scratch/vmlinuz ]] ||
        die "no kernel image in $package: $(cat "$scratch/tar.err")"
    python3 "$lib_dir/btf_of_image.py" "$scratch/vmlinuz" "$out"
    printf '%s\n' "$package"
}
