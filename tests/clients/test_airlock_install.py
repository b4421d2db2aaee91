# SPDX-License-Identifier: LGPL-2.1-or-later
"""airlock install: the XML that stock virt-install writes, and real installations from a small tree."""

import collections
import concurrent.futures
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator

import pytest
from daemons import Daemon, airlockd_path
from installing import MEDIUM, TREE, UP, SerialLog

PROGRAM = airlockd_path().parent.parent / "install" / "airlock-install"
HERE = pathlib.Path(__file__).resolve().parent
DEVICES = sorted(path.name for path in pathlib.Path("/sys/bus/pci/devices").glob("*"))

LIMIT = 240  # seconds, on a machine that has other things to do

pytestmark = [
    pytest.mark.only("airlockd"),
    pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built"),
]


class Tree:
    """The lab's install tree, with a .treeinfo of its own."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        (path / "images").symlink_to(TREE / "images")
        (path / ".treeinfo").write_text((TREE / ".treeinfo").read_text())

    def break_sum(self, of: str) -> None:
        info = self.path / ".treeinfo"
        info.write_text(re.sub(f"({of}) = sha256:.*", rf"\1 = sha256:{'0' * 64}", info.read_text()))


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> Tree:
    if not MEDIUM.exists():
        pytest.skip(f"{MEDIUM} is not made: ./dev build")
    path = tmp_path / "tree"
    path.mkdir()
    return Tree(path)


class Server(http.server.ThreadingHTTPServer):
    """Serves a tree on loopback. slow: it stops after this many bytes of a file, until it is told to go on."""

    daemon_threads = True

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.slow: int | None = None
        self.ranges: list[str] = []
        self.stopped = threading.Event()
        self.go_on = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.server.root / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        data, start = path.read_bytes(), 0
        tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        asked = self.headers.get("Range")
        if asked and self.headers.get("If-Range", tag) == tag:
            self.server.ranges.append(asked)
            start = int(re.fullmatch(r"bytes=(\d+)-", asked).group(1))
        self.send_response(206 if start else 200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        rest = data[start:]
        with contextlib.suppress(ConnectionError):
            slow = self.server.slow
            if slow is not None and len(rest) > slow:
                self.wfile.write(rest[:slow])
                self.wfile.flush()
                self.server.stopped.set()
                self.server.go_on.wait(LIMIT)
                rest = rest[slow:]
            self.wfile.write(rest)


@pytest.fixture
def server(tree: Tree) -> Iterator[Server]:
    with Server(tree.path) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.go_on.set()
        server.shutdown()


class Install:
    """airlock-install on one daemon, with a cache of its own."""

    def __init__(self, daemon: Daemon, directory: pathlib.Path) -> None:
        self.uri = daemon.uri
        self.cache = directory / "cache"
        self.images = directory / "images"
        self.images.mkdir()
        self.env = {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "no_proxy": "*",
            "AIRLOCK_INSTALL_DIR": str(self.cache),
        }

    def command(self, *words: object) -> list[str]:
        return [str(PROGRAM), "--connect", self.uri, *map(str, words)]

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=LIMIT,
            env=self.env,
            stdin=subprocess.DEVNULL,
        )

    def start(self, *words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
        )

    def left(self) -> list[str]:
        """What stays in the cache and among the images."""
        return sorted(path.name for path in [*self.cache.glob("*"), *self.images.glob("*")])


@pytest.fixture
def install(virsh, daemon: Daemon, tmp_path: pathlib.Path) -> Iterator[Install]:
    yield Install(daemon, tmp_path)
    for pool in virsh("pool-list", "--all", "--name").split():
        virsh.run("pool-destroy", pool)
        virsh.run("pool-undefine", pool)


def guest_options(name: str) -> list[str]:
    return (
        f"--name {name} --memory 256 --virt-type qemu --nonetworks --graphics none --osinfo rhel8.0 "
        "--machine pc --noautoconsole"
    ).split()


def wait_for(what: str, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=LIMIT)
    return process.returncode, output, errors


# Beside virt-install: the same XML, for both steps of an installation.

SMALL = "--name g --memory 512 --import --osinfo rhel7.0 --graphics none --network none --disk none"
BIG = "--name g --memory 512 --import --osinfo rhel8.0 --graphics none --network none"
SAME = [
    "--name g --memory 512 --disk none --import --osinfo generic",
    "--name g --memory 512 --disk none --import --osinfo win11",
    "--name g --memory 512 --disk none --import --osinfo debian11 --virt-type qemu --machine pc",
    "--name guest1-rhel7-64 --disk path=IMAGES/guest1-rhel7-64.img,size=8 --vcpus=2 --ram=2048 --pxe "
    "--nonetworks --os-type=linux --os-variant=rhel7.0 --host-device=DEVICE",
    f"{SMALL} --rng none --memballoon none --tpm none --channel none --console none --cpu none",
    f"{SMALL} --memory memory=1024,currentMemory=512,hugepages=on --vcpus sockets=2,cores=2,threads=1 "
    "--metadata title=text,description=a,b,uuid=0d1b8f7d-1111-4c1e-8f6a-3c8c2f1a2b3c "
    "--events on_poweroff=destroy,on_crash=restart --clock offset=localtime --pm suspend_to_mem=on "
    "--features acpi=off,smm.state=on,kvm.hidden.state=on --memorybacking hugepages=on,locked=on",
    f"{SMALL} --cpu host-passthrough,migratable=on,cache.mode=passthrough --features hyperv_vapic=on "
    "--boot hd,cdrom,network,menu=on,useserial=on "
    "--controller type=scsi,model=virtio-scsi --controller usb3 --controller usb2 "
    "--input keyboard,bus=usb --input tablet --input mouse "
    "--serial pty --serial file,path=/tmp/s.log --serial unix,path=/tmp/s.sock,mode=bind "
    "--console pty,target.type=virtio --channel unix,path=/x,target.type=virtio,target.name=org.x "
    "--rng /dev/hwrng,rate.bytes=1024,rate.period=100 --watchdog default,action=poweroff",
    f"{SMALL} --vcpus 4,sockets=2 --cpu host-model,+x2apic,-vmx "
    "--boot kernel=/boot/vmlinuz,initrd=/boot/initrd,cmdline=console=ttyS0,115200 "
    "--tpm emulator,model=tpm-tis,version=2.0 --video virtio,heads=2 --sound ich9 --panic default "
    "--vsock cid.auto=yes --iothreads 2 --redirdev usb,type=spicevmc --smartcard passthrough",
    f"{SMALL} --memory 1024,maxmemory=2048 --vcpus 2,maxvcpus=4,cpuset=0-1 "
    "--boot loader=/x/code.fd,loader.readonly=yes,loader.type=pflash,nvram.template=/x/vars.fd "
    "--tpm /dev/tpm0 --memballoon virtio,autodeflate=on,stats.period=10 "
    "--hostdev DEVICE,rom.bar=off,address.type=pci,address.slot=9,boot.order=1",
    f"{SMALL} --boot uefi --machine q35 "
    "--iommu model=intel,driver.intremap=on --controller num_pcie_root_ports=3 "
    "--xml ./cpu/@mode=host-model --xml xpath.delete=./pm",
    "--name g --memory 512 --import --osinfo rhel8.0 --disk none --graphics spice,listen=none "
    "--network network=default,model=e1000e,mac=52:54:00:11:22:33",
    "--name g --memory 512 --import --osinfo rhel8.0 --disk none "
    "--graphics vnc,port=5905,listen=0.0.0.0,password=secret,keymap=de "
    "--network bridge=br0,link.state=down,mtu.size=9000,rom.bar=off --network user,model=rtl8139 "
    "--network type=direct,source=eth0,source.mode=bridge",
    f"{BIG} --disk IMAGES/disk.raw,bus=scsi,cache=none,io=native,discard=unmap,serial=abc "
    "--disk IMAGES/disk.qcow2,format=qcow2,bus=sata,readonly=on --disk device=cdrom --disk device=floppy",
    f"{BIG} --disk source.protocol=nbd,source.host.name=h,source.host.port=10809,source.name=x,type=network",
    f"{BIG} --disk IMAGES/new.qcow2,size=2,sparse=no,format=qcow2 --disk IMAGES/new.img,size=0.5,format=raw",
    f"{BIG} --disk IMAGES/disk.raw --cdrom IMAGES/cd.iso".replace("--import ", ""),
    f"{BIG} --disk IMAGES/disk.raw --cdrom IMAGES/cd.iso --install no_install=yes".replace("--import ", ""),
    f"{BIG} --disk IMAGES/disk.raw --pxe".replace("--import ", ""),
]


def facts(text: str) -> list[collections.Counter[str]]:
    """Each document as the set of its elements with where they stand; what is made by chance is left out."""

    def walk(element: ElementTree.Element, above: str) -> Iterator[str]:
        attributes = " ".join(f"{name}={value}" for name, value in sorted(element.attrib.items()))
        me = f"{above}/{element.tag} {attributes} {(element.text or '').strip()}".rstrip()
        yield me
        for child in element:
            yield from walk(child, "" if element.tag in ("domain", "devices") else me)

    root = ElementTree.fromstring(f"<all>{text}</all>")
    for mac in root.iter("mac"):
        mac.set("address", "any")
    for domain in root:
        domain.find("uuid").text = "any"
    return [collections.Counter(walk(domain, "")) for domain in root]


@pytest.mark.skipif(not shutil.which("virt-install"), reason="virt-install is not installed")
@pytest.mark.skipif(not DEVICES, reason="this machine has no PCI bus")
def test_the_xml_is_that_of_virt_install(install):
    for name in ("disk.raw", "cd.iso"):
        (install.images / name).write_bytes(bytes(1 << 20))
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", install.images / "disk.qcow2", "1M"], check=True
    )
    device = "pci_" + re.sub("[:.]", "_", DEVICES[-1])
    lines = [line.replace("IMAGES", str(install.images)).replace("DEVICE", device) for line in SAME]
    words = [[*line.split(), "--connect", install.uri, "--dry-run", "--print-xml"] for line in lines]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        stock = pool.submit(
            subprocess.run,
            ["/usr/bin/python3", HERE / "stock_install.py"],
            input=json.dumps(words),
            capture_output=True,
            text=True,
            check=True,
        )
        ours = list(pool.map(lambda line: install.run(*line.split(), "--dry-run", "--print-xml"), lines))
    different = {}
    for line, mine, theirs in zip(lines, ours, json.loads(stock.result().stdout), strict=True):
        assert theirs and mine.returncode == 0, (line, mine)
        for a, b in zip(facts(mine.stdout), facts(theirs), strict=True):
            if a != b:
                different[line] = {"ours": [*(a - b)], "stock": [*(b - a)]}
    assert different == {}


@pytest.mark.skipif(not DEVICES, reason="this machine has no PCI bus")
def test_the_guides_command_line(install, server):
    device = "pci_" + re.sub("[:.]", "_", DEVICES[-1])
    line = (
        f"--name=guest1-rhel7-64 --disk path={install.images}/guest1-rhel7-64.img,size=8 --vcpus=2 --ram=2048 "
        f"--location={server.url} --nonetworks --os-type=linux --os-variant=rhel7 --host-device={device}"
    ).split()
    first = install.run(*line, "--print-xml", "1")
    assert first.returncode == 0, first
    root = ElementTree.fromstring(first.stdout)
    assert root.find("devices/hostdev").get("managed") == "yes"
    assert root.find("os/cmdline").text == f"inst.repo={server.url}"
    assert root.findtext("on_reboot") == "destroy"
    assert root.find("devices/interface") is None
    second = ElementTree.fromstring(install.run(*line, "--print-xml", "2").stdout)
    assert second.find("os/kernel") is None and second.find("os/boot").get("dev") == "hd"
    assert install.run(*line, "--dry-run").returncode == 0
    assert install.left() == []


@pytest.mark.parametrize(
    "words, message",
    [
        (["--nmae", "x"], "did you mean --name?"),
        (["--disk", "pth=/x"], "did you mean 'path'?"),
        (["--osinfo", "rhel7.00"], "did you mean 'rhel7.0'?"),
        (["--unattended"], "--unattended is not served"),
        (["--hostdev", "0000:ff:1f.7"], "the host has no device '0000:ff:1f.7'"),
        (["--disk", "/nowhere/x.img"], "to make one, say how large"),
        (["--import", "--pxe"], "do not go together"),
        (["--location", "ftp://127.0.0.1/x"], "only http and https"),
        (["--memory", "much"], "no number of MiB"),
        (["--import=yes"], "'--import' takes no value"),
        (["--memory", "512", "--disk", "none", "--import", "--vcpus", "2,sockets=4"], "the topology has 4 processors"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_out(install, words, message):
    done = install.run("--name", "x", "--osinfo", "rhel7.0", *words, "--print-xml")
    assert done.returncode == 1 and message in done.stderr, done


def test_help_lists_sub_options(install):
    assert "  path\n" in install.run("--disk", "help").stdout
    assert "--host" not in install.run("--help").stdout.replace("--hostdev", "")
    assert "rhel7.0\n" in install.run("--osinfo", "list").stdout


# Installations.


@pytest.fixture
def answers(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "answers"
    path.write_text("all defaults")
    return path


def test_a_guest_is_installed_and_boots_what_was_installed(virsh, install, server, answers, name, tmp_path):
    log = SerialLog(tmp_path / "serial.log")
    done = install.run(
        *guest_options(name),
        *("--location", server.url),
        *("--disk", f"path={install.images}/{name}.img,size=0.1,format=raw,bus=virtio"),
        *("--initrd-inject", answers, "--extra-args", "console=ttyS0 quiet panic=1"),
        *("--serial", log.option, "--wait", "5", "--check", "all=off"),
    )
    assert done.returncode == 0, done
    assert "installer: answers all defaults" in log.wait(UP + "tree")
    assert virsh("domstate", name) == "running"
    assert "kernel" not in virsh("dumpxml", name, "--inactive")
    assert install.left() == [f"{name}.img"]


def test_on_a_terminal_the_installer_is_seen(virsh, install, tree, name):
    """From a directory, by way of the airlock command."""
    pexpect = pytest.importorskip("pexpect", reason="python3-pexpect is not installed")
    words = [word for word in guest_options(name) if word != "--noautoconsole"]
    terminal = pexpect.spawn(
        str(PROGRAM.parent.parent / "cli" / "airlock"),
        ["-c", install.uri, "install", *words]
        + ["--location", str(tree.path), "--disk", f"path={install.images}/{name}.img,size=0.1,bus=virtio"]
        + ["--extra-args", "console=ttyS0 quiet panic=1"],
        timeout=LIMIT,
        env=install.env,
    )
    for text in ("Escape character", "installer: done vda", "Starting guest", "Escape character"):
        terminal.expect(text)
    terminal.send("\x1d")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert virsh("domstate", name) == "running"


def test_a_download_goes_on_where_ctrl_c_stopped_it(install, server, name):
    server.slow = 100000
    words = [*guest_options(name), "--location", server.url, "--disk", "none"]
    process = install.start(*words)
    assert server.stopped.wait(LIMIT)
    # All that was sent is taken in.
    wait_for("the part", lambda: sum(path.stat().st_size for path in install.cache.glob("*.part")) == 100000)
    status, _, errors = interrupt(process)
    assert status == 130 and "Nothing half-made stays" in errors, errors
    assert [name.endswith(".part") for name in install.left()].count(True) == 1
    server.slow = None
    server.go_on.set()
    done = install.run(*words, "--wait", "0")
    assert done.returncode == 0, done
    assert server.ranges == ["bytes=100000-"]
    assert install.left() == []


def test_a_file_that_is_not_what_the_tree_says_is_refused_and_removed(virsh, install, server, tree, name):
    tree.break_sum("images/pxeboot/initrd.img")
    done = install.run(
        *guest_options(name),
        *("--location", server.url, "--disk", f"path={install.images}/{name}.img,size=1"),
    )
    assert done.returncode == 1
    assert f"{server.url}/images/pxeboot/initrd.img is not what the tree says" in done.stderr
    assert install.left() == []
    assert name not in virsh("list", "--all", "--name")


def test_a_file_that_the_server_has_not_is_named_with_its_address(install, server, name):
    done = install.run(
        *guest_options(name),
        *("--location", f"{server.url},kernel=no/kernel,initrd=no/initrd", "--disk", "none"),
    )
    assert done.returncode == 1
    assert f"404 to {server.url}/no/kernel" in done.stderr
    nothing = install.run(*guest_options(name), "--location", f"{server.url}/nowhere", "--disk", "none")
    assert "no installer's kernel" in nothing.stderr


def stop_image_maker(volume: str, process: subprocess.Popen[str]) -> int | None:
    """Stops the qemu-img that makes the volume; None: the run was faster than this."""
    while process.poll() is None:
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (path / "cmdline").read_bytes()
                if line.startswith(b"/usr/bin/qemu-img") and volume.encode() in line:
                    os.kill(int(path.name), signal.SIGSTOP)
                    return int(path.name)
    return None


def test_ctrl_c_leaves_no_volume_in_half(virsh, install, name):
    for attempt in range(10):
        volume = f"{name}-{attempt}.qcow2"
        process = install.start(
            *guest_options(f"{name}-{attempt}"),
            *("--pxe", "--disk", f"path={install.images}/{volume},size=20,sparse=no,format=qcow2", "--wait", "0"),
        )
        maker = stop_image_maker(volume, process)
        if maker:
            break
        process.communicate()
    assert maker, "qemu-img was never seen"
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(ProcessLookupError):
        os.kill(maker, signal.SIGCONT)
    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 130 and "Nothing half-made stays" in errors, errors
    assert not (install.images / volume).exists()
    assert f"{name}-{attempt}" not in virsh("list", "--all", "--name").split()


def test_ctrl_c_while_the_installer_runs_takes_all_back(virsh, install, name):
    process = install.start(
        *guest_options(name), "--pxe", "--disk", f"path={install.images}/new/{name}.img,size=1", "--wait", "-1"
    )
    for line in process.stdout:
        if "Waiting" in line:
            break
    assert virsh("domstate", name) == "running"
    status, _, errors = interrupt(process)
    assert status == 130, errors
    for what in ("the definition of guest", "the start of guest", "the volume", "the directory", "the storage pool"):
        assert f"undone: {what}" in errors
    assert name not in virsh("list", "--all", "--name").split()
    assert virsh("pool-list", "--all", "--name") == "" and install.left() == []


def test_the_installation_outlives_its_terminal(virsh, install, name):
    process = install.start(
        *guest_options(name), "--pxe", "--disk", f"path={install.images}/{name}.img,size=1", "--wait"
    )
    for line in process.stdout:
        if "Waiting" in line:
            break
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=LIMIT)
    assert process.returncode == -signal.SIGHUP
    assert virsh("domstate", name) == "running" and install.left() == [f"{name}.img"]


def test_a_reader_that_goes_away_ends_nothing(virsh, install, name):
    process = install.start(*guest_options(name), "--import", "--disk", "none")
    process.stdout.close()
    assert process.wait(LIMIT) == 0
    assert virsh("domstate", name) == "running"


def test_a_file_that_the_pool_does_not_know_yet_is_not_touched(virsh, install, name):
    virsh("pool-define-as", "images", "dir", "--target", install.images)
    virsh("pool-start", "images")
    other = install.images / f"{name}.qcow2"
    other.write_text("somebody's")
    done = install.run(*guest_options(name), "--pxe", "--disk", "pool=images,size=1", "--wait", "0")
    assert done.returncode == 1 and f"there is a volume '{name}.qcow2'" in done.stderr, done
    assert other.read_text() == "somebody's"


def test_two_runs_share_a_tree(virsh, install, server, name):
    """The second waits for the first one's download, and each has files of its own."""
    server.slow = 100000
    words = ["--location", server.url, "--disk", "none", "--wait", "0"]
    first = install.start(*guest_options(name), *words)
    assert server.stopped.wait(LIMIT)
    second = install.start(*guest_options(f"{name}-2"), *words)
    for line in second.stdout:
        if "waiting for it" in line:
            break
    server.slow = None
    server.go_on.set()
    for process in (first, second):
        _, errors = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, errors
    assert virsh("domstate", name) == virsh("domstate", f"{name}-2") == "running"
    assert install.left() == []


@pytest.mark.skipif(not shutil.which("xorriso"), reason="xorriso is not installed")
def test_an_image_cannot_name_a_file_of_the_host(install, name, tmp_path):
    secret, content, image = tmp_path / "secret", tmp_path / "content", tmp_path / "image.iso"
    secret.write_text("secret")
    secret.chmod(0o600)
    content.mkdir()
    (content / "kernel").write_text("kernel")
    (content / "initrd").symlink_to(secret)
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", image, content], check=True)
    done = install.run(
        *guest_options(name), "--location", f"{image},kernel=kernel,initrd=initrd", "--disk", "none"
    )
    assert done.returncode == 1 and f"'initrd' in image '{image}' is no plain file" in done.stderr, done
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert install.left() == []


def test_an_import_keeps_its_disk_and_runs(virsh, install, name):
    image = install.images / "disk.raw"
    image.write_bytes(bytes(1 << 20))
    done = install.run(*guest_options(name), "--import", "--disk", image, "--autostart")
    assert done.returncode == 0, done
    assert virsh("domstate", name) == "running"
    assert "Autostart:      enable" in virsh("dominfo", name)
    again = install.run(*guest_options(name), "--import", "--disk", "none", "--dry-run")
    assert again.returncode == 1 and f"there is a guest '{name}' already" in again.stderr
    other = install.run(*guest_options(f"{name}-other"), "--import", "--disk", image)
    assert other.returncode == 1 and f"is a disk of guest '{name}'" in other.stderr


def test_a_failed_start_takes_the_volume_back(virsh, install, name):
    done = install.run(
        *guest_options(name),
        *("--pxe", "--disk", f"path={install.images}/{name}.img,size=1", "--xml", "./os/loader=/nowhere/firmware"),
    )
    assert done.returncode == 1 and "undone: the volume" in done.stderr, done
    assert install.left() == [] and name not in virsh("list", "--all", "--name").split()


@pytest.mark.skipif(not shutil.which("xorriso"), reason="xorriso is not installed")
def test_cloud_init_has_its_medium_at_the_first_start(virsh, install, name, tmp_path):
    data = tmp_path / "user-data"
    data.write_text("#cloud-config\nhostname: seen\n")
    image = install.images / "cloud.raw"
    image.write_bytes(bytes(1 << 20))
    words = [*guest_options(name), "--import", "--disk", image, "--cloud-init", f"user-data={data}"]
    first = ElementTree.fromstring(install.run(*words, "--print-xml", "1").stdout)
    assert [disk.get("device") for disk in first.iter("disk")] == ["disk", "cdrom"]
    process = install.start(*words, "--wait")
    wait_for("the guest", lambda: name in virsh("list", "--all", "--name").split())
    wait_for("its definition", lambda: "yes" in virsh("dominfo", name).partition("Persistent:")[2].splitlines()[0])
    (medium,) = install.cache.glob("*.iso")
    # It may hold a password.
    assert stat.S_IMODE(medium.stat().st_mode) == 0o600
    assert virsh("domblklist", name).count("iso") == 1
    assert virsh("domblklist", name, "--inactive").count("iso") == 0
    assert interrupt(process)[0] == 130
    assert install.left() == ["cloud.raw"]
