# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest is beside its devices: firmware, memory, processors, features, clock."""

import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused

import guests

INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
UUID = "6c7c3f0e-5a4d-4f3b-9a3e-0a2f5f1f7a11"

CELLS = """<cpu><numa>
  <cell id='0' cpus='0' memory='64' unit='MiB'>
    <distances><sibling id='0' value='10'/><sibling id='1' value='21'/></distances>
  </cell>
  <cell cpus='1' memory='65536'/>
</numa></cpu>"""

DIMM = "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"

# What is written in front of <devices>, and which paths of the definition have which attributes or
# text then.
FORMS = {
    "sets are written in their shortest form": (
        "<cputune><vcpupin vcpu='0' cpuset='0,1,2,^1'/><emulatorpin cpuset='0-0'/></cputune>",
        {"cputune/vcpupin": {"vcpu": "0", "cpuset": "0,2"}, "cputune/emulatorpin": {"cpuset": "0"}},
    ),
    "threads": (
        "<iothreads>2</iothreads><iothreadids><iothread id='4'/></iothreadids>",
        {"iothreads": "2", "iothreadids/iothread[1]": {"id": "4"},
         "iothreadids/iothread[2]": {"id": "1"}},
    ),
    "memory is of": (
        "<memoryBacking><nosharepages/><source type='memfd'/><access mode='shared'/>"
        "<allocation mode='immediate'/></memoryBacking>",
        {"memoryBacking/source": {"type": "memfd"}, "memoryBacking/access": {"mode": "shared"},
         "memoryBacking/allocation": {"mode": "immediate"}},
    ),
    "huge pages": (
        "<memoryBacking><hugepages><page size='2' unit='MiB'/></hugepages></memoryBacking>",
        {"memoryBacking/hugepages/page": {"size": "2048", "unit": "KiB"}},
    ),
    "nodes": (
        CELLS,
        {"memory": "131072", "currentMemory": "131072",
         "cpu/numa/cell[2]": {"id": "1", "cpus": "1", "memory": "65536", "unit": "KiB"},
         "cpu/numa/cell[2]/distances/sibling[1]": {"id": "0", "value": "21"},
         "cpu/numa/cell[2]/distances/sibling[2]": {"id": "1", "value": "10"}},
    ),
    "host nodes": (
        "<numatune><memory nodeset='0'/></numatune>",
        {"numatune/memory": {"mode": "strict", "nodeset": "0"}},
    ),
    "topology": (
        "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>",
        {"cpu/topology": {"sockets": "1", "dies": "1", "clusters": "1", "cores": "2",
                          "threads": "1"}},
    ),
    "vcpus": (
        "<vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/>"
        "<vcpu id='1' enabled='no' hotpluggable='yes'/></vcpus>",
        {"vcpu": {"placement": "static", "current": "1"},
         "vcpus/vcpu[2]": {"id": "1", "enabled": "no", "hotpluggable": "yes"}},
    ),
    "an own cache": (
        "<cpu mode='maximum'><cache mode='passthrough'/></cpu>",
        {"cpu": {"mode": "maximum", "check": "none"},
         "cpu/cache": {"mode": "passthrough"}},
    ),
    "an adjusted clock": (
        "<clock offset='utc' adjustment='90'/>",
        {"clock": {"offset": "variable", "adjustment": "90", "basis": "utc"}},
    ),
    "a clock of its own": (
        "<clock offset='variable'/>",
        {"clock": {"offset": "variable", "adjustment": "0", "basis": "utc"}},
    ),
    "a crash": (
        "<on_crash>coredump-restart</on_crash>",
        {"on_crash": "coredump-restart", "on_reboot": "restart"},
    ),
    "fw_cfg": (
        "<sysinfo type='fwcfg'><entry name='opt/a/b'>text and more</entry></sysinfo>",
        {"sysinfo/entry": "text and more"},
    ),
    "modules": (
        "<maxMemory slots='4' unit='GiB'>1</maxMemory>" + CELLS,
        {"maxMemory": {"slots": "4", "unit": "KiB"}},
    ),
}

FEATURES = """<features><acpi/><apic eoi='on'/><hap/><pvspinlock/><vmcoreinfo state='on'/>
  <hyperv><relaxed state='on'/><spinlocks state='on' retries='8191'/></hyperv>
  <kvm><hidden state='on'/></kvm></features>"""


def tree(dom: libvirt.virDomain, flags: int = 0) -> ET.Element:
    return ET.fromstring(dom.XMLDesc(flags))


def machine(name: str, before: str = "", os: str = "", os_attrs: str = "", **parts: str) -> str:
    """A guest of two vCPUs with this in front of its <devices>."""
    parts.setdefault("vcpu", "2")
    xml = guests.guest(name, parts.pop("devices", ""), os, before=before, **parts)
    return xml.replace("<os>", f"<os {os_attrs}>")


def with_features(name: str, features: str) -> str:
    return machine(name).replace("<features><acpi/></features>", features)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_defined_comes_back_with_what_follows(conn, name, form):
    before, wanted = FORMS[form]
    dom = conn.defineXML(machine(name, before))
    xml = tree(dom)
    for path, value in wanted.items():
        found = xml.find(path)
        assert found is not None, path
        if isinstance(value, str):
            assert found.text == value
        else:
            assert {key: found.get(key) for key in value} == value
    text = dom.XMLDesc(INACTIVE)
    assert conn.defineXML(text).XMLDesc(INACTIVE) == text


def test_features_that_are_named_are_on(conn, name):
    xml = tree(conn.defineXML(with_features(name, FEATURES)))
    states = {path: xml.find(f"features/{path}").get("state") for path in
              ("hap", "pvspinlock", "vmcoreinfo", "hyperv/relaxed", "kvm/hidden")}
    assert set(states.values()) == {"on"}, states
    assert xml.find("features/hyperv").get("mode") == "custom"
    assert xml.find("features/apic").get("eoi") == "on"


def test_a_system_has_the_uuid_of_its_guest(conn, name):
    block = f"<sysinfo type='smbios'><system><entry name='uuid'>{UUID}</entry></system></sysinfo>"
    dom = conn.defineXML(machine(name, block, "<smbios mode='sysinfo'/>"))
    assert dom.UUIDString() == UUID
    other = UUID.replace("6c7c", "7c7c")
    with refused(libvirt.VIR_ERR_XML_DETAIL, "UUID"):
        conn.defineXML(machine(f"{name}-2", block, uuid=other))


def test_a_generation_id_is_made_once(conn, name):
    dom = conn.defineXML(machine(name, "<genid/>"))
    made = tree(dom).findtext("genid")
    assert len(made) == 36
    assert tree(conn.defineXML(dom.XMLDesc(INACTIVE))).findtext("genid") == made


# ---- firmware ----

CHOICES = {
    "q35": ("q35", "", "OVMF_CODE_4M.ms.fd", "yes"),
    "i440fx": ("pc", "", "OVMF_CODE_4M.fd", "no"),
    "without secure boot": (
        "q35", "<firmware><feature enabled='no' name='secure-boot'/></firmware>",
        "OVMF_CODE_4M.fd", "no"),
    "without keys": (
        "q35", "<firmware><feature enabled='yes' name='secure-boot'/>"
        "<feature enabled='no' name='enrolled-keys'/></firmware>", "OVMF_CODE_4M.secboot.fd", "yes"),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_firmware_is_chosen_and_told(conn, name, choice):
    kind, os, code, secure = CHOICES[choice]
    dom = conn.defineXML(machine(name, "", os, "firmware='efi'", machine=kind))
    xml = tree(dom)
    loader, nvram = xml.find("os/loader"), xml.find("os/nvram")
    assert loader.text == f"/usr/share/OVMF/{code}"
    assert loader.attrib["type"] == "pflash"
    assert loader.get("readonly") == "yes"
    assert loader.get("format") == nvram.get("format") == "raw"
    assert nvram.get("template").startswith("/usr/share/OVMF/OVMF_VARS_4M")
    assert nvram.text.endswith(f"/{name}_VARS.fd")
    features = {each.get("name"): each.get("enabled") for each in xml.findall("os/firmware/feature")}
    assert features["secure-boot"] == secure
    assert set(features) == {"secure-boot", "enrolled-keys"}
    assert (xml.find("features/smm") is not None) == (secure == "yes")


def test_a_loader_that_is_named_gets_its_variables(conn, name):
    loader = "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"
    xml = tree(conn.defineXML(machine(name, "", loader)))
    assert xml.find("os").get("firmware") == "efi"
    assert xml.find("os/nvram").get("template") == "/usr/share/OVMF/OVMF_VARS_4M.fd"


def test_firmware_that_is_not_there_is_refused(conn, name):
    with refused(libvirt.VIR_ERR_OPERATION_FAILED, "efi"):
        conn.defineXML(machine(name, "", "<loader stateless='yes'/>", "firmware='efi'"))
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "ACPI"):
        conn.defineXML(with_features(name, "").replace("<os >", "<os firmware='efi'>"))


# ---- refusals ----

REFUSED = {
    "a list": (libvirt.VIR_ERR_INVALID_ARG, "<cputune><vcpupin vcpu='0' cpuset='x'/></cputune>"),
    "two of one id": (libvirt.VIR_ERR_XML_ERROR,
                      "<iothreadids><iothread id='1'/><iothread id='1'/></iothreadids>"),
    "an iothread 0": (libvirt.VIR_ERR_XML_ERROR,
                      "<iothreadids><iothread id='0'/></iothreadids>"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_refused(conn, name, what):
    code, before = REFUSED[what]
    with refused(code):
        conn.defineXML(machine(name, before))


# ---- running ----

ALL = f"""<maxMemory slots='4' unit='GiB'>1</maxMemory>
<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
<iothreads>2</iothreads><cputune><vcpupin vcpu='0' cpuset='0'/></cputune>
<genid/>
<sysinfo type='smbios'><bios><entry name='vendor'>A, B</entry></bios></sysinfo>
<sysinfo type='fwcfg'><entry name='opt/a/b'>text and more</entry></sysinfo>
<clock offset='variable' adjustment='-3600'><timer name='rtc' tickpolicy='catchup'/></clock>
{CELLS}"""


def test_a_guest_with_all_of_it_starts(conn, name):
    dom = conn.defineXML(machine(name, ALL, "<smbios mode='sysinfo'/>"))
    dom.create()
    xml = tree(dom)
    assert dom.isActive()
    assert xml.findtext("memory") == "131072"
    assert xml.find("clock").get("offset") == "variable"
    assert len(xml.findall("cpu/numa/cell")) == 2


def test_memory_is_plugged_in(conn, name):
    dom = conn.defineXML(machine(name, ALL))
    dom.create()
    dom.attachDeviceFlags(DIMM, LIVE)
    xml = tree(dom)
    module = xml.find("devices/memory")
    assert module.get("model") == "dimm"
    assert module.findtext("target/size") == "131072"
    assert module.find("alias").get("name") == "dimm0"
    assert xml.findtext("memory") == "262144"
    assert tree(dom, INACTIVE).find("devices/memory") is None


def test_a_guest_of_uefi_starts_with_variables_of_its_own(conn, name):
    dom = conn.defineXML(machine(name, "", "", "firmware='efi'", memory="64"))
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    assert dom.state()[0] == libvirt.VIR_DOMAIN_PAUSED
    assert tree(dom).find("os/nvram").text.endswith("_VARS.fd")
    dom.destroy()
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_RESET_NVRAM)
    assert dom.isActive()
    dom.destroy()
    dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


@pytest.mark.only("airlockd")
def test_a_cpu_that_qemu_has_not_is_refused_by_its_name(conn, name):
    """difference: refusals-name-the-blocker"""
    cpu = "<cpu mode='custom'><model fallback='forbid'>NoSuchModel</model></cpu>"
    dom = conn.defineXML(machine(name, cpu))
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "NoSuchModel"):
        dom.create()


def test_a_host_model_is_worked_out_for_the_running_guest_alone(conn, name):
    dom = conn.defineXML(machine(name, "<cpu mode='host-model'/>"))
    dom.create()
    assert tree(dom).find("cpu").get("mode") == "custom"
    assert tree(dom, INACTIVE).find("cpu").get("mode") == "host-model"


def test_clients_are_told_what_firmware_there_is(conn):
    text = conn.getDomainCapabilities(None, "x86_64", "q35", "qemu")
    caps = ET.fromstring(text)
    assert "efi" in [each.text for each in caps.findall("os/enum[@name='firmware']/value")]
    loaders = [each.text for each in caps.findall("os/loader/value")]
    assert "/usr/share/OVMF/OVMF_CODE_4M.fd" in loaders
    assert caps.find("os/loader/enum[@name='secure']/value").text == "yes"
    sources = [each.text for each in caps.findall("memoryBacking/enum/value")]
    assert sources == ["file", "anonymous", "memfd"]
    assert caps.find("features/genid").get("supported") == "yes"
    assert caps.find("iothreads").get("supported") == "yes"
