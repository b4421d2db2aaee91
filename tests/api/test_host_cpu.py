# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU models: what the host has, what a guest can have, and what it gets."""

import pathlib
import subprocess
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused, remove

import guests

QEMU = "/usr/bin/qemu-system-x86_64"
SCHEMAS = pathlib.Path("/usr/share/libvirt/schemas")
VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}


def cpuinfo(field: str) -> str:
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.split(": ", 1)[1] for line in lines if line.split("\t")[0] == field)


def check_schema(text: str, name: str, directory: pathlib.Path) -> None:
    path = directory / "document.xml"
    path.write_text(text)
    command = ["xmllint", "--noout", "--relaxng", str(SCHEMAS / name), str(path)]
    subprocess.run(command, check=True, stderr=subprocess.PIPE)


def domain_capabilities(conn: libvirt.virConnect) -> str:
    return conn.getDomainCapabilities(QEMU, "x86_64", "q35", "qemu")


def cpu(model: str, inner: str = "", **attributes: str) -> str:
    words = "".join(f" {key}='{value}'" for key, value in attributes.items())
    return f"<cpu{words}><model>{model}</model>{inner}</cpu>"


def feature(policy: str, name: str) -> str:
    return f"<feature policy='{policy}' name='{name}'/>"


# ---- documents ----


def test_the_host_is_described(conn, tmp_path):
    text = conn.getCapabilities()
    check_schema(text, "capability.rng", tmp_path)
    host = ET.fromstring(text).find("host")
    assert host.findtext("cpu/model") in conn.getCPUModelNames("x86_64")
    vendor = cpuinfo("vendor_id")
    assert host.findtext("cpu/vendor") == VENDORS.get(vendor, vendor)
    signature = host.find("cpu/signature")
    for name, field in (("family", "cpu family"), ("model", "model"), ("stepping", "stepping")):
        assert signature.get(name) == cpuinfo(field)
    cells = host.findall("topology/cells/cell")
    assert len(cells) == int(host.find("topology/cells").get("num"))
    online = {cpu.get("id") for cell in cells for cpu in cell.findall("cpus/cpu")}
    assert len(online) == conn.getInfo()[2]
    assert all(int(cell.findtext("memory")) > 0 for cell in cells)
    assert host.findtext("secmodel/model") == conn.getSecurityModel()[0] == "none"


def test_the_host_promises_what_is_served(conn, daemon):
    """difference: capabilities-of-what-is-served"""
    tree = ET.fromstring(conn.getCapabilities())
    assert (tree.find("host/migration_features") is None) == daemon.ours
    words = {each.tag for each in tree.findall("guest/features/*")}
    assert {"acpi", "apic", "cpuselection", "deviceboot"} <= words
    assert ("externalSnapshot" in words) != daemon.ours


def test_the_models_say_whether_they_can_be_used(conn, tmp_path):
    text = domain_capabilities(conn)
    check_schema(text, "domaincaps.rng", tmp_path)
    custom = ET.fromstring(text).find("cpu/mode[@name='custom']")
    models = {model.text: model for model in custom.findall("model")}
    assert models["qemu64"].get("usable") == "yes"
    assert models["Nehalem"].get("vendor") == "Intel"
    assert models["Nehalem"].get("canonical") == "Nehalem-v1"
    assert models["Haswell"].get("usable") == "no"
    blockers = custom.find("blockers[@model='Haswell']")
    assert {"hle", "rtm", "pcid"} <= {each.get("name") for each in blockers}
    unusable = [name for name, model in models.items() if model.get("usable") == "no"]
    assert [each.get("model") for each in custom.findall("blockers")] == unusable


@pytest.mark.only("airlockd")
def test_a_binary_is_asked_once(conn, tmp_path):
    log = tmp_path / "runs"
    path = tmp_path / "qemu-system-x86_64"
    path.write_text(f'#!/bin/sh\necho run >> {log}\nexec {QEMU} "$@"\n')
    path.chmod(0o755)
    first = conn.getDomainCapabilities(str(path), "x86_64", "q35", "qemu")
    runs = log.read_text()
    assert "<model usable='yes' vendor='Intel'" in first
    assert conn.getDomainCapabilities(str(path), "x86_64", "q35", "qemu") == first
    conn.compareHypervisorCPU(str(path), None, None, "qemu", cpu("Nehalem"))
    assert log.read_text() == runs


def test_the_host_model_is_named(conn):
    mode = ET.fromstring(domain_capabilities(conn)).find("cpu/mode[@name='host-model']")
    assert mode.get("supported") == "yes"
    assert mode.findtext("model") in conn.getCPUModelNames("x86_64")
    assert mode.findtext("vendor") == "AMD"  # what TCG calls itself
    policies = {each.get("name"): each.get("policy") for each in mode.findall("feature")}
    assert policies["hypervisor"] == "require"


def test_names_of_models(conn):
    names = conn.getCPUModelNames("x86_64")
    assert {"qemu64", "Nehalem", "EPYC"} <= set(names)
    assert conn.getCPUModelNames("aarch64") == []
    with refused(libvirt.VIR_ERR_INVALID_ARG, "vax"):
        conn.getCPUModelNames("vax")


# ---- comparing ----

INCOMPATIBLE = libvirt.VIR_CPU_COMPARE_INCOMPATIBLE
SUPERSET = libvirt.VIR_CPU_COMPARE_SUPERSET


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (cpu("Nehalem"), SUPERSET),
        (cpu("core2duo", match="minimum"), SUPERSET),
        (cpu("Haswell"), INCOMPATIBLE),
        (cpu("qemu64", feature("forbid", "sse"), match="exact"), INCOMPATIBLE),
        (cpu("qemu64", feature("disable", "sse"), match="exact"), SUPERSET),
        ("<cpu mode='host-model'/>", SUPERSET),
    ],
)
def test_a_cpu_against_the_hypervisors(conn, text, result):
    assert conn.compareHypervisorCPU(None, None, None, "qemu", text) == result


def test_why_a_cpu_does_not_fit(conn):
    flag = libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE
    text = cpu("Nehalem", feature("require", "rtm") + feature("require", "svm"), match="exact")
    with refused(libvirt.VIR_ERR_CPU_INCOMPATIBLE, "rtm"):
        conn.compareHypervisorCPU(None, None, None, "qemu", text, flag)
    assert conn.compareCPU(cpu("486", match="exact")) in (SUPERSET, INCOMPATIBLE)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (cpu("NoSuchModel"), libvirt.VIR_ERR_INTERNAL_ERROR),
        (cpu("qemu64", feature("require", "bogus")), libvirt.VIR_ERR_INTERNAL_ERROR),
        ("<foo/>", libvirt.VIR_ERR_XML_ERROR),
        ("<cpu", libvirt.VIR_ERR_XML_DETAIL),
        ("<cpu><arch>vax</arch><model>x</model></cpu>", libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
    ],
)
def test_what_is_no_cpu_is_refused(conn, text, code):
    with refused(code):
        conn.compareCPU(text)
    with refused(code):
        conn.compareHypervisorCPU(None, None, None, "qemu", text)


HOST_CPU = "<cpu><arch>x86_64</arch><model>{}</model></cpu>"


def test_what_cpus_have_in_common(conn):
    cpus = [HOST_CPU.format(model) for model in ("Westmere", "Nehalem")]
    tree = ET.fromstring(conn.baselineCPU(cpus))
    assert tree.findtext("model") == "Nehalem"
    assert tree.findall("feature") == []
    tree = ET.fromstring(conn.baselineHypervisorCPU(None, "x86_64", None, "qemu", cpus))
    assert tree.findtext("model") == "Nehalem"
    assert tree.find("model").get("fallback") == "forbid"
    flag = libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
    tree = ET.fromstring(conn.baselineCPU(cpus, flag))
    names = {each.get("name") for each in tree.findall("feature")}
    assert {"sse4.2", "lahf_lm"} <= names and "aes" not in names
    with refused(libvirt.VIR_ERR_XML_ERROR):
        conn.baselineCPU(["<cpu/>"])


# ---- what a guest gets ----


def start(conn: libvirt.virConnect, name: str, text: str) -> ET.Element:
    """The live <cpu> of a guest that was defined with this one."""
    dom = conn.defineXML(guests.guest(name, before=text))
    try:
        dom.create()
        return ET.fromstring(dom.XMLDesc()).find("cpu")
    finally:
        remove(dom)


def policies(live: ET.Element) -> dict[str, str]:
    return {each.get("name"): each.get("policy") for each in live.findall("feature")}


def test_host_model_becomes_a_named_model(conn, name):
    mode = ET.fromstring(domain_capabilities(conn)).find("cpu/mode[@name='host-model']")
    live = start(conn, name, "<cpu mode='host-model'>" + feature("disable", "aes") + "</cpu>")
    assert (live.get("mode"), live.get("match"), live.get("check")) == ("custom", "exact", "full")
    assert live.findtext("model") == mode.findtext("model")
    assert live.find("model").get("fallback") == "forbid"
    expected = policies(mode) | {"aes": "disable"}
    assert policies(live) == expected


def test_features_are_as_the_guest_has_them(conn, name):
    wanted = [("optional", "hle"), ("optional", "aes"), ("force", "rtm"), ("disable", "sse4.2")]
    inner = "".join(feature(*each) for each in wanted)
    live = start(conn, name, cpu("Nehalem", inner, match="exact", check="partial"))
    got = {key: value for key, value in policies(live).items() if key != "hypervisor"}
    assert got == {"hle": "disable", "aes": "require", "rtm": "disable", "sse4.2": "disable"}


def test_what_is_not_checked_is_told(conn, name):
    live = start(conn, name, cpu("Haswell", check="none"))
    assert live.get("check") == "full"
    missing = {each for each, policy in policies(live).items() if policy == "disable"}
    assert missing == {"hle", "rtm", "pcid", "invpcid", "tsc-deadline"}


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (cpu("Haswell", check="partial"), libvirt.VIR_ERR_CPU_INCOMPATIBLE, "rtm"),
        (cpu("Haswell", check="full"), libvirt.VIR_ERR_OPERATION_FAILED, "rtm"),
        (
            cpu("Nehalem", feature("require", "hle"), match="exact", check="partial"),
            libvirt.VIR_ERR_CPU_INCOMPATIBLE,
            "hle",
        ),
        (
            cpu("Nehalem", feature("forbid", "sse"), match="exact", check="partial"),
            libvirt.VIR_ERR_CPU_INCOMPATIBLE,
            "sse",
        ),
        (
            cpu("Nehalem", feature("require", "bogus"), match="exact"),
            libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
            "bogus",
        ),
    ],
)
def test_what_the_host_cannot_give_is_refused_by_name(conn, name, text, code, word):
    dom = conn.defineXML(guests.guest(name, before=text))
    with refused(code, word):
        dom.create()
    assert not dom.isActive()
    remove(dom)


@pytest.mark.parametrize("text", [cpu("Nehalem", "<vendor>Intel</vendor>"),
                                  "<cpu mode='host-model'/>"])
def test_a_saved_guest_comes_back_with_its_cpu(conn, name, tmp_path, text):
    dom = conn.defineXML(guests.guest(name, before=text))
    dom.create()
    before = ET.tostring(ET.fromstring(dom.XMLDesc()).find("cpu"))
    dom.save(str(tmp_path / "image"))
    conn.restore(str(tmp_path / "image"))
    assert ET.tostring(ET.fromstring(dom.XMLDesc()).find("cpu")) == before
    remove(dom)


def test_a_model_is_what_qemu_calls_it(conn, name, daemon):
    """difference: models-are-qemus-own"""
    text = cpu("qemu64", check="full")
    if daemon.ours:
        assert policies(start(conn, name, text)) == {}
        return
    with refused(libvirt.VIR_ERR_OPERATION_FAILED, "extra features"):
        start(conn, name, text)


# ---- pages ----

PAGE_KIB = 4
HUGE_KIB = 2048


def test_free_pages(conn):
    pages = conn.getFreePages([PAGE_KIB], 0, 1)
    assert list(pages) == [0] and pages[0][PAGE_KIB] > 0
    with refused(libvirt.VIR_ERR_OPERATION_FAILED, "7"):
        conn.getFreePages([7], 0, 1)
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "out of range"):
        conn.getFreePages([PAGE_KIB], 4711, 1)


def test_only_huge_pages_are_set_aside(conn):
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
        conn.allocPages({PAGE_KIB: 1}, 0, 1)
    with refused(libvirt.VIR_ERR_OPERATION_FAILED):
        conn.allocPages({7: 1}, 0, 1)


def test_huge_pages_are_set_aside(conn):
    directory = pathlib.Path("/sys/devices/system/node/node0/hugepages")
    count = directory / f"hugepages-{HUGE_KIB}kB" / "nr_hugepages"
    if not count.exists():
        pytest.skip("the kernel has no huge pages")
    before = int(count.read_text())
    assert conn.allocPages({HUGE_KIB: 1}, 0, 1) == 1
    assert int(count.read_text()) == before + 1
    assert conn.allocPages({HUGE_KIB: before}, 0, 1, libvirt.VIR_NODE_ALLOC_PAGES_SET) == 1
    assert int(count.read_text()) == before


KSM = pathlib.Path("/sys/kernel/mm/ksm")


@pytest.mark.skipif(not KSM.exists(), reason="the kernel shares no pages")
def test_how_the_kernel_shares_pages(conn):
    told = conn.getMemoryParameters()
    assert told["shm_pages_to_scan"] == int((KSM / "pages_to_scan").read_text())
    assert {"shm_sleep_millisecs", "shm_pages_shared", "shm_full_scans"} <= set(told)
    conn.setMemoryParameters({"shm_pages_to_scan": told["shm_pages_to_scan"]})
    with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "shm_pages_shared"):
        conn.setMemoryParameters({"shm_pages_shared": 1})
    assert conn.getMemoryParameters()["shm_pages_to_scan"] == told["shm_pages_to_scan"]
