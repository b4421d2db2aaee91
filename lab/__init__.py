# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab: virtual hosts with an IOMMU and PCI devices, in which Airlock hands over for real."""

from lab.host import CommandResult, HostError, LabHost
from lab.topology import Topology

__all__ = ["CommandResult", "HostError", "LabHost", "Topology"]
