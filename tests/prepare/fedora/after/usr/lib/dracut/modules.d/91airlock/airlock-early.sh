#!/bin/sh
# Written by airlock prepare; `airlock prepare --undo` takes it away.
airlock_early() {
    for function in "$@"; do
        device=/sys/bus/pci/devices/${function%=*}
        [ -e "$device/driver_override" ] || continue
        read -r vendor < "$device/vendor"
        read -r product < "$device/device"
        # Another card may have come to this address: it stays with the host.
        [ "$vendor:$product" = "${function#*=}" ] || continue
        echo vfio-pci > "$device/driver_override"
        # A driver that is built into the kernel was here before.
        if [ -e "$device/driver/unbind" ]; then
            echo "${function%=*}" > "$device/driver/unbind"
        fi
        echo "${function%=*}" > /sys/bus/pci/drivers_probe
    done
}

modprobe vfio-pci
airlock_early 0000:0a:00.0=0x8086:0x1521
