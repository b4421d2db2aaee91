# SPDX-License-Identifier: LGPL-2.1-or-later
"""From another host: over TLS with certificates, and through a real sshd."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import libvirt
import pytest
from checks import read_until, refused, remove, until

import daemons
import guests

PORT_SSH = 2222
BUILD = daemons.airlockd_path().parents[1]
AIRLOCK = BUILD / "cli" / "airlock"
HELPER = BUILD / "client" / "airlock-ssh-helper"


# ---- certificates ----


def certtool(*words: object) -> None:
    subprocess.run(["certtool", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A CA with what it signs."""

    def __init__(self, directory: pathlib.Path) -> None:
        directory.mkdir()
        self.directory = directory
        self.key, self.certificate = directory / "cakey.pem", directory / "cacert.pem"
        self.write_key(self.key)
        text = self.template(f"cn = {directory.name}", "ca", "cert_signing_key", "crl_signing_key")
        certtool("--generate-self-signed", "--load-privkey", self.key, "--template", text, "--outfile", self.certificate)

    def write_key(self, path: pathlib.Path) -> None:
        certtool("--generate-privkey", "--key-type", "rsa", "--bits", "2048", "--no-text", "--outfile", path)

    def template(self, *lines: str) -> pathlib.Path:
        path = self.directory / "template"
        path.write_text("\n".join((*lines, "expiration_days = 7", "")))
        return path

    def sign(self, pki: pathlib.Path, kind: str, *lines: str) -> pathlib.Path:
        """KINDcert.pem and KINDkey.pem, with the CA's certificate beside them."""
        pki.mkdir(exist_ok=True)
        self.write_key(pki / f"{kind}key.pem")
        use = "tls_www_server" if kind == "server" else "tls_www_client"
        text = self.template(*lines, use, "signing_key", "encryption_key")
        certtool(
            "--generate-certificate",
            *("--load-privkey", pki / f"{kind}key.pem", "--template", text),
            *("--load-ca-certificate", self.certificate, "--load-ca-privkey", self.key),
            *("--outfile", pki / f"{kind}cert.pem"),
        )
        shutil.copy(self.certificate, pki / "cacert.pem")
        return pki

    def revoke(self, certificate: pathlib.Path, to: pathlib.Path) -> None:
        text = self.template("crl_next_update = 7", "crl_number = 1")
        certtool(
            "--generate-crl",
            *("--load-ca-certificate", self.certificate, "--load-ca-privkey", self.key),
            *("--load-certificate", certificate, "--template", text, "--outfile", to),
        )


@dataclass
class Certificates:
    authority: Authority
    server: pathlib.Path
    client: pathlib.Path  # directories, each for pkipath=
    other: pathlib.Path
    stranger: pathlib.Path  # of another CA, but trusting the server
    nobody: pathlib.Path  # without a certificate


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if not shutil.which("certtool"):
        pytest.skip("certtool is not installed")
    top = tmp_path_factory.mktemp("pki")
    ours, foreign = Authority(top / "ours"), Authority(top / "foreign")
    stranger = foreign.sign(top / "stranger", "client", "cn = stranger")
    shutil.copy(ours.certificate, stranger / "cacert.pem")
    nobody = top / "nobody"
    nobody.mkdir()
    shutil.copy(ours.certificate, nobody / "cacert.pem")
    return Certificates(
        ours,
        ours.sign(top / "server", "server", "cn = localhost", "dns_name = localhost"),
        ours.sign(top / "client", "client", "organization = Airlock", "cn = friend"),
        ours.sign(top / "other", "client", "organization = Airlock", "cn = other"),
        stranger,
        nobody,
    )


# ---- daemons that listen ----


class TlsAirlockd(daemons.Airlockd):
    def command(self) -> list[str]:
        return [*super().command(), f"--config={self.directory / 'airlockd.conf'}"]

    def configure(self, *lines: str) -> None:
        self.directory.mkdir(exist_ok=True)
        text = "\n".join(("[airlockd]", "listen_tls = 1", *lines, ""))
        (self.directory / "airlockd.conf").write_text(text)


class TlsLibvirtd(daemons.Libvirtd):
    lines: tuple[str, ...] = ()

    def command(self) -> list[str]:
        return ["libvirtd", "--listen"]

    def prepare(self) -> None:
        super().prepare()
        with (self.directory / "etc" / "libvirtd.conf").open("a") as file:
            file.write("\n".join(("listen_tls = 1", 'auth_tls = "none"', *self.lines, "")))

    def configure(self, *lines: str) -> None:
        self.lines = tuple(f'{line.split(" = ")[0]} = "{line.split(" = ")[1]}"' for line in lines)


Listening = TlsAirlockd | TlsLibvirtd


def files(server: pathlib.Path) -> list[str]:
    return [
        f"ca_file = {server / 'cacert.pem'}",
        f"cert_file = {server / 'servercert.pem'}",
        f"key_file = {server / 'serverkey.pem'}",
    ]


@pytest.fixture(scope="module")
def remote(
    daemon: daemons.Daemon, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Listening]:
    """A daemon of the same kind that serves TLS on its own loopback."""
    kind = TlsAirlockd if daemon.ours else TlsLibvirtd
    running = kind(tmp_path_factory.mktemp(f"remote-{daemon.name}"))
    running.configure(*files(certificates.server))
    with running:
        yield running
        if running.ours:
            assert running.end() == 0, running.log_text()


@pytest.fixture
def there(remote: Listening) -> Iterator[libvirt.virConnect]:
    """A connection to it over its UNIX socket; its guests are removed at the end."""
    connection = libvirt.open(remote.uri)
    yield connection
    for dom in connection.listAllDomains():
        remove(dom)
    connection.close()


def in_namespace(remote: Listening) -> list[str]:
    assert remote.process
    return ["nsenter", f"--target={remote.process.pid}", "--mount", "--net", "--"]


def tls_uri(pki: pathlib.Path, host: str = "localhost") -> str:
    return f"qemu+tls://{host}/system?pkipath={pki}"


def run(remote: Listening, *command: object) -> subprocess.CompletedProcess[str]:
    """The command where the daemon's loopback is."""
    words = [*in_namespace(remote), *map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


# ---- TLS ----


def test_tls_is_as_good_as_the_socket(remote, there, certificates, name):
    there.defineXML(guests.guest(name))
    listed = run(remote, "virsh", "-c", tls_uri(certificates.client), "list", "--all", "--name")
    assert listed.stdout.split() == [name], listed.stderr
    undefined = run(remote, "virsh", "-c", tls_uri(certificates.client), "undefine", name)
    assert undefined.returncode == 0, undefined.stderr
    assert there.listAllDomains() == []


def test_reading_only_is_up_to_the_client(remote, there, certificates, name):
    there.defineXML(guests.guest(name))
    uri = tls_uri(certificates.client)
    assert run(remote, "virsh", "-r", "-c", uri, "dominfo", name).returncode == 0
    denied = run(remote, "virsh", "-r", "-c", uri, "undefine", name)
    assert denied.returncode != 0
    assert "read only access" in denied.stderr


# Shows its certificate whatever the server's CA is, which GnuTLS and so virsh would not do.
BOLD = """
import socket, ssl, sys
pki = sys.argv[1]
context = ssl.create_default_context(cafile=f"{pki}/cacert.pem")
context.load_cert_chain(f"{pki}/clientcert.pem", f"{pki}/clientkey.pem")
with context.wrap_socket(socket.create_connection(("127.0.0.1", 16514)), server_hostname="localhost") as end:
    sys.exit(end.recv(1) != bytes([1]))
"""


def test_certificates_are_looked_at(remote, there, certificates):
    bold = ["/usr/bin/python3", "-c", BOLD]
    assert run(remote, *bold, certificates.client).returncode == 0
    assert run(remote, *bold, certificates.stranger).returncode != 0
    for who in (certificates.stranger, certificates.nobody):
        for program in ("virsh", AIRLOCK):
            assert run(remote, program, "-c", tls_uri(who), "list").returncode != 0
    assert run(remote, "virsh", "-c", tls_uri(certificates.client), "hostname").returncode == 0
    if remote.ours:
        until(lambda: "the certificate of 'CN=stranger' is refused" in remote.log_text())
        until(lambda: "it has no certificate" in remote.log_text())
        assert "127.0.0.1 port" in remote.log_text()


def test_who_is_not_the_server_is_refused(remote, certificates):
    """The certificate names localhost, and not this."""
    assert run(remote, "virsh", "-c", tls_uri(certificates.client, "127.0.0.1"), "list").returncode
    ours = run(remote, AIRLOCK, "-c", tls_uri(certificates.client, "127.0.0.1"), "list")
    assert ours.returncode != 0
    assert "the certificate of '127.0.0.1' is refused" in ours.stderr
    unseen = tls_uri(certificates.client, "127.0.0.1") + "&no_verify=1"
    assert run(remote, AIRLOCK, "-c", unseen, "list").returncode == 0


def test_airlock_speaks_tls(remote, there, certificates, name):
    there.defineXML(guests.guest(name))
    listed = run(remote, AIRLOCK, "-c", tls_uri(certificates.client), "list", "--all")
    assert name in listed.stdout, listed.stderr
    for who in (certificates.stranger, certificates.nobody):
        assert run(remote, AIRLOCK, "-c", tls_uri(who), "list").returncode != 0


def test_what_does_not_fit_into_a_record(remote, there, certificates, tmp_path):
    """Megabytes both ways: records end where messages do not."""
    data = os.urandom(1 << 16) * 80 + b"end"
    (tmp_path / "in").write_bytes(data)
    (tmp_path / "pool").mkdir()
    pool = there.storagePoolCreateXML(
        f"<pool type='dir'><name>remote</name><target><path>{tmp_path / 'pool'}</path></target></pool>"
    )
    xml = f"<volume><name>v</name><capacity>{len(data)}</capacity></volume>"
    pool.createXML(xml.replace("<volume>", "<volume type='file'>"))
    virsh = ["virsh", "-c", tls_uri(certificates.client)]
    up = run(remote, *virsh, "vol-upload", "v", tmp_path / "in", "--pool", "remote")
    assert up.returncode == 0, up.stderr
    down = run(remote, *virsh, "vol-download", "v", tmp_path / "out", "--pool", "remote")
    assert down.returncode == 0, down.stderr
    assert (tmp_path / "out").read_bytes()[: len(data)] == data
    pool.destroy()


@contextlib.contextmanager
def virsh_shell(remote: Listening, pki: pathlib.Path) -> Iterator[subprocess.Popen[str]]:
    words = [*in_namespace(remote), "virsh", "-q", "-c", tls_uri(pki)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(words, text=True, **pipes) as shell:
        yield shell


def ask(shell: subprocess.Popen[str], command: str, answer: str) -> None:
    assert shell.stdin and shell.stdout
    shell.stdin.write(command + "\n")
    shell.stdin.flush()
    for line in iter(shell.stdout.readline, ""):
        if answer in line:
            return
    raise AssertionError(f"virsh ended without '{answer}'")


def reload(remote: Listening) -> None:
    seen = remote.log_text().count("eloaded")
    remote.tell(f"signal {int(signal.SIGHUP)}")
    until(lambda: remote.log_text().count("eloaded") > seen, what="no reload")


@pytest.mark.only("airlockd")
def test_reload_changes_who_is_let_in_and_drops_nobody(remote, there, certificates):
    base = files(certificates.server)
    virsh = ["virsh", "-c", tls_uri(certificates.client), "hostname"]
    with virsh_shell(remote, certificates.client) as shell:
        ask(shell, "uri", "qemu+tls")
        remote.configure(*base, "tls_allowed_dn_list = CN=third;O=Air*,CN=other", "socket_group = root")
        reload(remote)
        assert "these options take effect at the next start: socket-group" in remote.log_text()
        assert run(remote, *virsh).returncode != 0
        until(lambda: "is not among the names of tls_allowed_dn_list" in remote.log_text())
        assert run(remote, "virsh", "-c", tls_uri(certificates.other), "hostname").returncode == 0
        ask(shell, "hostname", os.uname().nodename)
        # What cannot be read changes nothing.
        remote.configure(*base[:-1], "key_file = /nonexistent")
        reload(remote)
        assert "everything stays as it was" in remote.log_text()
        assert run(remote, *virsh).returncode != 0
        # A certificate of the CA that was revoked.
        crl = certificates.server / "cacrl.pem"
        certificates.authority.revoke(certificates.other / "clientcert.pem", crl)
        remote.configure(*base, f"crl_file = {crl}")
        reload(remote)
        assert run(remote, *virsh).returncode == 0
        assert run(remote, "virsh", "-c", tls_uri(certificates.other), "list").returncode != 0
        remote.configure(*base)
        reload(remote)
        assert run(remote, "virsh", "-c", tls_uri(certificates.other), "list").returncode == 0
        ask(shell, "hostname", os.uname().nodename)


IDLE = """
import socket, sys
held = [socket.create_connection(("127.0.0.1", 16514)) for _ in range(40)]
held[0].sendall(b"this is no TLS at all, is it?")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.mark.only("airlockd")
def test_who_says_nothing_keeps_nobody_out_for_long(remote, there, certificates):
    words = [*in_namespace(remote), "/usr/bin/python3", "-c", IDLE]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as idle:
        assert idle.stdout and idle.stdout.readline() == "held\n"
        assert there.getHostname()  # the UNIX sockets are not concerned
        assert run(remote, "virsh", "-c", tls_uri(certificates.client), "hostname").returncode == 0
        idle.communicate("\n")
    assert "its TLS handshake took too long" in remote.log_text()


@pytest.mark.only("airlockd")
def test_a_bad_certificate_is_no_start(daemon, certificates, tmp_path):
    command = [str(daemons.airlockd_path()), "--listen-tls", f"--config-dir={tmp_path}"]
    command += [f"--{name}-dir={tmp_path / name}" for name in ("state", "run", "log", "cache")]
    command += ["--no-libvirt-sockets"]
    start = subprocess.run(
        ["unshare", "--net", *command, f"--ca-file={certificates.server / 'cacert.pem'}", "--cert-file=/nonexistent"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert start.returncode != 0
    assert "/nonexistent" in start.stderr


# ---- ssh ----

SSHD_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {dir}/host
AuthorizedKeysFile {dir}/client.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
ForceCommand PATH=$(cat {dir}/path) sh -c "$SSH_ORIGINAL_COMMAND"
"""

# Everything of a host without libvirt that the clients' scripts use.
COMMANDS = ("sh", "which", "nc", "grep")


@dataclass
class Sshd:
    directory: pathlib.Path
    remote: Listening

    def path(self, *helpers: str) -> None:
        """What the commands of this host are."""
        where = self.directory / f"bin{''.join(helpers)}"
        if not where.exists():
            where.mkdir()
            for command in COMMANDS:
                (where / command).symlink_to(str(shutil.which(command)))
            for helper in helpers:
                (where / helper).symlink_to(HELPER)
        (self.directory / "path").write_text(str(where))

    def uri(self, query: str = "") -> str:
        keyfile, command = self.directory / "client", self.directory / "ssh"
        base = f"qemu+ssh://root@127.0.0.1:{PORT_SSH}/system"
        return f"{base}?keyfile={keyfile}&command={command}&no_tty=1{query}"


@pytest.fixture(scope="module")
def sshd(remote: Listening, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if not pathlib.Path("/usr/sbin/sshd").exists() or not shutil.which("nc"):
        pytest.skip("sshd or nc is not installed")
    directory = tmp_path_factory.mktemp("ssh")
    for key in ("host", "client"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / key]
        subprocess.run(words, check=True)
    (directory / "config").write_text(SSHD_CONFIG.format(port=PORT_SSH, dir=directory))
    (directory / "ssh").write_text(
        f"#!/bin/sh\nexec {' '.join(in_namespace(remote))} ssh -F none -o StrictHostKeyChecking=no "
        f'-o UserKnownHostsFile={directory}/known -o LogLevel=ERROR "$@"\n'
    )
    (directory / "ssh").chmod(0o755)
    (remote.run / "sshd").mkdir(exist_ok=True, mode=0o755)
    words = [*in_namespace(remote), "/usr/sbin/sshd", "-D", "-e", "-f", str(directory / "config")]
    with (directory / "log").open("w") as log, subprocess.Popen(words, stderr=log) as process:
        until(lambda: "listening" in (directory / "log").read_text(), what="sshd does not listen")
        yield Sshd(directory, remote)
        process.terminate()


BARE = ()
OURS = ("virt-ssh-helper",)

WAYS = [
    pytest.param("", BARE, id="auto-without-helper"),
    pytest.param("", OURS, id="auto-with-helper"),
    pytest.param("&proxy=netcat", BARE, id="netcat"),
    pytest.param("&proxy=native", OURS, id="native"),
    pytest.param("&netcat=nc", BARE, id="nc-by-name"),
    pytest.param("&socket=/run/airlock/airlock-sock", BARE, id="socket"),
    pytest.param("&socket=/run/airlock/airlock-sock&proxy=native", OURS, id="socket-native"),
    pytest.param("&mode=legacy", OURS, id="legacy"),
]


@pytest.mark.only("airlockd")
@pytest.mark.parametrize(("query", "helpers"), WAYS)
def test_stock_clients_come_by_ssh(remote, there, sshd, name, query, helpers):
    there.defineXML(guests.guest(name))
    sshd.path(*helpers)
    connection = libvirt.open(sshd.uri(query))
    assert [dom.name() for dom in connection.listAllDomains()] == [name]
    connection.close()
    listed = subprocess.run(
        ["virsh", "-r", "-c", sshd.uri(query), "list", "--all", "--name"], capture_output=True, text=True, timeout=60
    )
    assert listed.stdout.split() == [name], listed.stderr


@pytest.mark.only("airlockd")
def test_a_console_by_ssh(remote, there, sshd, name):
    if not guests.TEST_GUEST.exists():
        pytest.skip(f"{guests.TEST_GUEST} is not built: ./dev build")
    sshd.path(*OURS)
    connection = libvirt.open(sshd.uri())
    dom = connection.defineXML(guests.answering_guest(name))
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    stream = connection.newStream()
    dom.openConsole(None, stream)
    dom.resume()
    read_until(stream, guests.READY)
    stream.send(b"report\n")
    assert b"class=" in read_until(stream, b"class=")
    stream.finish()
    connection.close()


AIRLOCK_WAYS = [
    pytest.param("", BARE, id="auto-without-helper"),
    pytest.param("", ("airlock-ssh-helper",), id="auto-with-helper"),
    pytest.param("&proxy=netcat", BARE, id="netcat"),
    pytest.param("&proxy=native", ("airlock-ssh-helper",), id="native"),
    pytest.param("&mode=legacy", BARE, id="legacy"),
]


@pytest.mark.only("airlockd")
@pytest.mark.parametrize(("query", "helpers"), AIRLOCK_WAYS)
def test_airlock_comes_by_ssh(remote, there, sshd, name, query, helpers):
    there.defineXML(guests.guest(name))
    sshd.path(*helpers)
    listed = subprocess.run(
        [AIRLOCK, "-c", sshd.uri(query), "list", "--all"], capture_output=True, text=True, timeout=60
    )
    assert name in listed.stdout, listed.stderr


def test_airlock_comes_by_ssh_to_any_daemon(remote, there, sshd):
    sshd.path(*BARE)
    words = [AIRLOCK, "-c", sshd.uri("&mode=legacy"), "hostname"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == there.getHostname(), told.stderr


@pytest.mark.only("airlockd")
def test_what_fails_behind_ssh_is_said(remote, sshd):
    sshd.path(*BARE)
    words = [AIRLOCK, "-c", sshd.uri("&proxy=native"), "list"]
    failed = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert failed.returncode != 0
    assert "no airlock-ssh-helper on this host" in failed.stderr
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR):
        libvirt.open(sshd.uri("&proxy=native"))
