#!/bin/sh
# Written by airlock prepare; `airlock prepare --undo` takes it away.
airlock_early() {
    read -r line < /proc/cmdline
    case " $line " in *' airlock.early=off '*) return ;; esac
    for function in "$@"; do
        device=${function%=*}
        [ -e "$device/driver_override" ] || continue
        read -r vendor < "$device/vendor"
        read -r product < "$device/device"
        # Another card may have come to this place: it stays with the host.
        [ "$vendor:$product" = "${function#*=}" ] || continue
        echo vfio-pci > "$device/driver_override"
        # A driver that is built into the kernel was here before.
        if [ -e "$device/driver/unbind" ]; then
            echo "${device##*/}" > "$device/driver/unbind"
        fi
        echo "${device##*/}" > /sys/bus/pci/drivers_probe
    done
}

modprobe vfio-pci
airlock_early /sys/devices/pci0000:00/0000:0a:00.0=0x8086:0x1521
