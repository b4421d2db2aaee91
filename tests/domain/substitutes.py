# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stands in for the parts of a host that a command line names and a test machine lacks: GPUs,
input devices, USB devices, a TPM, the server of a shared memory."""
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

# Backends that need a sound server, or a device of the host.
SOUND_HOSTS = ("alsa", "jack", "oss", "pa", "pipewire")


def free_display():
    """A VNC display and a port, both free a moment ago."""
    for display in range(100, 1000):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", 5900 + display))
            except OSError:
                continue
        return display
    raise OSError("no free port")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def adapt_vnc(value, stage):
    """Without a listening port unless a websocket needs one; passwords come over QMP."""
    value = value.replace(",password=on", "")
    if value.startswith("unix:"):
        return re.sub(r"^unix:(,,|[^,])*", f"unix:{stage.name()}", value)
    if value == "none" or value.startswith("none,"):
        return value
    rest = value[value.index(","):] if "," in value else ""
    if "websocket=" not in rest:
        return "none" + rest
    return f"127.0.0.1:{free_display()}" + re.sub(r"websocket=\d+", f"websocket={free_port()}", rest)


def adapt_spice(value, stage):
    if "unix=on" in value:
        value = re.sub(r"addr=(,,|[^,])*", f"addr={stage.name()}", value)
    value = re.sub(r"port=[1-9]\d*", lambda _: f"port={free_port()}", value)
    return re.sub(r",(gl=on|rendernode=[^,]*)", "", value)


def adapt_display(value):
    """No GPU renders, and no bus runs: a peer is waited for instead."""
    if value.startswith("egl-headless"):
        return "none"
    value = re.sub(r",(gl=on|rendernode=[^,]*)", "", value)
    return re.sub(r",addr=(,,|[^,])*", ",p2p=on", value)


def adapt_device(data):
    """The same place and the same virtio options, with a device that needs nothing of the host."""
    driver = data["driver"]
    if driver == "usb-host":
        return {"driver": "usb-tablet", **{key: data[key] for key in ("id", "bus", "port")}}
    if driver.startswith("virtio-input-host"):
        data["driver"] = "virtio-tablet-pci"
        del data["evdev"]
    elif driver.startswith("vhost-vsock"):
        data["driver"] = "virtio-rng-pci" + driver.removeprefix("vhost-vsock-pci")
        del data["guest-cid"], data["vhostfd"]
    if data.get("blob") and not os.path.exists("/dev/udmabuf"):
        data["blob"] = False
    if driver in ("virtio-vga-gl", "virtio-gpu-gl-pci"):
        data["driver"] = driver.replace("-gl", "")
    return data


def adapt_object(data, stage):
    if data["qom-type"] == "input-linux":
        return {"qom-type": "rng-builtin", "id": data["id"]}
    if data["qom-type"] == "memory-backend-file" and data.get("share"):
        data["mem-path"] = stage.name()
    return data


def adapt_audiodev(data):
    """Their own options are checked by QEMU's schema even so: a driver that is not there differs."""
    if data["driver"] in SOUND_HOSTS:
        known = {"timer-period", "in", "out"}
        common = {"mixing-engine", "fixed-settings", "voices", "buffer-length", "frequency",
                  "channels", "format"}
        data = {"driver": "none", **{key: data[key] for key in data if key in known | {"id"}}}
        for side in ("in", "out"):
            if side in data:
                data[side] = {key: data[side][key] for key in data[side] if key in common}
    return data


def start_tpm(stage):
    """The control socket of a swtpm; QEMU refuses what does not answer as one."""
    path, state = stage.name(), stage.name()
    os.mkdir(state)
    program = subprocess.Popen([shutil.which("swtpm") or "swtpm", "socket", "--tpm2", "--terminate",
                                "--tpmstate", f"dir={state}",
                                "--ctrl", f"type=unixio,path={path}"])
    stage.programs.append(program)
    while not os.path.exists(path) and program.poll() is None:
        time.sleep(0.01)
    return path


def adapt_tpm(value):
    """The host's own is an emulated one on the stream "hosttpm"."""
    return re.sub(r"^passthrough,(id=[^,]*).*", r"emulator,\1,chardev=hosttpm", value)


def serve_shmem(sock):
    """The server's side of the handshake (QEMU, docs/specs/ivshmem-spec): version, the peer's number,
    the memory."""
    peers = []  # QEMU ends when the socket does
    while True:
        try:
            peer, _ = sock.accept()
        except OSError:
            return
        memory = os.memfd_create("shmem")
        os.truncate(memory, 1 << 20)
        peer.sendall(struct.pack("<qq", 0, 1))
        socket.send_fds(peer, [struct.pack("<q", -1)], [memory])
        # The peer's own interrupt vectors.
        for _ in range(32):
            socket.send_fds(peer, [struct.pack("<q", 1)], [os.eventfd(0)])
        peers.append(peer)


def start_shmem(stage):
    path = stage.name()
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(8)
    stage.open.append(sock)
    threading.Thread(target=serve_shmem, args=(sock,), daemon=True).start()
    return path


# Clients of programs that the guest's start runs: by the name of the stream.
SERVERS = {"chartpm": start_tpm, "charshmem": start_shmem}


def adapt_client(parts, stage):
    """The options of a client whose server we know; None: it is none of these."""
    name = next((part[len("id="):] for part in parts if part.startswith("id=")), "")
    start = SERVERS.get(name.rstrip("0123456789"))
    return f"{parts[0]},id={name},path={start(stage)}" if start else None
