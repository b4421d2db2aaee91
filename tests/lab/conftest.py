# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual hosts for tests: each boots once, when the first test asks for it."""
